"""A file as text in three ways: its bytes, and UTF-16 from even and from odd places.

Big-endian UTF-16 is read where the file starts with its byte order mark; without it the first or
last letter may be lost. Offsets and lengths always count the file's bytes.
"""

from __future__ import annotations

import os
from operator import itemgetter
from typing import TYPE_CHECKING

from holdfast.examine.block import Block, Part
from holdfast.examine.finders._words import Lexicon, Scanner
from holdfast.examine.record import Indicator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

AROUND = 32
"""Characters of context on either side."""
_LONG = 128
"""Characters of the finding itself that are shown in its context."""
_KEPT = 1 << 18
_ROWS = 8192
"""Findings of one block, at most."""

_BIG_ENDIAN = b"\xfe\xff"
_NOT_ASCII = bytes([0]) + bytes([0x80]) * 255
_SHOWN = bytes(byte if 0x20 <= byte < 0x7F else 0x20 for byte in range(256))


_Row = tuple[int, int, str, str, bool, str]
"""Offset, length, type, value, whether it is valid, and what stands around it."""
_offset = itemgetter(0)


def scan(file: EvidenceFile, window: int, lexicon: Lexicon) -> Iterator[Block]:
    """Yield what `lexicon` finds in `file`, by offset, reading `window` bytes (even) at a time."""
    views = [_View(lexicon, 1, 0, None)]
    if file.head.startswith(_BIG_ENDIAN):
        views.append(_View(lexicon, 2, 0, 1))
    else:
        views += [_View(lexicon, 2, 0, 0), _View(lexicon, 2, 1, 0)]
    pending: list[_Row] = []
    recent = _Recent(file.descriptor)
    with file.open() as stream:
        while True:
            data = stream.read(window)
            last = len(data) < window
            recent.add(data)
            for view in views:
                view.feed(data, recent, pending, last=last)
            settled = min(view.settled for view in views)
            pending.sort(key=_offset)
            ready = len(pending) if last else _before(pending, settled)
            for at in range(0, ready, _ROWS):
                yield _block(pending[at : min(ready, at + _ROWS)])
            del pending[:ready]
            if last:
                return


def _block(rows: list[_Row]) -> Block:
    offsets, lengths, types, values, valid, contexts = zip(*rows, strict=True)
    columns = {
        "message": values, "offset": offsets, "length": lengths, "type": types, "value": values,
        "valid": valid, "context": contexts,
    }  # fmt: skip
    return Block((Part(Indicator, range(len(rows)), columns),))


class _View:
    """The file's bytes, or its UTF-16 code units from an even or odd place."""

    def __init__(self, lexicon: Lexicon, step: int, phase: int, low: int | None) -> None:
        self._step, self._phase, self._low = step, phase, low
        self._scanner = Scanner(lexicon)
        self._rest = b""
        self._started = False

    @property
    def settled(self) -> int:
        """The offset in the file before which everything was found."""
        return self._scanner.at * self._step + self._phase

    def feed(self, data: bytes, recent: _Recent, out: list[_Row], *, last: bool) -> None:
        """Take the next bytes of the file; add to `out` what is found so far."""
        if self._low is None:
            found = self._scanner.feed(data, last=last)
        else:
            if not self._started:
                data, self._started = data[self._phase :], True
            data = self._rest + data if self._rest else data
            even = len(data) & ~1
            data, self._rest = data[:even], data[even:]
            if b"\0" in data:
                found = self._scanner.feed(_ascii_units(data, self._low), last=last)
            else:
                found = self._scanner.skip(even // 2)
        step, phase, low = self._step, self._phase, self._low
        for at, (start, size, kind, value, valid) in found:
            offset, length = (at + start) * step + phase, size * step
            around = recent.around(offset, length, step, low)
            out.append((offset, length, kind, value, valid, around))


class _Recent:
    """The bytes last read, as they are shown: contexts come from here, or else from the file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._shown = ""
        self._at = 0

    def add(self, data: bytes) -> None:
        kept = self._shown[-_KEPT:]
        self._at += len(self._shown) - len(kept)
        self._shown = kept + str(data.translate(_SHOWN), "ascii")

    def around(self, offset: int, length: int, step: int, low: int | None) -> str:
        reach = AROUND * step
        start = offset - reach if offset >= reach else offset % step
        stop = offset + (length if length < _LONG * step else _LONG * step) + reach
        at = start - self._at
        shown = self._shown[at : stop - self._at] if at >= 0 else ""
        if len(shown) < stop - start:
            shown = str(os.pread(self._descriptor, stop - start, start).translate(_SHOWN), "ascii")
        return (shown if low is None else shown[low::2]).strip()


def _ascii_units(data: bytes, low: int) -> bytes:
    """Return one byte for each code unit: its ASCII character, or a byte over 127."""
    high = data[1 - low :: 2].translate(_NOT_ASCII)
    # Python's large integers do the bytewise OR at the speed of memory.
    both = int.from_bytes(data[low::2], "little") | int.from_bytes(high, "little")
    return both.to_bytes(len(high), "little")


def _before(rows: list[_Row], offset: int) -> int:
    return next((i for i, one in enumerate(rows) if one[0] >= offset), len(rows))
