"""A parser for tests: `LINES` files, one record a line, `!name` lines doing harm on purpose."""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine.record import Failure, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS = ("python",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Record):
    KIND: ClassVar[str] = "toy.line"

    title: str | None = None
    seen_time: int | None = None
    tags: list[str]
    odd: bool | None = None


RECORDS = (Line,)


def match(file: EvidenceFile) -> bool:
    if file.head.startswith(b"BADMATCH"):
        raise KeyError("no \x1b[31mcolour")
    return file.head.startswith((b"LINES", b"BOX1\n!both"))


def parse(file: EvidenceFile) -> Iterator[Record]:
    if file.head.startswith(b"BOX1"):
        raise ValueError("a box is not lines")
    offset = 0
    with file.open() as stream:
        for row, raw in enumerate(stream, 1):
            text = raw.decode("utf-8", "surrogateescape").rstrip("\n")
            if text.startswith("!"):
                yield from harm(text[1:], file)
            elif row > 1:
                time_, _, words = text.partition(" ")
                time_, _, nanos = time_.partition(".")
                stamp = int(time_) if time_.lstrip("-").isdigit() else None
                yield Line(
                    message=words or text, time=stamp,
                    time_nanos=int(nanos) if nanos.isdigit() else None, time_meaning="written",
                    offset=offset, length=len(raw), row=row, title=f"line {row}", seen_time=stamp,
                    tags=words.split(), odd=bool(row % 2),
                )  # fmt: skip
            offset += len(raw)


def spin() -> None:
    # No sleep(0): a kernel that counts processor time by ticks would not see it.
    while True:
        pass


def harm(what: str, file: EvidenceFile) -> Iterator[Record]:
    if what == "segfault":
        ctypes.string_at(0)
    elif what == "hang":
        time.sleep(3600)
    elif what == "spin":
        spin()
    elif what == "memory":
        kept = [bytearray(64 << 20) for _ in range(1000)]
        kept.clear()
    elif what == "exit":
        os._exit(3)
    elif what == "raise":
        raise ValueError("bad \x1b[2J thing")
    elif what == "failure":
        yield Failure(message="this line is torn", reason="torn line")
    elif what == "huge":
        yield Line(message="too large", time=2**70, tags=[])
    elif what == "wrong":
        yield Line(message=b"bytes", tags=[])  # type: ignore[arg-type]
    elif what == "copy":
        path = file.copy()
        yield Line(message=f"copied {path.stat().st_size}", tags=[])
    elif what == "fill":
        with (file.copy().parent / "filler").open("wb") as sink:
            for _ in range(10_000):
                sink.write(bytes(1 << 20))
