"""Worker processes from the engine's side: start one, give it items, notice when it is gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.errors import ResourceError
from holdfast.examine._position import Page, Position, shared
from holdfast.examine._walk import RATE
from holdfast.examine._wire import SETTINGS, Receiver, WireError, send

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.examine.events import Input
    from holdfast.examine.limits import Limits
    from holdfast.examine.results import Dataset

    Message = dict[str, Json]

_GRACE = 30.0
"""Seconds a worker may take to load its modules."""


@dataclass
class Task:
    """An item under way: what was asked, and what it has cost so far."""

    source: Input
    enumeration: str
    wanted: dict[str, str]
    """Label to key of each module to run."""
    skip: dict[tuple[int, str], tuple[int, str]] = field(default_factory=dict)
    give_up: str = ""
    deaths: Counter[str] = field(default_factory=Counter)
    """By module."""
    idle_deaths: int = 0
    reads: tuple[Dataset, ...] = ()
    """Datasets for record finders; empty where the item itself is to be gone through."""
    cites: tuple[str, ...] = ()
    """Keys of the results that `reads` belong to."""


class Worker:
    """One child process, for one case."""

    def __init__(
        self, scratch: Path, limits: Limits, plugins: tuple[str, ...], given: bytes
    ) -> None:
        self.scratch = scratch
        self._limits = limits
        self.tasks: deque[tuple[int, Task]] = deque()
        """What it was given and has not answered, oldest first."""
        self.reason = ""
        """Why it was killed, or what it said before it ended."""
        self._number = 0
        (scratch / "tmp").mkdir(parents=True)
        (scratch / SETTINGS).write_bytes(given)
        ours, theirs = socket.socketpair()
        page = shared()
        self._page = Page(page)
        self._seen, self._since = 0, time.monotonic()
        with (scratch / "stderr").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "holdfast.examine.worker",
                 str(theirs.fileno()), str(page)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                env=_environment(scratch), cwd=scratch, pass_fds=(theirs.fileno(), page),
                start_new_session=True,
            )  # fmt: skip
        theirs.close()
        os.close(page)
        self.channel = ours
        self._receiver = Receiver(ours)
        settings: Message = {
            "scratch": str(scratch),
            "limits": limits.to_json(),
            "plugins": list(plugins),
            "code": [*_code(plugins)],
        }  # fmt: skip
        send(ours, settings)

    def give(self, task: Task, descriptors: tuple[int, ...]) -> None:
        """Hand over an item, or datasets of it; the descriptors stay the caller's to close."""
        if not self.tasks:
            self._since = time.monotonic()
        self._number += 1
        self.tasks.append((self._number, task))
        job: Message = {
            "seq": self._number,
            "item": task.source.item,
            "name": task.source.name.encode("utf-8", "backslashreplace").decode("utf-8"),
            "latest": task.source.latest,
            "enumeration": task.enumeration,
            "wanted": dict(task.wanted),
            "skip": [[o, m, k, r] for (o, m), (k, r) in task.skip.items()],
            "give_up": task.give_up,
        }
        if task.reads:
            job["kinds"] = [found.kind for found in task.reads]
        try:
            send(self.channel, job, descriptors)
        except OSError:
            return  # it has died; its end of file says so to whoever waits for an answer

    def hear(self) -> tuple[list[Message], bool]:
        """Read what it has said; return the messages, and whether it is still there."""
        try:
            alive = self._receiver.fill()
        except OSError:
            alive = False
        messages: list[Message] = []
        while (message := self._receiver.take()) is not None:
            if isinstance(message, WireError) or not isinstance(message, dict):
                self.kill("the worker broke the protocol")
                return messages, False
            messages.append(message)
        return messages, alive

    def folder(self, number: int) -> Path:
        """Return where the worker wrote its answer to an item."""
        return self.scratch / f"out-{number}"

    def position(self) -> Position:
        """Return where it is, or was when it died."""
        return self._page.read()

    def watch(self, now: float, largest: int) -> None:
        """Kill the worker if it has stood still for longer than its step may take."""
        at = self._page.read()
        if at.counter != self._seen or not self.tasks:
            self._seen, self._since = at.counter, now
            return
        allowed = self._limits.seconds + min(at.size, largest) / RATE
        if now - self._since > (allowed if at.counter else max(allowed, _GRACE)):
            self.kill(f"time limit of {self._limits.seconds} seconds")

    def kill(self, reason: str) -> None:
        """End it now; `reason` goes into the failure that this leaves."""
        self.reason = self.reason or reason
        self._process.kill()

    def end(self) -> str:
        """Wait for its end and return the reason, in words."""
        self.channel.close()
        try:
            status = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return self.reason or _words(status)

    def close(self) -> None:
        """Give up what is left of a worker that has ended."""
        self._page.close()

    def complaint(self) -> ResourceError:
        """Return why it could not start."""
        text = (self.scratch / "stderr").read_text("utf-8", "backslashreplace").strip()
        last = text.splitlines()[-1] if text else "it said nothing"
        return ResourceError(f"a worker could not start: {last}")


def _environment(scratch: Path) -> dict[str, str]:
    """Return all that a worker learns of its surroundings."""
    return {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if os.path.isabs(path)),  # noqa: PTH117
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(scratch / "tmp"),
        "HOME": str(scratch),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "MALLOC_ARENA_MAX": "1",  # each arena would reserve 64 MiB of the address space allowed
        "OMP_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }


def _code(plugins: tuple[str, ...]) -> list[str]:
    """Return the folders of the modules that a worker imports, beside the Python installation.

    Not simply `sys.path`: started by `python -m`, it begins with wherever one happens to stand.
    """
    groups = ("holdfast.parsers", "holdfast.finders", "holdfast.openers", "holdfast.seconds")
    registered = [point.module for group in groups for point in entry_points(group=group)]
    names = {name.partition(".")[0] for name in ("holdfast", *plugins, *registered)}
    specs = [find_spec(name) for name in sorted(names)]
    return [str(Path(spec.origin).resolve().parent) for spec in specs if spec and spec.origin]


def _words(status: int) -> str:
    if status >= 0:
        return f"the worker ended by itself (status {status})"
    if -status == signal.SIGXCPU:
        return "processor time limit"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    return f"the worker died of {name}"
