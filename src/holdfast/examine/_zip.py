"""ZIP (APPNOTE 6.3.10): what the central directory says, held against what lies there.

The directory at the end is what programs show; local headers before each member are what lies
there, and the two may differ on purpose. So the entries come in the order of their place, each
compared with its local header; places that the directory is silent about are searched for
entries, and data before or after the archive comes out as members of their own. Entries that
share bytes with an earlier one are left out and counted: that is how a bomb is made of few bytes.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from holdfast.examine._archive import Entry, decoded, finer, from_dos, from_filetime
from holdfast.examine._streams import (
    Budget,
    bunzipped,
    inflated,
    span,
    stream,
    unlzmaed,
    unreadable,
    unxzipped,
    unzstd,
)
from holdfast.examine._zip_headers import (
    CENTRAL,
    COMMENT,
    END,
    END_SIZE,
    LOCAL,
    LOCAL_SIZE,
    SPLIT,
    Header,
    central,
    directory,
    extras,
    find,
    local_header,
)
from holdfast.examine.record import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from holdfast.examine.file import EvidenceFile


_ENCRYPTED, _DESCRIPTOR, _UTF8 = 1, 8, 0x800
_AES, _UNIX, _MAC = 99, 3, 19
_LINK, _FOLDER = 0xA000, 0x4000
_NAMES = {
    0: "stored", 1: "shrunk", 6: "imploded", 8: "deflate", 9: "deflate64", 12: "bzip2",
    14: "lzma", 20: "zstd", 93: "zstd", 95: "xz", 97: "wavpack", 98: "ppmd", 99: "aes",
}  # fmt: skip


def is_zip(file: EvidenceFile) -> bool:
    """Say whether `file` starts with a ZIP entry, or has a directory that fits near its end."""
    if file.head.startswith((LOCAL, END, SPLIT + LOCAL)):
        return True
    if file.size < END_SIZE or file.head[257:262] == b"ustar":
        return False  # a tar may end with a ZIP file that lies in it
    with file.open() as source:
        start = max(0, file.size - END_SIZE - COMMENT)
        source.seek(start)
        at = source.read().rfind(END)
        found = directory(source, start + at, file.size) if at >= 0 else None
    return found is not None and found.size > 0


def entries(file: EvidenceFile) -> Iterator[Entry]:
    """Yield each entry by its place in the file.

    Raises:
        UnreadableError: after the last entry, where something was left out.
    """
    budget = Budget(file)
    with file.open() as source:
        found = find(source, file.size)
        if found is None:
            yield from _loose(file, source, 0, file.size, budget, notes=[])
            raise UnreadableError("no central directory: cut off or damaged")
        headers, broken = central(source, found)
        headers.sort(key=lambda header: header.offset)
        at = min((header.offset for header in headers), default=found.start)
        if at > 0:
            yield _data(file, "prefix data", 0, at, budget)
        overlapping = 0
        for header in headers:
            if header.offset < at:
                overlapping += 1
                continue
            yield from _gap(file, source, at, header.offset, budget)
            entry = _entry(file, source, header, found.start, budget)
            at = entry.offset + entry.length
            yield entry
        yield from _gap(file, source, at, found.start, budget)
        if found.end < file.size and not _zeros(file, found.end):
            yield _data(file, "appended data", found.end, file.size, budget)
    if overlapping:
        raise UnreadableError(f"overlapping entries: {overlapping} left out")
    if broken:
        raise UnreadableError("the central directory is damaged")


def _zeros(file: EvidenceFile, start: int) -> bool:
    return not any(piece.strip(b"\0") for piece in span(file, start, file.size))


def _entry(file: EvidenceFile, source: BinaryIO, header: Header, end: int, budget: Budget) -> Entry:
    local = local_header(source, header.offset)
    if local is None:
        return _told(header, 0, ["no entry where the directory says"], lambda: unreadable(
            "no entry where the directory says"))  # fmt: skip
    there, start = local
    notes = []
    if there.name != header.name:
        notes.append(f"its own header names it {_name(there)!r}"[:300])
    if there.method != header.method:
        notes.append("its own header names another method")
    if not there.flags & _DESCRIPTOR and (there.size, there.crc) != (header.size, header.crc):
        notes.append("its own header gives another size or checksum")
    stop = start + header.packed
    if stop > end:
        notes.append("its data reach into the directory")
        stop = max(start, end)
    return _told(header, stop - header.offset, notes, lambda: _content(
        file, header, start, stop, budget))  # fmt: skip


def _loose(
    file: EvidenceFile, source: BinaryIO, at: int, end: int, budget: Budget, *, notes: list[str]
) -> Iterator[Entry]:
    """Yield entries that only their local headers tell of, between `at` and `end`."""
    while (at := _seek(source, at, end, (LOCAL,))) >= 0:
        local = local_header(source, at)
        if local is None:
            return
        header, start = local
        if header.flags & _DESCRIPTOR and not header.packed:
            stop = _seek(source, start, end, (SPLIT, LOCAL, CENTRAL))
            stop = end if stop < 0 else stop
            header.size = header.crc = -1
        else:
            stop = min(end, start + header.packed)
        yield _told(
            header, stop - at, notes,
            lambda one=header, a=start, b=stop: _content(file, one, a, b, budget),
        )  # fmt: skip
        at = max(stop, at + LOCAL_SIZE)


def _seek(source: BinaryIO, at: int, end: int, marks: tuple[bytes, ...]) -> int:
    """Return where the first of `marks` lies between `at` and `end`; -1 if nowhere."""
    while at < end:
        source.seek(at)
        block = source.read(min(1 << 20, end - at))
        places = [place for mark in marks if (place := block.find(mark)) >= 0]
        if places:
            return at + min(places)
        if len(block) < 4:
            return -1
        at += len(block) - 3 if len(block) > 3 and at + len(block) < end else len(block)
    return -1


def _gap(
    file: EvidenceFile, source: BinaryIO, at: int, end: int, budget: Budget
) -> Iterator[Entry]:
    if end - at >= LOCAL_SIZE:
        yield from _loose(file, source, at, end, budget, notes=["not in the central directory"])


def _data(file: EvidenceFile, name: str, start: int, end: int, budget: Budget) -> Entry:
    return Entry(
        name=name, offset=start, length=end - start, kind="data", size=end - start,
        content=lambda: stream(span(file, start, end), budget),
    )  # fmt: skip


def _name(header: Header) -> str:
    if header.flags & _UTF8:
        return header.name.decode("utf-8", "backslashreplace")
    path = extras(header.extra).get(0x7075, b"")
    if len(path) > 5 and int.from_bytes(path[1:5], "little") == zlib.crc32(header.name):
        return path[5:].decode("utf-8", "backslashreplace")
    return decoded(header.name, "cp437")


def _told(header: Header, length: int, notes: list[str], content: Any) -> Entry:
    name = _name(header)
    more = extras(header.extra)
    time, zoned, nanos = from_dos(header.date, header.clock), False, None
    stamp = more.get(0x5455, b"")
    if len(stamp) >= 5 and stamp[0] & 1:
        time, zoned = int.from_bytes(stamp[1:5], "little", signed=True) * 1_000_000, True
    ntfs = more.get(0x000A, b"")
    if len(ntfs) >= 16 and ntfs[4:6] == b"\1\0":
        ticks = int.from_bytes(ntfs[8:16], "little")
        if (exact := from_filetime(ticks)) is not None:
            time, zoned, nanos = exact, True, finer(ticks)
    mode = header.attributes >> 16 if header.made_by in {_UNIX, _MAC} else 0
    kind = "file"
    if mode & 0xF000 == _LINK:
        kind = "symlink"
    elif name.endswith("/") and not header.packed:
        kind = "folder"
    encrypted = bool(header.flags & _ENCRYPTED)
    return Entry(
        name=name, offset=header.offset, length=length, kind=kind,
        size=header.size if header.size >= 0 else None, packed=header.packed, time=time,
        time_nanos=nanos, zoned=zoned or time is None,
        method=_NAMES.get(header.method, f"method {header.method}"), mode=mode or None,
        comment=decoded(header.comment, "cp437") or None, encrypted=encrypted,
        notes=notes,
        content=None if kind == "folder" else content,
    )  # fmt: skip


def _content(file: EvidenceFile, header: Header, start: int, stop: int, budget: Budget) -> BinaryIO:
    if header.flags & _ENCRYPTED or header.method == _AES:
        return unreadable("encrypted")
    raw = span(file, start, stop)
    pieces: Iterable[bytes]
    match header.method:
        case 0:
            pieces = raw
        case 8:
            pieces = inflated(raw)
        case 12:
            pieces = bunzipped(raw)
        case 14:
            pieces = _lzma(file, header, start, stop)
        case 20 | 93:
            pieces = unzstd(raw)
        case 95:
            pieces = unxzipped(raw)
        case other:
            return unreadable(
                f"compressed by {_NAMES.get(other, f'method {other}')}, not supported"
            )
    return stream(_checked(pieces, header), budget)


def _lzma(file: EvidenceFile, header: Header, start: int, stop: int) -> Iterator[bytes]:
    lead = b"".join(span(file, start, min(stop, start + 9)))
    if len(lead) < 9 or lead[2:4] != b"\5\0" or lead[4] >= 225:
        raise UnreadableError("compressed data is damaged")
    size = None if header.flags & 2 or header.size < 0 else header.size
    return unlzmaed(span(file, start + 9, stop), [lzma_filter(lead[4:9])], size)


def lzma_filter(properties: bytes) -> dict[str, Any]:
    """Return the filter that five bytes of LZMA properties describe."""
    rest, lc = divmod(properties[0], 9)
    pb, lp = divmod(rest, 5)
    return {
        "id": 0x4000000000000001, "lc": lc, "lp": lp, "pb": pb,
        "dict_size": max(4096, int.from_bytes(properties[1:5], "little")),
    }  # fmt: skip


def _checked(pieces: Iterable[bytes], header: Header) -> Iterator[bytes]:
    crc = size = 0
    for piece in pieces:
        crc = zlib.crc32(piece, crc)
        size += len(piece)
        yield piece
    if header.size >= 0 and size != header.size:
        raise UnreadableError("the size is not what the archive says")
    if header.crc >= 0 and crc != header.crc:
        raise UnreadableError("CRC-32 does not match")
