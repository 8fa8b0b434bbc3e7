"""7z (7zFormat.txt of the LZMA SDK), over Python's own decoders: no more memory than a dictionary.

Read: LZMA, LZMA2, deflate, bzip2, Zstandard, stored, with delta and branch filters. Not read, each
member saying so: AES (`encrypted`), PPMd, BCJ2, deflate64.
"""

from __future__ import annotations

import lzma
import zlib
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from holdfast.examine._archive import Entry, finer, from_filetime
from holdfast.examine._streams import (
    Budget,
    bunzipped,
    inflated,
    span,
    stream,
    unlzmaed,
    unpacked,
    unzstd,
)
from holdfast.examine._zip import lzma_filter
from holdfast.examine.record import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from holdfast.examine.file import EvidenceFile

from holdfast.examine._sevenzip_header import (
    BRANCHES,
    DAMAGED,
    HEAD,
    Bytes,
    Coder,
    Folder,
    streams,
)

MAGIC = b"7z\xbc\xaf\x27\x1c"
_HEADER_LIMIT = 64 << 20


def is_sevenzip(head: bytes) -> bool:
    """Say whether `head` is the start of a 7z archive."""
    return head.startswith(MAGIC)


def entries(file: EvidenceFile) -> Iterator[Entry]:
    """Yield each entry in the archive's order.

    Raises:
        UnreadableError: the header can't be read.
    """
    budget = Budget(file)
    head = file.head[:HEAD]
    if len(head) < HEAD:
        raise UnreadableError("the archive is cut off")
    place, size = int.from_bytes(head[12:20], "little"), int.from_bytes(head[20:28], "little")
    if size == 0:
        return
    if place + size + HEAD > file.size or size > _HEADER_LIMIT:
        raise UnreadableError("the archive is cut off")
    raw = b"".join(span(file, HEAD + place, HEAD + place + size))
    if zlib.crc32(raw) != int.from_bytes(head[28:32], "little"):
        raise UnreadableError(DAMAGED)
    for _ in range(4):
        header = Bytes(raw)
        kind = header.byte()
        if kind == 1:
            yield from _files(file, header, budget)
            return
        if kind != 0x17:
            break
        folders = streams(header)
        if not folders or folders[0].size > _HEADER_LIMIT:
            break
        raw = b"".join(_decoded(file, folders[0]))[: folders[0].size]
        if folders[0].crc not in {None, zlib.crc32(raw)}:
            break
    raise UnreadableError(DAMAGED)


@dataclass(slots=True)
class _Told:
    name: str = ""
    has_data: bool = True
    folder: bool = False
    time: int | None = None
    time_nanos: int | None = None
    attributes: int = 0


def _files(file: EvidenceFile, header: Bytes, budget: Budget) -> Iterator[Entry]:
    folders: list[Folder] = []
    told: list[_Told] = []
    while (kind := header.byte()) != 0:
        if kind == 2:
            while (prop := header.number()) != 0:
                header.take(header.number())
                del prop
        elif kind in {3, 4}:
            found = streams(header)
            folders = found if kind == 4 else folders
        elif kind == 5:
            told = _names(header)
        else:
            raise UnreadableError(DAMAGED)
    where = iter(
        (folder, index, size, crc)
        for folder in (_Solid(file, one) for one in folders)
        for index, (size, crc) in enumerate(folder.folder.parts)
    )
    for one in told:
        part = next(where, None) if one.has_data else None
        yield _entry(one, part, budget)


def _entry(one: _Told, part: tuple[_Solid, int, int, int | None] | None, budget: Budget) -> Entry:
    mode = one.attributes >> 16 if one.attributes & 0x8000 else 0
    kind = "symlink" if mode & 0xF000 == 0xA000 else "folder" if one.folder else "file"
    if part is None:
        content = None if kind == "folder" else (lambda: stream(()))
        return Entry(
            name=one.name, offset=0, length=0, kind=kind, size=0, time=one.time,
            time_nanos=one.time_nanos,
            mode=mode or None, content=content,
        )  # fmt: skip
    solid, index, size, crc = part
    names = [coder.name for coder in solid.folder.coders]
    return Entry(
        name=one.name, offset=0, length=0, kind=kind, size=size, time=one.time,
        time_nanos=one.time_nanos,
        mode=mode or None, method="+".join(names), encrypted="aes" in names,
        content=lambda: stream(solid.member(index, size, crc), budget),
    )  # fmt: skip


def _names(header: Bytes) -> list[_Told]:
    told = [_Told() for _ in range(header.count())]
    empty: list[bool] = [False] * len(told)
    bare: list[bool] = []
    while (prop := header.number()) != 0:
        inside = Bytes(header.take(header.number()))
        if prop == 14:
            empty = inside.bits(len(told))
        elif prop == 15:
            bare = inside.bits(sum(empty))
        elif prop == 17:
            inside.expect(0)
            for one in told:
                raw = bytearray()
                while (unit := inside.take(2)) != b"\0\0":
                    raw += unit
                one.name = raw.decode("utf-16-le", "backslashreplace")
        elif prop == 20:
            there = inside.defined(len(told))
            inside.expect(0)
            for one, known in zip(told, there, strict=True):
                if known:
                    ticks = int.from_bytes(inside.take(8), "little")
                    one.time = from_filetime(ticks)
                    one.time_nanos = None if one.time is None else finer(ticks)
        elif prop == 21:
            there = inside.defined(len(told))
            inside.expect(0)
            for one, known in zip(told, there, strict=True):
                one.attributes = int.from_bytes(inside.take(4), "little") if known else 0
    files = iter(bare)
    for one, without in zip(told, empty, strict=True):
        one.has_data = not without
        one.folder = without and not next(files, False)
    return told


class _Solid:
    """The files of one folder, one behind the other in one stream that is read once."""

    def __init__(self, file: EvidenceFile, folder: Folder) -> None:
        self.folder = folder
        self._file = file
        self._source: BinaryIO | None = None
        self._at = 0
        self._broken = ""
        self._starts = list(accumulate((size for size, _ in folder.parts), initial=0))

    def member(self, index: int, size: int, crc: int | None) -> Iterator[bytes]:
        if size and self._broken:
            raise UnreadableError(self._broken)
        found = 0
        try:
            for _ in self._read(self._starts[index] - self._at if size else 0):
                pass
            for piece in self._read(size):
                found = zlib.crc32(piece, found)
                yield piece
        except UnreadableError as error:
            self._broken = str(error)
            raise
        if crc is not None and crc != found:
            raise UnreadableError("CRC-32 does not match")

    def _read(self, size: int) -> Iterator[bytes]:
        if size > 0 and self._source is None:
            self._source = stream(_decoded(self._file, self.folder))
        while size > 0 and self._source is not None:
            piece = self._source.read(min(size, 1 << 18))
            if not piece:
                raise UnreadableError("compressed data ends before its end")
            size -= len(piece)
            self._at += len(piece)
            yield piece


def _decoded(file: EvidenceFile, folder: Folder) -> Iterator[bytes]:
    """Return what a folder's coders make of its packed stream."""
    names = {coder.name for coder in folder.coders}
    if "aes" in names:
        raise UnreadableError("encrypted")
    unread = sorted(names & {"ppmd", "bcj2", "deflate64", "unknown"})
    if unread or not all(coder.simple for coder in folder.coders) or len(folder.packed) != 1:
        raise UnreadableError(f"compressed by {unread[0] if unread else 'a mesh'}, not supported")
    start, end = folder.starts[0] if folder.starts else (0, 0)
    if end > file.size:
        raise UnreadableError("the archive is cut off")
    # One in, one out: the chain starts at the coder that no other feeds.
    feeds = dict(folder.bonds)
    order, at = [folder.packed[0]], folder.packed[0]
    if len(folder.coders) > 1:
        at = next(i for i in range(len(folder.coders)) if i not in feeds)
        order = [at]
        while (following := next((t for t, g in feeds.items() if g == at), None)) is not None:
            if following in order or following >= len(folder.coders):
                raise UnreadableError(DAMAGED)
            order.append(following)
            at = following
    pieces: Iterable[bytes] = span(file, start, end)
    for index in order:
        if index >= len(folder.sizes) or index >= len(folder.coders):
            raise UnreadableError(DAMAGED)
        pieces = _undone(folder.coders[index], pieces, folder.sizes[index])
    yield from pieces


def _undone(  # noqa: PLR0911 - one return a method
    coder: Coder, pieces: Iterable[bytes], size: int
) -> Iterable[bytes]:
    properties = coder.properties
    match coder.name:
        case "stored":
            return pieces
        case "lzma" if len(properties) >= 5 and properties[0] < 225:
            return unlzmaed(pieces, [lzma_filter(properties)], size)
        case "lzma2" if properties and properties[0] <= 40:
            bits = properties[0]
            wanted = 0xFFFFFFFF if bits == 40 else (2 | bits & 1) << bits // 2 + 11
            return unlzmaed(pieces, [{"id": lzma.FILTER_LZMA2, "dict_size": wanted}], size)
        case "deflate":
            return inflated(pieces)
        case "bzip2":
            return bunzipped(pieces, follow=True)
        case "zstd":
            return unzstd(pieces)
        case "delta" if properties:
            return _filtered(pieces, {"id": lzma.FILTER_DELTA, "dist": properties[0] + 1})
        case "branch":
            return _filtered(pieces, {"id": BRANCHES[coder.method]})
    raise UnreadableError(DAMAGED)


def _filtered(pieces: Iterable[bytes], one: dict[str, Any]) -> Iterator[bytes]:
    """Undo a filter by liblzma, which wants LZMA2 behind it: the bytes go in as plain chunks."""

    def chunks() -> Iterator[bytes]:
        mark = 1
        for piece in pieces:
            for at in range(0, len(piece), 1 << 16):
                part = piece[at : at + (1 << 16)]
                yield bytes((mark,)) + (len(part) - 1).to_bytes(2, "big") + part
                mark = 2
        yield b"\0"

    filters = [one, {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]
    return unpacked(chunks(), lambda: lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters))
