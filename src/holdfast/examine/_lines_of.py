"""Pages of text, each found without reading what stands before it.

Page n has the lines that begin in bytes n*PAGE to (n+1)*PAGE. A line without an end is cut at the
page's bounds, so that 100 MB of one line cost no more than a page.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.examine.file import EvidenceFile

PAGE = 16 << 10
"""Bytes."""


@dataclass(frozen=True)
class Line:
    """One line, without its end."""

    offset: int
    """Of its first byte here."""
    text: str


@dataclass(frozen=True)
class Lines:
    """A page of text."""

    encoding: str
    lines: list[Line]
    pages: int
    begins_inside: bool
    ends_inside: bool
    damaged: bool
    """Whether bytes are none of the encoding."""


def encoding(file: EvidenceFile) -> str | None:
    """Return the encoding of a text; None where the file is none."""
    return _of_head(file.head)


@lru_cache(maxsize=2)
def _of_head(head: bytes) -> str | None:
    """Judge once: a set that is neither Unicode nor Latin takes seconds to tell."""
    from holdfast.examine.parsers._sniff import text_encoding  # noqa: PLC0415 - a decoder's

    return text_encoding(head)


def page(file: EvidenceFile, number: int) -> Lines:
    """Return the lines of page `number`, from 0; none where it lies behind the end."""
    named = encoding(file) or "utf-8"
    pages = max(1, -(-file.size // PAGE))
    start, begins = _bound(file, number, named)
    end, ends = _bound(file, number + 1, named)
    raw = os.pread(file.descriptor, max(0, end - start), start)
    unit = "\n".encode(named)
    lines, at, damaged = [], start, False
    pieces = _split(raw, unit)
    for piece in pieces:
        try:
            text = piece.decode(named)
        except UnicodeDecodeError:
            text, damaged = piece.decode(named, "backslashreplace"), True
        lines.append(Line(at, text.removeprefix("\ufeff").removesuffix("\r")))
        at += len(piece) + len(unit)
    return Lines(named, lines, pages, begins, ends, damaged)


def _bound(file: EvidenceFile, number: int, named: str) -> tuple[int, bool]:
    """Return where page `number` begins, and whether that is inside a line."""
    at = number * PAGE
    if number <= 0 or at >= file.size:
        return min(max(at, 0), file.size), False
    unit = "\n".encode(named)
    # From one unit before: a line may begin exactly at the bound.
    window = os.pread(file.descriptor, PAGE + len(unit), at - len(unit))
    found = _find(window, unit)
    if found >= 0:
        return at + found, False
    return at + _whole(window[len(unit) :], named), True


def _find(data: bytes, unit: bytes) -> int:
    """Return where the first line end is that lies on a character's bound; -1 for none."""
    at = data.find(unit)
    while at >= 0 and at % len(unit):
        at = data.find(unit, at + 1)
    return at


def _split(raw: bytes, unit: bytes) -> list[bytes]:
    pieces = []
    while raw:
        at = _find(raw, unit)
        if at < 0:
            pieces.append(raw)
            break
        pieces.append(raw[:at])
        raw = raw[at + len(unit) :]
    return pieces


def _whole(data: bytes, named: str) -> int:
    """Return how many bytes at the start belong to the character before."""
    if named == "utf-8":
        count = 0
        while count < 3 and count < len(data) and data[count] & 0xC0 == 0x80:
            count += 1
        return count
    if named == "utf-16-le" and len(data) > 1 and data[1] & 0xFC == 0xDC:
        return 2
    if named == "utf-16-be" and data and data[0] & 0xFC == 0xDC:
        return 2
    return 0
