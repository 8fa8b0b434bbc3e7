"""Examine items: hand each to a sandboxed worker, publish what it makes, outlive its death.

    items -> skip what is done -> worker (enumerate, parse, find) -> publish -> examined.json

A worker that dies costs one record: the file and module it was at are failed, by name, and the
item is gone through again without that pair. docs/explanation/examination.md says why it is so.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import shutil
import stat
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, cast

from holdfast.core import canonical
from holdfast.core.errors import InputError, IntegrityError, ResourceError, printable
from holdfast.examine import results
from holdfast.examine._crew import Task, Worker
from holdfast.examine._plan import Plan, standing
from holdfast.examine._roster import PARSER, Module
from holdfast.examine._walk import EVERY, label
from holdfast.examine.events import Died, Event, Examined, Input, Started, Summary, Unread
from holdfast.examine.limits import Limits
from holdfast.examine.results import Current, Result
from holdfast.sandbox.confine import Protection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from holdfast.core.canonical import Json

__all__ = ["Died", "Event", "Examined", "Input", "Started", "Summary", "Unread", "examine"]

_AHEAD = 3
"""Items a worker holds at once, so that it never waits for the engine."""
_TICK = 0.2
_SETTLED = 60.0
"""Seconds after which a folder without its lock is no other engine's beginning."""


def examine(
    inputs: Iterable[Input],
    derived: Path,
    *,
    jobs: int = 1,
    limits: Limits | None = None,
    on_event: Callable[[Event], None] | None = None,
    only: tuple[str, ...] = (),
    plugins: tuple[str, ...] = (),
    settings: dict[str, Json] | None = None,
) -> Summary:
    """Examine `inputs`, all of one case, into `derived`; what is there already is not done again.

    `jobs` is the number of worker processes. `only` names the parsers and finders to run, all of
    them when empty. `plugins` are further modules (parsers, finders, openers) to import.
    `settings` tells modules, by name, what they need beyond the item (rules, patterns, a mapping);
    what a module is told is part of its results' key. A record finder runs where it is told.

    Raises:
        InputError: no such parser or finder; two modules of one name; a bad item.
        IntegrityError: a worker wrote what it must not.
        ResourceError: workers can't be started, or this machine ran out of room.
    """
    derived.mkdir(parents=True, exist_ok=True)
    _clean(derived)
    with tempfile.TemporaryDirectory(
        prefix=".tmp-", dir=derived, ignore_cleanup_errors=True
    ) as name:
        scratch = Path(name).resolve()
        with (scratch / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            engine = _Engine(derived, scratch, limits or Limits(), on_event or _silent, plugins,
                             settings=settings or {})  # fmt: skip
            try:
                return engine.run(iter(inputs), max(1, jobs), only)
            finally:
                engine.close()


def _silent(event: Event) -> None:
    del event


def _clean(derived: Path) -> None:
    """Remove what engines left that are no longer there."""
    for stale in derived.glob(".tmp-*"):
        try:
            with (stale / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(stale, ignore_errors=True)
        except FileNotFoundError:
            if time.time() - stale.stat().st_mtime > _SETTLED:
                shutil.rmtree(stale, ignore_errors=True)
        except BlockingIOError:
            continue


class _Engine:
    """One call of `examine`."""

    def __init__(
        self,
        derived: Path,
        scratch: Path,
        limits: Limits,
        on_event: Callable[[Event], None],
        plugins: tuple[str, ...],
        *,
        settings: dict[str, Json],
    ) -> None:
        self._derived, self._scratch, self._limits = derived, scratch, limits
        self._tell, self._plugins = on_event, plugins
        self._settings = settings
        self._told = canonical.dumps(settings)
        self._selector = selectors.DefaultSelector()
        self._workers: set[Worker] = set()
        self._started = 0
        self._again: deque[Task] = deque()
        self._under_way: set[str] = set()
        self._largest = limits.bytes
        self._modules: dict[str, Module] = {}
        self._plan: Plan
        self._protection: Protection | None = None
        self._counts = dict.fromkeys(
            ("examined", "skipped", "unread", "files", "bytes", "records", "failures", "deaths"), 0
        )

    def run(self, inputs: Iterator[Input], jobs: int, only: tuple[str, ...]) -> Summary:
        start = time.monotonic()
        self._hire()
        while self._protection is None:
            self._turn()
        self._plan = Plan(self._derived, self._limits, self._modules, only, self._settings)
        for _ in range(jobs - 1):
            self._hire()
        self._work(self._tasks(inputs))
        self._work(self._plan.readings())
        return Summary(
            seconds=time.monotonic() - start, protection=self._protection, **self._counts
        )

    def _work(self, tasks: Iterator[Task]) -> None:
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
        worker = Worker(self._scratch / f"worker-{self._started}", self._limits, self._plugins,
                        self._told)  # fmt: skip
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

    def _tasks(self, inputs: Iterator[Input]) -> Iterator[Task]:
        """Yield what is left to do, of each item once at a time."""
        for source, task in self._plan.tasks(inputs):
            if task is None or source.item in self._under_way:
                self._counts["skipped"] += 1
            else:
                yield task

    def _give(self, worker: Worker, task: Task) -> None:
        if task.reads:
            return self._give_records(worker, task)
        try:
            descriptor = task.source.open()
        except OSError as error:
            return self._unread(task, f"can't be opened: {error.strerror}")
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                return self._unread(task, "not a regular file")
            self._largest = max(self._largest, facts.st_size)
            self._under_way.add(task.source.item)
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

    def _unread(self, task: Task, reason: str) -> None:
        self._under_way.discard(task.source.item)
        self._counts["unread"] += 1
        self._tell(Unread(task.source.item, task.source.name, reason))

    def _publish_found(self, task: Task, folder: Path, modules: dict[str, Json]) -> None:
        """Put what record finders found in an item's records in force."""
        now = results.current(self._derived, task.source.item)
        if now is None:
            raise IntegrityError(f"derived data of item {task.source.item} is gone")
        found = dict(now.modules)
        for name, key in task.wanted.items():
            facts = modules.get(name)
            cites: list[Json] = [*task.cites]
            facts = {
                **self._modules[name].to_json(), "reads": cites,
                **(facts if isinstance(facts, dict) else {}),
            }  # fmt: skip
            found[name] = result = Result(key, facts, results.taken(folder / key))
            self._counts["records"] += result.total("records")
            self._counts["failures"] += result.total("failures")
        results.publish(self._derived, folder, Current(now.item, now.enumeration, found))
        shutil.rmtree(folder, ignore_errors=True)

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
                if self._protection is None:
                    found = [Module.from_json(module) for module in modules]
                    self._modules = {label(module): module for module in found}
                    self._protection = Protection(**cast("dict[str, int]", protection))  # type: ignore[arg-type]
                    self._tell(Started(self._protection, tuple(found)))
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
                if task.reads:
                    self._publish_found(task, worker.folder(number), modules)
                else:
                    self._publish(task, worker.folder(number), enumeration, modules)
            case {"refused": str(reason)}:
                _, task = worker.tasks.popleft()
                self._unread(task, reason)
            case {"broken": str(reason)}:
                worker.reason = printable(reason)[:300]
            case {"scarce": str(reason)}:
                raise ResourceError(
                    f"a worker ran out of room: {printable(reason)}", "make room and run it again"
                )
            case _:
                worker.kill("the worker broke the protocol")

    def _publish(
        self, task: Task, folder: Path, enumeration: dict[str, Json], modules: dict[str, Json]
    ) -> None:
        """Put what a worker wrote about an item in force."""
        item, name = task.source.item, task.source.name
        files = results.taken(folder / self._plan.enumeration)
        whole = Result(self._plan.enumeration, enumeration, files)
        found = dict(self._plan.in_force(item) or {})
        records, failures = 0, whole.total("failures")
        for module, key in task.wanted.items():
            facts = modules.get(module)
            facts = {
                **self._modules[module].to_json(),
                **(facts if isinstance(facts, dict) else {}),
            }
            if first := self._modules[module].of:
                known = found.get(f"{PARSER}:{first}")
                read = task.wanted.get(f"{PARSER}:{first}") or (known.key if known else "")
                facts["reads"] = [read]
            found[module] = result = Result(key, facts, results.taken(folder / key))
            records += result.total("records")
            failures += result.total("failures")
        found = standing(found)
        results.publish(self._derived, folder, Current(item, whole, found))
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        self._under_way.discard(item)
        event = Examined(item, name, whole.total("files"), whole.total("bytes"), records, failures)
        self._counts["examined"] += 1
        for count in ("files", "bytes", "records", "failures"):
            self._counts[count] += getattr(event, count)
        self._tell(event)

    def _bury(self, worker: Worker) -> None:
        """Find out what a dead worker was at, and put its items back in line."""
        self._selector.unregister(worker.channel)
        self._workers.discard(worker)
        reason, at = worker.end(), worker.position()
        worker.close()
        if self._protection is None:
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
            if task.idle_deaths > self._limits.deaths:
                raise ResourceError("workers keep ending before they begin", "see the system's log")
            return
        task.deaths[module] += 1
        self._counts["deaths"] += 1
        known = task.skip.get((file, module))
        if known and known[0] == members:  # leaving that out did not help
            task.give_up = f"workers keep dying; the last: {reason}"
        task.skip[file, module] = (members, reason)
        if (many := task.deaths[module]) >= self._limits.deaths:
            task.skip[EVERY, module] = (
                0,
                f"given up after {many} workers died; the last: {reason}",
            )
        source = task.source
        self._tell(Died(source.item, source.name, file, printable(module), reason))
