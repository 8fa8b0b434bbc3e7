"""The headers of a ZIP file (APPNOTE 6.3.10, 4.3): its directory, and one before each entry."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

LOCAL, CENTRAL, END, SPLIT = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x07\x08"
_END64, _LOCATOR64 = b"PK\x06\x06", b"PK\x06\x07"
END_SIZE, _CENTRAL_SIZE, LOCAL_SIZE = 22, 46, 30
COMMENT = 0xFFFF
_ENTRIES = 2_000_000
_CANDIDATES = 256
_FULL32 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Directory:
    start: int
    size: int
    end: int
    """Where the archive ends, its comment included."""
    prefix: int
    """Bytes before the archive that its offsets don't count."""


@dataclass(slots=True)
class Header:
    offset: int
    flags: int
    method: int
    date: int
    clock: int
    crc: int
    packed: int
    size: int
    name: bytes
    extra: bytes
    comment: bytes = b""
    made_by: int = 0
    attributes: int = 0


def find(source: BinaryIO, size: int) -> Directory | None:
    """Return the last directory that fits, looking from the end."""
    step, tries = 1 << 20, 0
    end = size
    while end > 0 and tries < _CANDIDATES:
        start = max(0, end - step)
        source.seek(start)
        block = source.read(min(end + END_SIZE, size) - start)
        at = block.rfind(END)
        while at >= 0 and tries < _CANDIDATES:
            tries += 1
            if (found := directory(source, start + at, size)) is not None:
                return found
            at = block.rfind(END, 0, at)
        end = start
    return None


def directory(source: BinaryIO, at: int, size: int) -> Directory | None:
    source.seek(at)
    raw = source.read(END_SIZE)
    if len(raw) < END_SIZE:
        return None
    count, length, offset, comment = struct.unpack_from("<HIIH", raw, 10)
    before = at
    if _FULL32 in {length, offset} or count == COMMENT:
        source.seek(max(0, at - 20))
        locator = source.read(20)
        if locator.startswith(_LOCATOR64) and len(locator) == 20:
            where = int.from_bytes(locator[8:16], "little")
            for place in (where, at - 20 - 56):
                if not 0 <= place < at:
                    continue
                source.seek(place)
                raw64 = source.read(56)
                if raw64.startswith(_END64) and len(raw64) == 56:
                    count, length, offset = struct.unpack_from("<QQQ", raw64, 32)
                    before = place
                    break
    start = before - length
    if length > before or start < offset:
        return None
    source.seek(start)
    if source.read(4) != CENTRAL and not (count == 0 and length == 0):
        return None
    end = min(size, at + END_SIZE + comment)
    return Directory(start, length, end, start - offset)


def central(source: BinaryIO, found: Directory) -> tuple[list[Header], bool]:
    """Return the directory's entries, and whether it breaks off."""
    headers: list[Header] = []
    source.seek(found.start)
    left = found.size
    while left > 0:
        raw = source.read(_CENTRAL_SIZE)
        if len(raw) < _CENTRAL_SIZE or raw[:4] != CENTRAL or len(headers) >= _ENTRIES:
            return headers, True
        (
            made,
            _,
            flags,
            method,
            clock,
            date,
            crc,
            packed,
            size,
            n,
            m,
            k,
            _,
            _,
            attributes,
            offset,
        ) = struct.unpack_from("<HHHHHHIIIHHHHHII", raw, 4)
        rest = source.read(n + m + k)
        header = Header(
            offset, flags, method, date, clock, crc, packed, size,
            rest[:n], rest[n : n + m], rest[n + m :], made >> 8, attributes,
        )  # fmt: skip
        widen(header)
        header.offset += found.prefix
        headers.append(header)
        left -= _CENTRAL_SIZE + n + m + k
    return headers, left < 0


def widen(header: Header) -> None:
    """Take the sizes that did not fit from the ZIP64 field (4.5.3)."""
    wide = extras(header.extra).get(1, b"")
    at = 0
    for name in ("size", "packed", "offset"):
        if getattr(header, name) == _FULL32 and len(wide) >= at + 8:
            setattr(header, name, int.from_bytes(wide[at : at + 8], "little"))
            at += 8


def extras(raw: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(raw):
        kind, size = struct.unpack_from("<HH", raw, at)
        found.setdefault(kind, raw[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def local_header(source: BinaryIO, at: int) -> tuple[Header, int] | None:
    """Return the local header at `at`, and where its data starts."""
    source.seek(at)
    raw = source.read(LOCAL_SIZE)
    if len(raw) < LOCAL_SIZE or raw[:4] != LOCAL:
        return None
    flags, method, clock, date, crc, packed, size, n, m = struct.unpack_from("<HHHHIIIHH", raw, 6)
    rest = source.read(n + m)
    header = Header(at, flags, method, date, clock, crc, packed, size, rest[:n], rest[n:])
    widen(header)
    return header, at + LOCAL_SIZE + n + m
