"""Reading logs line by line, many lines at a time, with a bound on what one line may take."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from holdfast.examine.block import Rows
from holdfast.examine.record import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from holdfast.examine.file import EvidenceFile

LINE_LIMIT = 1 << 16
"""Bytes of one line that are read; what is longer is a failure."""
_BLOCK = 1 << 17
"""Bytes read at a time: they and all that is made of them should fit the processor's cache."""
_SHOWN = 200


@dataclass(frozen=True)
class Lines:
    """Whole lines that follow each other, without their ends."""

    raw: list[bytes]
    text: list[str]
    r"""The same as UTF-8; bytes that are not are shown as `\xNN`."""
    plain: bool
    r"""No backslash anywhere: each `text` is exactly its `raw`, and nothing in it is escaped."""
    offsets: list[int]
    lengths: list[int]
    """With the line's end."""
    row: int
    """Number of the first line, from 1."""
    long: bool = False
    """This is one line, over `LINE_LIMIT`, of which only the start is here."""


def lines(file: EvidenceFile, limit: int = LINE_LIMIT) -> Iterator[Lines]:
    """Yield every line of `file`; a line ends with LF or CRLF, the last perhaps with nothing."""
    offset, row, held = 0, 1, b""
    with file.open() as stream:
        while chunk := stream.read(_BLOCK):
            held += chunk
            end = held.rfind(b"\n") + 1
            if not end and len(held) < limit:
                continue
            if end:
                yield from _cut(held[:end], offset, row, limit)
                row += held.count(b"\n", 0, end)
                offset += end
                held = held[end:]
            if len(held) >= limit:
                length, ended = _skip(stream, len(held))
                rest = b"" if ended is None else ended
                yield _long(held[:limit], offset, length, row)
                offset, row, held = offset + length, row + 1, rest
    if held:
        yield from _cut(held, offset, row, limit)


def _skip(stream: BinaryIO, length: int) -> tuple[int, bytes | None]:
    """Read to the end of an overlong line; return its length, and what was read after it."""
    while chunk := stream.read(_BLOCK):
        at = chunk.find(b"\n") + 1
        if at:
            return length + at, chunk[at:]
        length += len(chunk)
    return length, None


def _long(start: bytes, offset: int, length: int, row: int) -> Lines:
    shown = start.decode("utf-8", "backslashreplace")
    return Lines([start], [shown], False, [offset], [length], row, long=True)


def _cut(block: bytes, offset: int, row: int, limit: int) -> Iterator[Lines]:
    raw = block.split(b"\n")
    lengths = [len(line) + 1 for line in raw]
    if raw[-1]:
        lengths[-1] -= 1
    else:
        raw.pop()
        lengths.pop()
    offsets = [offset, *accumulate(lengths, initial=offset)][1:-1]
    if max(lengths) <= limit:
        yield _lines(block, raw, offsets, lengths, row)
        return
    whole = _lines(block, raw, offsets, lengths, row)
    first = 0
    for at, length in enumerate(lengths):
        if length > limit:
            if first < at:
                yield _some(whole, first, at)
            yield _long(raw[at][:limit], offsets[at], length, row + at)
            first = at + 1
    if first < len(raw):
        yield _some(whole, first, len(raw))


def _some(whole: Lines, first: int, end: int) -> Lines:
    return Lines(
        whole.raw[first:end], whole.text[first:end], whole.plain, whole.offsets[first:end],
        whole.lengths[first:end], whole.row + first,
    )  # fmt: skip


def _lines(
    block: bytes, raw: list[bytes], offsets: list[int], lengths: list[int], row: int
) -> Lines:
    # Neither a line end nor a character before it can be swallowed by a damaged character.
    text = block.decode("utf-8", "backslashreplace").split("\n")
    if len(text) > len(raw):
        text.pop()
    if b"\r\n" in block or block.endswith(b"\r"):
        raw = [line.rstrip(b"\r") for line in raw]
        text = [line.rstrip("\r") for line in text]
    return Lines(raw, text, b"\\" not in block and block.isascii(), offsets, lengths, row)


class Failures(Rows):
    """The lines of a block that could not be read."""

    def __init__(self) -> None:
        super().__init__(Failure, "message", "reason", "offset", "length", "row")

    def add(self, found: Lines, at: int, place: int, reason: str) -> None:
        """Take line `at` of `found`, which is the record number `place` of its block."""
        shown = found.text[at][:_SHOWN].rstrip("\r\n")
        if found.long:
            reason = f"line is over {LINE_LIMIT} bytes"
        self.order.append(place)
        self.rows.append((shown, reason, found.offsets[at], found.lengths[at], found.row + at))
