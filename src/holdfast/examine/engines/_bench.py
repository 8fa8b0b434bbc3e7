"""The worker on another machine: a process of Ray's, for one case, which fetches and sends back.

    batch -> fetch each item -> a sandboxed child goes through it -> results, in pieces

It decodes nothing. Below it runs the local engine with one child, confined as everywhere.
Everything said to and by it is JSON and bytes, never an object of ours.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import ray

from holdfast.core import canonical
from holdfast.core.errors import HoldfastError
from holdfast.examine import results
from holdfast.examine._crew import Task
from holdfast.examine.elsewhere import Elsewhere, fetch
from holdfast.examine.engine import Order
from holdfast.examine.engines.local import Local
from holdfast.examine.events import Died, Event, Input
from holdfast.examine.limits import Limits
from holdfast.examine.scratch import private_folder, scratch

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.core.canonical import Json

PIECE = 8 << 20
"""Bytes of a file that travel at once: memory on neither side follows the size of a result."""
_INLINE = 256 << 10
"""Files up to this size come with the answer."""
_ANSWER = 16 << 20
"""Bytes of files that come with one answer, at most."""
WORK, CARRY = "work", "carry"
"""The threads of the process: one works, the others answer meanwhile."""


class Bench:
    """Serves one case, and ends with its examination."""

    def __init__(self, case: str, told: bytes) -> None:
        order = cast("dict[str, Json]", canonical.loads(told))
        self._case = case
        self._rest = ExitStack()
        self._scratch = self._rest.enter_context(scratch(private_folder("holdfast")))
        self._crew = Local(1).start(
            Order(
                self._scratch,
                Limits.from_json(order["limits"]),
                tuple(cast("list[str]", order["plugins"])),
                cast("dict[str, Json]", order["settings"]),
            ),
            self,
        )
        self._rest.callback(self._crew.close)
        self._answers: list[dict[str, Json]] = []
        self._events: list[Json] = []
        self._folders: dict[str, Path] = {}
        self._contents: list[bytes] = []
        self._inline = 0

    @ray.method(concurrency_group=CARRY)
    def hello(self) -> bytes:
        """Say what this process has, and how its machine was started."""
        modules: list[Json] = [module.to_json() for module in self._crew.modules]
        return canonical.dumps(
            {
                "modules": modules,
                "protection": asdict(self._crew.protection),
                "process": os.getpid(),
                "token": os.environ.get("RAY_AUTH_MODE") == "token",
                "silent": os.environ.get("RAY_USAGE_STATS_ENABLED") == "0",
            }
        )

    @ray.method(concurrency_group=WORK)
    def work(self, case: str, batch: bytes) -> tuple[bytes, list[bytes]]:
        """Go through a batch; return what came of it, and the contents of its small files.

        Raises:
            RuntimeError: it is of another case.
            ResourceError: there is no room here.
        """
        if case != self._case:
            raise RuntimeError("a worker was given work of another case")
        self._answers, self._events, self._contents, self._inline = [], [], [], 0
        items = cast("list[dict[str, Json]]", canonical.loads(batch))
        self._crew.work(self._task(item) for item in items)
        answers: list[Json] = [*self._answers]
        return canonical.dumps({"answers": answers, "events": self._events}), self._contents

    @ray.method(concurrency_group=CARRY)
    def piece(self, item: str, key: str, name: str, offset: int) -> bytes:
        """Return a piece of a file that did not come with the answer."""
        with (self._folders[item] / key / name).open("rb") as stream:
            stream.seek(offset)
            return stream.read(PIECE)

    @ray.method(concurrency_group=CARRY)
    def forget(self, items: list[str]) -> None:
        """Remove what was sent back."""
        for item in items:
            if (folder := self._folders.pop(item, None)) is not None:
                shutil.rmtree(folder, ignore_errors=True)

    @ray.method(concurrency_group=CARRY)
    def leave(self) -> None:
        """End the child and remove everything."""
        self._rest.close()

    def _task(self, told: dict[str, Json]) -> Task:
        place = Elsewhere.from_json(told["elsewhere"])
        latest = cast("int | None", told["latest"])
        source = Input(str(told["item"]), str(told["name"]), lambda: self._open(place), latest)
        return Task(source, str(told["enumeration"]), cast("dict[str, str]", told["wanted"]))

    def _open(self, place: Elsewhere) -> int:
        try:
            return fetch(place, self._scratch)
        except HoldfastError as error:
            raise OSError(errno.EIO, error.what) from error

    # What the local engine reports to.

    def finished(
        self, task: Task, folder: Path, enumeration: dict[str, Json], modules: dict[str, Json]
    ) -> None:
        """Note an item's results."""
        item = task.source.item
        files: list[Json] = []
        for key in (task.enumeration, *task.wanted.values()):
            for name, (size, digest) in sorted(results.taken(folder / key).items()):
                files.append([key, name, size, digest, self._enclose(folder / key / name, size)])
        self._folders[item] = folder
        self._answers.append(
            {"item": item, "enumeration": enumeration, "modules": modules, "files": files}
        )

    def _enclose(self, path: Path, size: int) -> int:
        """Return at which place of the contents a file stands; -1: it is fetched in pieces."""
        if size > _INLINE or self._inline + size > _ANSWER:
            return -1
        self._inline += size
        self._contents.append(path.read_bytes())
        return len(self._contents) - 1

    def unread(self, task: Task, reason: str) -> None:
        """Note an item that could not be examined."""
        self._answers.append({"item": task.source.item, "unread": reason})

    def settled(self, task: Task) -> bool:
        """Nobody else works here."""
        del task
        return False

    def tell(self, event: Event) -> None:
        """Note a death in the sandbox."""
        if isinstance(event, Died):
            facts: dict[str, Any] = asdict(event)
            self._events.append(facts)
