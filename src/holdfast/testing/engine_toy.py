"""A parser for the engines' suite: `TOY` files, one record a line, `!name` lines doing harm."""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS = ("python",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyLine(Record):
    """A line; its text is the message."""

    KIND: ClassVar[str] = "toy.text"


RECORDS = (ToyLine,)


def match(file: EvidenceFile) -> bool:
    """Take what says so of itself."""
    return file.head.startswith(b"TOY\n")


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield each line after the first, or do what it says."""
    offset = 0
    with file.open() as stream:
        for row, raw in enumerate(stream, 1):
            text = raw.decode("ascii").rstrip("\n")
            if text.startswith("!"):
                _harm(text[1:])
            elif row > 1:
                yield ToyLine(message=text, offset=offset, length=len(raw), row=row)
            offset += len(raw)


def _harm(what: str) -> None:
    if what == "segfault":
        ctypes.string_at(0)
    elif what == "exit":
        os._exit(3)
    elif what == "hang":
        time.sleep(3600)
    elif what.startswith("slow "):
        time.sleep(float(what.removeprefix("slow ")))
