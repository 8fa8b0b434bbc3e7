"""A second opinion for tests: reads `LINES` files otherwise than `toy_lines` on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Record

VERSION = 1
DECODERS: tuple[str, ...] = ()
OF = "toy_lines"
KEY = ("line",)


def match(file: EvidenceFile) -> bool:
    return file.head.startswith(b"LINES")


def said(record: Record) -> dict[str, Json] | None:
    if record.KIND != "toy.line":
        return None
    return {"line": record.row, "words": record.message, "time": record.time}


def read(file: EvidenceFile) -> Iterator[dict[str, Json]]:
    """It overlooks `hidden` lines, sees one that is not there, and reads `odd` otherwise."""
    lines = file.head.decode("utf-8", "replace").splitlines()
    for number, line in reversed([*enumerate(lines, 1)][1:]):
        time, _, words = line.partition(" ")
        if words == "die":
            raise ValueError("no more")
        if words == "torn":
            yield {"line": number, "error": "torn"}
        elif words != "hidden":
            words = "even" if words == "odd" else words
            yield {"line": number, "words": words, "time": int(time)}
    if b"ghost" in file.head:
        yield {"line": 99, "words": "boo", "time": 0}
