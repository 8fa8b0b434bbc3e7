"""Reading logs line by line, many lines at a time, with a bound on what one line may take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, AnyStr

from holdfast.examine._arrow import Array, pa, pc
from holdfast.examine.block import Rows, numbers
from holdfast.examine.record import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from holdfast.examine.file import EvidenceFile

LINE_LIMIT = 1 << 16
"""Bytes of one line that are read; what is longer is a failure."""
_BLOCK = 1 << 20
"""Bytes read at a time: they and all that is made of them should fit the processor's cache."""
_SHOWN = 200


@dataclass(frozen=True)
class Lines:
    """Whole lines that follow each other; what they are is found out when it is asked for."""

    block: bytes
    """The lines with their ends."""
    offset: int
    """Of the first line."""
    row: int
    """Number of the first line, from 1."""
    size: int = 0
    """Where this is one line, over `LINE_LIMIT`, of which only the start is here: its bytes."""

    @property
    def long(self) -> bool:
        """Whether this is one line of which only the start is here."""
        return self.size > 0

    @cached_property
    def plain(self) -> bool:
        r"""No backslash anywhere: each `text` is exactly its `raw`, and nothing is escaped."""
        return not self.long and b"\\" not in self.block and self.block.isascii()

    @cached_property
    def raw(self) -> list[bytes]:
        """The lines without their ends."""
        return self._without_ends(_split(self.block), b"\r")

    @cached_property
    def text(self) -> list[str]:
        r"""The same as UTF-8; bytes that are not are shown as `\xNN`."""
        # Neither a line end nor a character before it can be swallowed by a damaged character.
        text = self.block.decode("utf-8", "backslashreplace").split("\n")
        if len(text) > len(self.lengths):
            text.pop()
        return self._without_ends(text, "\r")

    @cached_property
    def lengths(self) -> list[int]:
        """The lines' bytes, with the line's end."""
        if self.long:
            return [self.size]
        lengths = [len(line) + 1 for line in _split(self.block)]
        if not self.block.endswith(b"\n"):
            lengths[-1] -= 1
        return lengths

    @cached_property
    def offsets(self) -> list[int]:
        """Where each line begins."""
        return [self.offset, *accumulate(self.lengths, initial=self.offset)][1:-1]

    @cached_property
    def _whole(self) -> Array:
        block = self.block.removesuffix(b"\n")
        ends = pa.py_buffer(bytes(4) + len(block).to_bytes(4, "little"))
        whole = pa.StringArray.from_buffers(1, ends, pa.py_buffer(block))
        return pc.split_pattern(whole, "\n").flatten()

    def column(self) -> Array:
        """Return the lines without their ends, as text that need not be UTF-8."""
        if b"\r\n" in self.block or self.block.endswith(b"\r"):
            # As bytes: trimming text would look whether it is UTF-8.
            return _trimmed(self._whole)
        return self._whole

    @cached_property
    def sound(self) -> bool:
        """Whether all of it is UTF-8."""
        if self.block.isascii():
            return True
        try:
            self.block.decode()
        except UnicodeDecodeError:
            return False
        return True

    def places(self, at: Array) -> dict[str, Array]:
        """Return the columns `offset`, `length` and `row` of the lines `at`."""
        lengths = pc.add(pc.binary_length(self._whole).cast(pa.int64()), 1)
        ends = pc.cumulative_sum(lengths, start=self.offset)
        offsets = pc.subtract(ends, lengths)
        if not self.block.endswith(b"\n"):
            last = len(lengths) - 1
            lengths = pa.concat_arrays([lengths[:last], pc.subtract(lengths[last:], 1)])
        if len(at) < len(lengths):
            offsets, lengths = offsets.take(at), lengths.take(at)
        return {"offset": offsets, "length": lengths, "row": pc.add(at, self.row)}

    def _without_ends(self, lines: list[AnyStr], end: AnyStr) -> list[AnyStr]:
        if not self.long and (b"\r\n" in self.block or self.block.endswith(b"\r")):
            return [line.rstrip(end) for line in lines]
        return lines


def sliced(values: Array, start: int, stop: int = LINE_LIMIT) -> Array:
    """Return a part of each text, which is long enough for it, and ASCII as far as it is counted.

    A negative place counts from the end. (`utf8_slice_codeunits` takes five times as long.)
    """
    return pc.binary_slice(values.cast(pa.binary()), start, stop).cast(pa.string())


def pieces(values: Array, mark: str, count: int) -> list[Array]:
    """Return what stands between the first marks of each text, which has enough for `count`."""
    return fields_of(pc.split_pattern(values, mark, max_splits=count - 1), count)


def fields_of(lists: Array, count: int) -> list[Array]:
    """Return the members of lists that have `count` each. (`list_element` takes twice as long.)"""
    members = lists.flatten()
    return [members.take(numbers(at, len(members), count)) for at in range(count)]


def _trimmed(lines: Array) -> Array:
    trimmed = [line.rstrip(b"\r") for line in lines.cast(pa.binary()).to_pylist()]
    made = pa.array(trimmed, pa.binary())
    return pa.StringArray.from_buffers(len(made), made.buffers()[1], made.buffers()[2])


def _split(block: bytes) -> list[bytes]:
    lines = block.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


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
                yield Lines(held[:limit], offset, row, size=length)
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


def _cut(block: bytes, offset: int, row: int, limit: int) -> Iterator[Lines]:
    whole = Lines(block, offset, row)
    # A line that is too long has one of the pieces of half the limit to itself.
    half = limit // 2
    if all(b"\n" in block[at : at + half] for at in range(0, len(block) - half + 1, half)):
        yield whole
        return
    at = first = 0
    begun = row
    for number, length in enumerate(whole.lengths):
        if length > limit:
            if first < at:
                yield Lines(block[first:at], offset + first, begun)
            yield Lines(block[at : at + limit], offset + at, row + number, size=length)
            first, begun = at + length, row + number + 1
        at += length
    if first < len(block):
        yield Lines(block[first:], offset + first, begun)


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
