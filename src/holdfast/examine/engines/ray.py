"""Other machines, by Ray: it executes, and nothing else. decisions/0090 says why, and what it must.

    tasks -> lease (SQL) -> batch -> [driver process] -> Ray -> a worker of this case -> its child
    results <- checked, put in force if the lease is still ours <- [driver process]

What Ray loses, with a machine or with its own head, is nothing: the lease is free again, and what
is in force stands in `derived/`.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import sys
import time
from collections import deque
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, cast

from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import RemoteError, printable
from holdfast.examine._wire import Receiver, WireError, send
from holdfast.examine.cluster import environment
from holdfast.examine.engines.local import Local
from holdfast.examine.events import Died, Joined, Lost
from holdfast.examine.scratch import alive
from holdfast.sandbox.confine import Protection
from holdfast.vault.leases import SECONDS, Aim, Leases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from holdfast.core.canonical import Json
    from holdfast.examine._crew import Task
    from holdfast.examine._roster import Module
    from holdfast.examine.cluster import Cluster
    from holdfast.examine.engine import House, Order

    Message = dict[str, Json]

LOSSES = 3
"""Machines that one item may cost in one examination; then it is left, and told."""
_BATCH, _BYTES = 64, 32 << 20
"""Items and bytes of a batch, at most."""
_QUICK, _SLOW = 1.0, 4.0
"""Seconds within which a batch should come back: below, the next are larger; above, smaller."""
_PER_WORKER = 2
_JOINS_WITHIN = 90.0
"""Seconds that a cluster may be without any machine that can work."""
_ASK_AGAIN = 2.0


class Ray:
    """The engine."""

    def __init__(self, cluster: Cluster, leases: Leases, *, workers: int = 0) -> None:
        """`workers`: how many at most; 0: as many as the cluster has cores."""
        self._cluster, self._leases, self._workers = cluster, leases, workers

    def start(self, order: Order, house: House) -> RayCrew:
        """Get ready; the cluster is joined when there is something to do.

        Raises:
            InputError: the extra is not installed, or the token is no secret.
        """
        self._cluster.check()
        self._leases.prepare()
        shared, name = order.scratch.parent, order.scratch.name
        leases = self._leases.held_by(name, lambda other: not alive(shared, other))
        return RayCrew(self._cluster, leases, order, house, self._workers)


class RayCrew:
    """The workers of one examination, all of this one case."""

    def __init__(
        self, cluster: Cluster, leases: Leases, order: Order, house: House, workers: int
    ) -> None:
        self._cluster, self._leases, self._order, self._house = cluster, leases, order, house
        self._workers = workers
        # What has to be made, and under which keys, is said by this machine's own software. Record
        # finders read tables, which lie here: so they run here.
        self._local = Local(os.cpu_count() or 1).start(order, house)
        self.modules: tuple[Module, ...] = self._local.modules
        self.protection = self._local.protection
        self._members, self._machines = 0, 1
        self._lonely = time.monotonic()
        """Since when there is no machine, where there is none."""
        self._batches: dict[int, tuple[float, dict[str, Task]]] = {}
        self._answers: dict[int, dict[str, Message]] = {}
        """What was said of a batch's items so far; it counts when the batch is finished."""
        self._number = 0
        self._size = 4
        self._again: deque[Task] = deque()
        """Items that were in a lost batch without being at fault."""
        self._suspects: deque[Task] = deque()
        """Items that a machine was lost at: each goes alone."""
        self._losses: dict[str, int] = {}
        self._others: deque[Task] = deque()
        """Items that another examination has in hand."""
        self._asked = self._renewed = time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel, self._theirs = socket.socketpair()
        self._receiver = Receiver(self._channel)

    def _enter(self) -> None:
        """Start the process that speaks with Ray."""
        theirs = self._theirs
        with (self._order.scratch / "ray.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "holdfast.examine.engines._ray_driver",
                 str(theirs.fileno())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._order.scratch,
                pass_fds=(theirs.fileno(),), start_new_session=True,
                env={**environment(self._cluster.token), "PYTHONPATH": _path()},
            )  # fmt: skip
        theirs.close()
        modules: list[Json] = [module.to_json() for module in self.modules]
        self._say(
            {
                "address": self._cluster.address,
                "case": self._leases.case,
                "limits": self._order.limits.to_json(),
                "modules": modules,
                "plugins": [*self._order.plugins],
                "scratch": str(self._order.scratch),
                "settings": self._order.settings,
                "workers": self._workers,
            }
        )

    def _await_worker(self) -> None:
        """Wait until a machine takes work: for as long as it takes where all are busy."""
        while not self._members:
            self._turn()
            if not self._machines and time.monotonic() - self._lonely > _JOINS_WITHIN:
                raise RemoteError(
                    f"no machine of the cluster {self._cluster.address} takes work",
                    "start one with `holdfast cluster join`; what is done is kept",
                )

    def work(self, tasks: Iterator[Task]) -> None:
        """Have every task done."""
        first = next(tasks, None)
        if first is None:
            return
        if first.reads:
            self._local.work(chain([first], tasks))
            return
        if self._process is None:
            self._enter()
        tasks = chain([first], tasks)
        more = True
        while more or self._batches or self._again or self._suspects or self._others:
            self._await_worker()
            more = self._feed(tasks) and more
            self._turn()

    def close(self) -> None:
        """End every worker; what was not finished is free for the next examination."""
        self._channel.close()
        self._theirs.close()
        if self._process is not None:
            try:
                self._process.wait(20.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._local.close()
        self._leases.close()

    # Out.

    def _feed(self, tasks: Iterator[Task]) -> bool:
        """Give the cluster what it has room for; say whether there may be more."""
        while len(self._batches) < self._members * _PER_WORKER:
            chosen = [self._suspects.popleft()] if self._suspects else self._gather(tasks)
            if not chosen:
                return False
            self._give(chosen)
        return True

    def _gather(self, tasks: Iterator[Task]) -> list[Task]:
        """Return the next batch: so many items, so many bytes, whichever is first."""
        chosen: list[Task] = []
        size = 0
        self._look_again()
        while len(chosen) < self._size and size < _BYTES:
            task = self._again.popleft() if self._again else next(tasks, None)
            if task is None:
                break
            chosen.append(task)
            size += task.source.size
        return chosen

    def _look_again(self) -> None:
        """Every now and then, ask again for what others had in hand."""
        now = time.monotonic()
        if self._others and now - self._asked >= _ASK_AGAIN:
            self._asked = now
            self._again.extend(task for task in self._others if not self._house.settled(task))
            self._others.clear()

    def _give(self, chosen: list[Task]) -> None:
        aims = {_aim(task): task for task in chosen}
        taken = self._leases.take(aims)
        sound: list[Task] = []
        for aim, task in aims.items():
            if aim not in taken:
                self._others.append(task)
            elif self._house.settled(task):  # a moment ago, by whoever had the lease
                continue
            elif taken[aim] and len(aims) > 1:
                self._suspects.append(task)
            else:
                sound.append(task)
        self._send(sound)

    def _send(self, tasks: list[Task]) -> None:
        items: list[Json] = []
        sent: dict[str, Task] = {}
        for task in tasks:
            source = task.source
            if source.elsewhere is None:
                self._house.unread(task, "other machines can't reach its bytes")
                continue
            sent[source.item] = task
            items.append(
                {
                    "elsewhere": source.elsewhere().to_json(),
                    "enumeration": task.enumeration,
                    "item": source.item,
                    "latest": source.latest,
                    "name": source.name.encode("utf-8", "backslashreplace").decode("utf-8"),
                    "wanted": dict(task.wanted),
                }
            )
        if items:
            self._number += 1
            self._batches[self._number] = (time.monotonic(), sent)
            self._say({"batch": self._number, "items": items})

    def _say(self, message: Message) -> None:
        try:
            send(self._channel, message)
        except OSError:
            raise self._gone() from None

    # In.

    def _turn(self) -> None:
        """Wait for the driver to say something, and act on it."""
        now = time.monotonic()
        if now - self._renewed > SECONDS / 4:
            self._renewed = now
            self._leases.renew()
        if not select.select([self._channel], [], [], 0.2)[0]:
            return
        try:
            alive = self._receiver.fill()
        except OSError:
            alive = False
        while (message := self._receiver.take()) is not None:
            if isinstance(message, WireError) or not isinstance(message, dict):
                raise self._gone()
            self._hear(message)
        if not alive:
            raise self._gone()

    def _gone(self) -> RemoteError:
        return RemoteError(
            f"the cluster {self._cluster.address} is gone",
            "start its head again, then repeat: what is done is kept",
        )

    def _hear(self, message: Message) -> None:
        match message:
            case {"trouble": str(text)}:
                raise RemoteError(
                    f"the cluster {self._cluster.address} can't be used: {printable(text)}"
                )
            case {"machines": int(machines)}:
                self._machines, self._lonely = machines, time.monotonic()
            case {"joined": dict(joined), "workers": int(workers)}:
                self._members = workers
                self._welcome(joined)
            case {
                "lost": list(batches),
                "where": str(where),
                "reason": str(why),
                "workers": int(n),
            }:
                self._members = n
                self._lose([cast("int", one) for one in batches], where, printable(why))
            case {"batch": int(number), "item": str(item), **answer}:
                self._answers.setdefault(number, {})[item] = answer
            case {"finished": int(number), "events": list(events)}:
                self._finish(number, cast("list[dict[str, Any]]", events))
            case _:
                return

    def _welcome(self, joined: Message) -> None:
        protection = Protection(**cast("dict[str, int]", joined["protection"]))  # type: ignore[arg-type]
        self.protection = self.protection.weaker(protection)
        self._house.tell(Joined(str(joined["where"]), cast("int", joined["process"])))

    def _finish(self, number: int, events: list[dict[str, Any]]) -> None:
        """Take over what came of a batch: what is still ours is put in force."""
        began, sent = self._batches.pop(number)
        answers = self._answers.pop(number, {})
        for event in events:
            self._house.tell(Died(**event))
        made = {item: answer for item, answer in answers.items() if "unread" not in answer}
        held = self._leases.holds(_aim(sent[item]) for item in made)
        noted: dict[Aim, str] = {}
        for item, task in sent.items():
            aim = _aim(task)
            match answers.get(item):
                case {"unread": str(reason)}:
                    self._house.unread(task, printable(reason))
                case {
                    "enumeration": dict(enumeration), "modules": dict(modules),
                    "folder": str(folder), **more,
                } if aim in held:  # fmt: skip
                    self._house.finished(task, Path(folder), enumeration, modules)
                    files = cast("Json", more["files"])
                    facts: Message = {"files": files, "modules": modules}
                    noted[aim] = sha256_hex(canonical.dumps({**facts, "enumeration": enumeration}))
                case None:
                    self._again.append(task)
                case _:  # a pause so long that another examination took it over
                    self._others.append(task)
        self._leases.done(noted)
        took = time.monotonic() - began
        if took < _QUICK * _PER_WORKER:
            self._size = min(_BATCH, self._size * 2)
        elif took > _SLOW * _PER_WORKER:
            self._size = max(1, self._size // 2)
        shutil.rmtree(self._order.scratch / f"answer-{number}", ignore_errors=True)

    def _lose(self, batches: list[int], where: str, reason: str) -> None:
        """A worker is gone: its first batch was begun, the others were only waiting there."""
        self._house.tell(Lost(where, reason))
        for at, number in enumerate(batches):
            _, tasks = self._batches.pop(number)
            shutil.rmtree(self._order.scratch / f"answer-{number}", ignore_errors=True)
            if at:
                self._again.extend(tasks.values())
                continue
            self._leases.lost(_aim(task) for task in tasks.values())
            for item, task in tasks.items():
                self._losses[item] = self._losses.get(item, 0) + 1
                if self._losses[item] >= LOSSES:
                    self._house.unread(
                        task,
                        f"{LOSSES} workers were lost while they were at it; the last: {reason}",
                    )
                else:
                    self._suspects.append(task)


def _aim(task: Task) -> Aim:
    wanted: Json = {"enumeration": task.enumeration, "wanted": dict(task.wanted)}
    return Aim(task.source.item, sha256_hex(canonical.dumps(wanted)))


def _path() -> str:
    return os.pathsep.join(path for path in sys.path if os.path.isabs(path))  # noqa: PTH117
