"""The frame of a Windows event log: its header, its chunks, and where the records lie in them.

Source: J. Metz, "Windows XML Event Log (EVTX) format" (libevtx's documentation). The library that
decodes records gives no offsets, stops where a chunk's frame breaks, and passes over slack; so
the frame is read here, and the library is only given chunks whose frame is whole. A record
inside a chunk refers to names and templates by their offset in it, so it can't be moved: `only`
leaves everything in its place and hides what lies before.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_MAGIC = b"ElfFile\0"
CHUNK_MAGIC = b"ElfChnk\0"
CHUNK = 65_536
HEADER = 4096
FIRST = 512
"""Where records begin in a chunk."""
_MARK = b"**\0\0"
_RECORD = struct.Struct("<4sIQQ")
_SIZE = struct.Struct("<I")
_SMALLEST = _RECORD.size + _SIZE.size
_LAST_RECORD, _FREE, _DATA_SUM, _HEADER_SUM, _TABLES = 44, 48, 52, 124, 128
SINCE_1601 = 11_644_473_600_000_000
"""Microseconds from 1601, FILETIME's origin, to 1970."""
_DIRTY, _FULL = 1, 2


class Place(NamedTuple):
    """One record in a chunk, as its 24-byte header describes it."""

    offset: int
    """In the chunk."""
    size: int
    number: int
    written: int
    """Microseconds since 1970, UTC."""
    nanos: int
    """Nanoseconds beyond them, by the hundred."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One 64 KiB slot of the file, and what lies in it."""

    offset: int
    """In the file."""
    data: bytes
    """The slot's bytes, filled up with zeros where the file ends before the slot does."""
    faults: tuple[str, ...] = ()
    allocated: list[Place] = field(default_factory=list)
    slack: list[Place] = field(default_factory=list)
    """Whole records beyond what the chunk's header counts as used."""
    fragments: int = 0
    """Places in slack that begin like a record and don't end like one."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the file's header says."""

    size: int
    """Bytes before the first chunk."""
    dirty: bool
    """It was not closed: the header's numbers are older than the chunks."""
    full: bool
    whole: bool
    """Its checksum is right."""
    next_record: int
    chunks: int


def header(data: bytes) -> Header:
    """Read the file's header; a part that makes no sense falls back to what Windows writes."""
    data = data.ljust(128, b"\0")
    (next_record,) = struct.unpack_from("<Q", data, 24)
    size, chunks = struct.unpack_from("<HH", data, 40)
    flags, checksum = struct.unpack_from("<II", data, 120)
    return Header(
        size=size if size >= 128 and size % 512 == 0 else HEADER,
        dirty=bool(flags & _DIRTY),
        full=bool(flags & _FULL),
        whole=zlib.crc32(data[:120]) == checksum,
        next_record=next_record if next_record < 2**63 else 0,
        chunks=chunks,
    )


def chunk(data: bytes, offset: int) -> Chunk | None:
    """Read one slot; None where it is empty (zeros), as logs are filled up with."""
    if not data.startswith(CHUNK_MAGIC) and not data.strip(b"\0"):
        return None
    faults = [] if len(data) == CHUNK else ["the file ends within a chunk"]
    data = data.ljust(CHUNK, b"\0")
    if not data.startswith(CHUNK_MAGIC):
        slack, fragments = _search(data, 0)
        return Chunk(offset, data, (*faults, "not a chunk of an event log"), [], slack, fragments)
    (free,) = _SIZE.unpack_from(data, _FREE)
    bounded = FIRST <= free <= CHUNK
    if not bounded:
        faults.append("the chunk's end of used space is outside of it")
        free = CHUNK
    if zlib.crc32(data[_TABLES:FIRST], zlib.crc32(data[:120])) != _uint32(data, _HEADER_SUM):
        faults.append("the checksum of the chunk's header is wrong")
    if zlib.crc32(data[FIRST:free]) != _uint32(data, _DATA_SUM):
        faults.append("the checksum of the chunk's records is wrong")
    allocated = list(_run(data, FIRST, free))
    end = allocated[-1].offset + allocated[-1].size if allocated else FIRST
    if bounded and end != free:
        faults.append("the chunk's records break off before their end")
    slack, fragments = _search(data, end)
    return Chunk(offset, data, tuple(faults), allocated, slack, fragments)


def only(data: bytes, places: list[Place], *, tables: bool = True) -> bytes:
    """Return the chunk with `places`, which follow one another, as its only records.

    Where they don't begin the chunk, an empty record comes before them. Without `tables` the
    lists of known names and templates are emptied: they only save time.
    """
    first, last = places[0], places[-1]
    out = bytearray(data)
    out[:8] = CHUNK_MAGIC
    _SIZE.pack_into(out, _LAST_RECORD, last.offset)
    _SIZE.pack_into(out, _FREE, last.offset + last.size)
    if not tables:
        out[_TABLES:FIRST] = bytes(FIRST - _TABLES)
    if first.offset > FIRST:
        _RECORD.pack_into(out, FIRST, _MARK, first.offset - FIRST, 0, 0)
        out[FIRST + _RECORD.size] = 0  # end of fragment
    return bytes(out)


def movable(place: Place) -> bool:
    """Say whether `only` can show this record: an empty one must fit before it."""
    return place.offset == FIRST or place.offset > FIRST + _SMALLEST


def runs(places: list[Place]) -> Iterator[list[Place]]:
    """Yield the lists of records that follow one another without a gap."""
    run: list[Place] = []
    for place in places:
        if run and run[-1].offset + run[-1].size != place.offset:
            yield run
            run = []
        run.append(place)
    if run:
        yield run


def log_of(chunks: list[bytes]) -> bytes:
    """Return a whole event log of these chunks."""
    head = bytearray(HEADER)
    head[:8] = FILE_MAGIC
    count = len(chunks)
    struct.pack_into("<QQQIHHHH", head, 8, 0, count - 1, 0, 128, 1, 3, HEADER, count)
    struct.pack_into("<I", head, 124, zlib.crc32(bytes(head[:120])))
    return b"".join((bytes(head), *chunks))


def _uint32(data: bytes, offset: int) -> int:
    (value,) = _SIZE.unpack_from(data, offset)
    return int(value)


def _run(data: bytes, start: int, end: int) -> Iterator[Place]:
    """Yield the records that follow one another from `start`, until one is none."""
    record, last = _RECORD.unpack_from, _SIZE.unpack_from
    while start + _SMALLEST <= end:
        mark, size, number, written = record(data, start)
        if mark != _MARK or not _SMALLEST <= size <= end - start:
            return
        if last(data, start + size - 4)[0] != size:
            return
        yield Place(start, size, number, written // 10 - SINCE_1601, written % 10 * 100)
        start += size


def _place(data: bytes, offset: int) -> Place | None:
    mark, size, number, written = _RECORD.unpack_from(data, offset)
    if mark != _MARK or not _SMALLEST <= size <= CHUNK - offset:
        return None
    if _uint32(data, offset + size - _SIZE.size) != size:
        return None
    return Place(offset, size, number, written // 10 - SINCE_1601, written % 10 * 100)


def _search(data: bytes, start: int) -> tuple[list[Place], int]:
    """Find whole records from `start` on, wherever they begin; count those that aren't whole."""
    found: list[Place] = []
    fragments = 0
    at = max(start, FIRST)
    while 0 <= (at := data.find(_MARK, at)) <= CHUNK - _SMALLEST:
        place = _place(data, at)
        if place is None:
            fragments += 1
            at += 1
        else:
            found.append(place)
            at += place.size
    return found, fragments
