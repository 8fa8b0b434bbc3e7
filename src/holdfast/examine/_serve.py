"""A worker's life once it is confined: load the modules, then item after item."""

from __future__ import annotations

import gc
import os
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from holdfast.core import canonical
from holdfast.examine import _roster
from holdfast.examine._output import BrokenError, ScarceError
from holdfast.examine._position import Page
from holdfast.examine._reading import Reading, read
from holdfast.examine._walk import RATE, Job, RefusedError, Walk
from holdfast.examine._wire import SETTINGS, send
from holdfast.sandbox.confine import allow_cpu

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from holdfast.core.canonical import Json
    from holdfast.examine._roster import Module
    from holdfast.examine._wire import Message
    from holdfast.examine.interfaces import RecordFinder
    from holdfast.examine.limits import Limits
    from holdfast.sandbox.confine import Protection

_BROKEN = 70


class Server:
    """Takes items from the engine, one at a time."""

    def __init__(self, scratch: Path, limits: Limits, page: int, plugins: tuple[str, ...]) -> None:
        pa.set_cpu_count(1)  # one process a core is the engine's business; threads cost memory
        pa.set_io_thread_count(1)
        self._scratch, self._limits, self._page = scratch, limits, Page(page)
        told = canonical.loads((scratch / SETTINGS).read_bytes())
        self._told = told if isinstance(told, dict) else {}
        self._roster = _roster.load(plugins, self._told)
        self._ready: dict[str, Any] = {}
        gc.freeze()

    def run(
        self,
        channel: socket.socket,
        incoming: Iterator[tuple[Message, list[int]]],
        protection: Protection,
        statm: int,
    ) -> int:
        """Say hello and work until the engine hangs up; return the exit status."""
        modules: list[Json] = [module.to_json() for module in self._roster.all()]
        send(channel, {"modules": modules, "protection": asdict(protection)})
        for message, descriptors in incoming:
            if "seq" not in message or len(descriptors) != len(_kinds(message) or [""]):
                return _BROKEN
            answer = self._examine(message, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            send(channel, answer)
            if "broken" in answer:
                return _BROKEN
            self._page.at(0, "")
            if _pages(statm) * os.sysconf("SC_PAGESIZE") > self._limits.memory // 4 * 3:
                return 0  # grown old: the next item deserves the memory that the first one had
        return 0

    def _examine(self, message: Message, descriptors: list[int]) -> Message:
        number = message["seq"]
        out = self._scratch / f"out-{number}"
        try:
            if "kinds" in message:
                return {"seq": number, "done": self._read(message, descriptors, out)}
            return {"seq": number, "done": self._walk(message, descriptors[0], out)}
        except RefusedError:
            shutil.rmtree(out, ignore_errors=True)
            return {"seq": number, "refused": "the bytes do not have the item's SHA-256"}
        except BrokenError as error:
            return {"seq": number, "broken": str(error)}
        except ScarceError as error:
            return {"seq": number, "scarce": str(error)}

    def _walk(self, message: Message, descriptor: int, out: Path) -> Json:
        allow_cpu(self._limits.cpu_seconds + os.fstat(descriptor).st_size // RATE)
        job = _job(message, descriptor)
        return Walk(
            job, self._roster, self._limits, page=self._page, scratch=self._scratch, out=out
        ).run()

    def _read(self, message: Message, descriptors: list[int], out: Path) -> Json:
        reading = Reading(
            item=str(message["item"]),
            kinds=_kinds(message),
            descriptors=descriptors,
            wanted=cast("dict[str, str]", message["wanted"]),
            skip=_skip(message),
        )
        return read(
            reading, self._roster.record_finders, self._prepared, self._limits,
            page=self._page, out=out,
        )  # fmt: skip

    def _prepared(self, module: Module, finder: RecordFinder) -> Any:
        """Return a record finder's settings as it wants them."""
        if module.name not in self._ready:
            self._ready[module.name] = finder.prepare(self._told.get(module.name))
        return self._ready[module.name]


def _job(message: Message, descriptor: int) -> Job:
    return Job(
        item=str(message["item"]),
        name=str(message["name"]),
        descriptor=descriptor,
        enumeration=str(message["enumeration"]),
        wanted=cast("dict[str, str]", message["wanted"]),
        skip=_skip(message),
        give_up=str(message["give_up"]),
        latest=cast("int | None", message["latest"]),
    )


def _kinds(message: Message) -> list[str]:
    kinds = message.get("kinds")
    return [str(kind) for kind in kinds] if isinstance(kinds, list) else []


def _skip(message: Message) -> dict[tuple[int, str], tuple[int, str]]:
    skip = cast("list[tuple[int, str, int, str]]", message["skip"])
    return {(ordinal, module): (members, reason) for ordinal, module, members, reason in skip}


def _pages(statm: int) -> int:
    return int(os.pread(statm, 64, 0).split()[0])
