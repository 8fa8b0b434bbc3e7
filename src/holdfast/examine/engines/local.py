"""Processes of this machine: the engine that needs nothing.

    tasks -> worker (enumerate, parse, find) -> house.finished

A worker that dies costs one record: the file and module it was at are failed, by name, and the
item is gone through again without that pair. docs/explanation/examination.md says why it is so.
"""

from __future__ import annotations

import os
import selectors
import shutil
import stat
import time
from collections import deque
from typing import TYPE_CHECKING, cast

from holdfast.core import canonical
from holdfast.core.errors import InputError, IntegrityError, ResourceError, printable
from holdfast.examine._crew import Task, Worker
from holdfast.examine._roster import Module
from holdfast.examine._walk import EVERY
from holdfast.examine.events import Died
from holdfast.sandbox.confine import Protection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json
    from holdfast.examine.engine import House, Order

_AHEAD = 3
"""Items a worker holds at once, so that it never waits for the engine."""
_TICK = 0.2


class Local:
    """The engine."""

    def __init__(self, jobs: int = 1) -> None:
        self._jobs = max(1, jobs)

    def start(self, order: Order, house: House) -> LocalCrew:
        """Start one process and hear what it has; the others are started when there is work.

        Raises:
            InputError: two modules of one name.
            ResourceError: it can't be started.
        """
        crew = LocalCrew(order, house, self._jobs)
        try:
            crew.greet()
        except BaseException:
            crew.close()
            raise
        return crew


class LocalCrew:
    """The processes of one examination."""

    protection: Protection

    def __init__(self, order: Order, house: House, jobs: int) -> None:
        self.modules: tuple[Module, ...] = ()
        self._order, self._house, self._jobs = order, house, jobs
        self._told = canonical.dumps(order.settings)
        self._selector = selectors.DefaultSelector()
        self._workers: set[Worker] = set()
        self._started = 0
        self._again: deque[Task] = deque()
        self._largest = order.limits.bytes

    def greet(self) -> None:
        """Start the first worker and wait for what it says of itself."""
        self._hire()
        while not self.modules:
            self._turn()

    def work(self, tasks: Iterator[Task]) -> None:
        """Have every task done."""
        while len(self._workers) < self._jobs:
            self._hire()
        while self._feed(tasks) or any(worker.tasks for worker in self._workers) or self._again:
            self._turn()

    def close(self) -> None:
        """End every worker."""
        for worker in self._workers:
            worker.kill("the examination ended")
            worker.end()
            worker.close()
        self._selector.close()

    def _hire(self) -> None:
        self._started += 1
        order = self._order
        worker = Worker(
            order.scratch / f"worker-{self._started}", order.limits, order.plugins, self._told
        )
        self._workers.add(worker)
        self._selector.register(worker.channel, selectors.EVENT_READ, worker)

    def _feed(self, tasks: Iterator[Task]) -> bool:
        """Give every worker what it has room for; say whether there may be more."""
        for depth in range(1, _AHEAD + 1):
            for worker in self._workers:
                while len(worker.tasks) < depth:
                    task = self._again.popleft() if self._again else next(tasks, None)
                    if task is None:
                        return False
                    self._give(worker, task)
        return True

    def _give(self, worker: Worker, task: Task) -> None:
        if task.reads:
            return self._give_records(worker, task)
        try:
            descriptor = task.source.open()
        except OSError as error:
            return self._house.unread(task, f"can't be opened: {error.strerror}")
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                return self._house.unread(task, "not a regular file")
            self._largest = max(self._largest, facts.st_size)
            return worker.give(task, (descriptor,))
        finally:
            os.close(descriptor)

    def _give_records(self, worker: Worker, task: Task) -> None:
        descriptors: list[int] = []
        try:
            descriptors.extend(
                os.open(found.path, os.O_RDONLY | os.O_CLOEXEC) for found in task.reads
            )
            worker.give(task, tuple(descriptors))
        except OSError as error:
            raise IntegrityError(
                f"derived data of item {task.source.item} is gone: {error.strerror}",
                "drop it and examine again",
            ) from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _turn(self) -> None:
        """Wait for a worker to say something, and act on it."""
        for key, _ in self._selector.select(_TICK):
            worker = cast("Worker", key.data)
            messages, alive = worker.hear()
            for message in messages:
                self._hear(worker, message)
            if not alive:
                self._bury(worker)
        now = time.monotonic()
        for worker in self._workers:
            worker.watch(now, self._largest)

    def _hear(self, worker: Worker, message: dict[str, Json]) -> None:
        match message:
            case {"modules": list(modules), "protection": dict(protection)}:
                if not self.modules:
                    self.protection = Protection(**cast("dict[str, int]", protection))  # type: ignore[arg-type]
                    self.modules = tuple(Module.from_json(module) for module in modules)
            case {"trouble": str(text)}:
                raise InputError(f"a worker could not start: {printable(text)}")
            case {"seq": int(number), **answer} if worker.tasks and worker.tasks[0][0] == number:
                self._answer(worker, number, answer)
            case _:
                worker.kill("the worker broke the protocol")

    def _answer(self, worker: Worker, number: int, answer: dict[str, Json]) -> None:
        match answer:
            case {"done": {"enumeration": dict(enumeration), "modules": dict(modules)}}:
                _, task = worker.tasks.popleft()
                self._house.finished(task, worker.folder(number), enumeration, modules)
            case {"refused": str(reason)}:
                _, task = worker.tasks.popleft()
                self._house.unread(task, reason)
            case {"broken": str(reason)}:
                worker.reason = printable(reason)[:300]
            case {"scarce": str(reason)}:
                raise ResourceError(
                    f"a worker ran out of room: {printable(reason)}", "make room and run it again"
                )
            case _:
                worker.kill("the worker broke the protocol")

    def _bury(self, worker: Worker) -> None:
        """Find out what a dead worker was at, and put its items back in line."""
        self._selector.unregister(worker.channel)
        self._workers.discard(worker)
        reason, at = worker.end(), worker.position()
        worker.close()
        if not self.modules:
            raise worker.complaint()
        waiting = [task for _, task in worker.tasks]
        if waiting:
            self._blame(waiting[0], at.ordinal, at.module, at.members, reason)
        self._again.extendleft(reversed(waiting))
        shutil.rmtree(worker.scratch, ignore_errors=True)
        self._hire()

    def _blame(self, task: Task, file: int, module: str, members: int, reason: str) -> None:
        if not module:  # it had grown old, or was struck down between two items
            task.idle_deaths += 1
            if task.idle_deaths > self._order.limits.deaths:
                raise ResourceError("workers keep ending before they begin", "see the system's log")
            return
        task.deaths[module] += 1
        known = task.skip.get((file, module))
        if known and known[0] == members:  # leaving that out did not help
            task.give_up = f"workers keep dying; the last: {reason}"
        task.skip[file, module] = (members, reason)
        if (many := task.deaths[module]) >= self._order.limits.deaths:
            task.skip[EVERY, module] = (
                0,
                f"given up after {many} workers died; the last: {reason}",
            )
        source = task.source
        self._house.tell(Died(source.item, source.name, file, printable(module), reason))
