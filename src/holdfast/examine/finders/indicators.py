r"""Indicators in the raw bytes of any file: URL, domain, IPv4, IPv6, e-mail, MD5, SHA-1, SHA-256.

What is found, in ASCII text and in UTF-16 (little-endian at even and odd places; big-endian
where the file starts with that byte order mark; offsets and lengths count the file's bytes):

- A URL with a scheme of the list in `_patterns`, up to 64 KiB, plain or as JSON writes it
  (`https:\/\/...`); and besides it its host, as `domain`, `ipv4` or `ipv6` at the host's own
  place, so that hosts can be counted however they were written.
- An e-mail address; its domain isn't reported again.
- A domain that stands by itself, where its last label is a top-level domain that is delegated,
  reserved or of a known other name system. A name followed by `(` is a call, not a domain. File
  names (`setup.py`) and code (`System.Net`) that look like domains come with `valid` false.
- IPv4 of four numbers, not within a longer dotted name or number; IPv6 where it parses and is
  of a form in use (not the slice `1::2`); 32, 40 or 64 hex digits that stand alone.
- All of them "defanged" as well: `hxxp://`, `1.2.3[.]4`, `evil(dot)com`, `x[at]y[.]z`.

`value` is the text as found. `valid` is judged after refanging: domains and hosts by the
delegated or reserved top-level domain and DNS's rules, IPv4 without leading zeros or numbers over
255, hashes not all one character. Big-endian UTF-16 without its mark may lose the first or last
letter; other encodings of text (base64, compressed) are the openers' work.

The first pass is hyperscan's, the exact one `re`'s; the result is that of `re` alone, for any
size of window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine.finders._words import Scanner
from holdfast.examine.record import Indicator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.finders._judge import Found

VERSION = 2
DECODERS: tuple[str, ...] = ("hyperscan", "publicsuffixlist", "python")

WINDOW = 1 << 20
"""Bytes read at a time; an even number."""

_BIG_ENDIAN = b"\xfe\xff"
_NOT_ASCII = bytes([0]) + bytes([0x80]) * 255


def find(file: EvidenceFile) -> Iterator[Indicator]:
    """Yield the indicators of `file` in order of their offset."""
    yield from scan(file, WINDOW)


def scan(file: EvidenceFile, window: int) -> Iterator[Indicator]:
    """Yield as `find` does, reading `window` bytes (an even number) at a time."""
    views = [_View(1, 0, None)]
    if file.head.startswith(_BIG_ENDIAN):
        views.append(_View(2, 0, 1))
    else:
        views += [_View(2, 0, 0), _View(2, 1, 0)]
    pending: list[Indicator] = []
    with file.open() as stream:
        while True:
            data = stream.read(window)
            last = len(data) < window
            for view in views:
                pending += view.feed(data, last=last)
            settled = min(view.settled for view in views)
            pending.sort(key=_offset)
            ready = len(pending) if last else _before(pending, settled)
            yield from pending[:ready]
            del pending[:ready]
            if last:
                return


class _View:
    """The file's bytes, or its UTF-16 code units from an even or odd place."""

    def __init__(self, step: int, phase: int, low: int | None) -> None:
        self._step, self._phase, self._low = step, phase, low
        self._scanner = Scanner()
        self._rest = b""
        self._started = False

    @property
    def settled(self) -> int:
        """The offset in the file before which everything was found."""
        return self._scanner.at * self._step + self._phase

    def feed(self, data: bytes, *, last: bool) -> list[Indicator]:
        """Take the next bytes of the file; return what is found so far."""
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
        return [self._indicator(at, one) for at, one in found]

    def _indicator(self, at: int, found: Found) -> Indicator:
        return Indicator(
            message=found.value,
            offset=(at + found.start) * self._step + self._phase,
            length=found.length * self._step,
            type=found.type,
            value=found.value,
            valid=found.valid,
        )


def _ascii_units(data: bytes, low: int) -> bytes:
    """Return one byte for each code unit: its ASCII character, or a byte over 127."""
    high = data[1 - low :: 2].translate(_NOT_ASCII)
    # Python's large integers do the bytewise OR at the speed of memory.
    both = int.from_bytes(data[low::2], "little") | int.from_bytes(high, "little")
    return both.to_bytes(len(high), "little")


def _offset(indicator: Indicator) -> int:
    return indicator.offset or 0


def _before(indicators: list[Indicator], offset: int) -> int:
    return next((i for i, one in enumerate(indicators) if _offset(one) >= offset), len(indicators))
