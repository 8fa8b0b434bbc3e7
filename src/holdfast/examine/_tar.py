"""tar: v7, ustar, pax (POSIX.1-2017), GNU with its long names and sparse files.

A damaged header costs what lies up to the next header that fits its checksum; data after the end
mark are read on, or come out as a member of their own.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from holdfast.examine._archive import Entry, decoded
from holdfast.examine._streams import PIECE, Budget, span, stream
from holdfast.examine.record import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from holdfast.examine.file import EvidenceFile

BLOCK = 512
_META = 1 << 20
"""Bytes of a long name or of pax headers at most."""
_MAP = 1 << 18
"""Pieces of a sparse file at most."""
_OCTAL = re.compile(rb"[ \0]*([0-7]{1,24})[ \0]*")
_SUM = slice(148, 156)
_KINDS = {
    b"0": "file", b"\0": "file", b"7": "file", b"S": "file", b"1": "hardlink", b"2": "symlink",
    b"3": "device", b"4": "device", b"5": "folder", b"6": "fifo", b"D": "folder",
}  # fmt: skip
_NO_DATA = {b"1", b"2", b"3", b"4", b"5", b"6"}


def is_tar(head: bytes) -> bool:
    """Say whether `head` starts with a header whose checksum fits."""
    return _fits(head[:BLOCK]) and head[:1] != b"\0"


def entries(file: EvidenceFile) -> Iterator[Entry]:
    """Yield each entry in order.

    Raises:
        UnreadableError: after the last entry, where something could not be read.
    """
    budget = Budget(file)
    with file.open() as source:
        yield from _Reader(file, source, budget).entries()


class _Reader:
    def __init__(self, file: EvidenceFile, source: BinaryIO, budget: Budget) -> None:
        self._file, self._source, self._budget = file, source, budget
        self._at = 0
        self._common: dict[str, str] = {}
        self._own: dict[str, str] = {}
        self._sparse: list[tuple[int, int]] = []

    def entries(self) -> Iterator[Entry]:
        damaged, ended, zeros = 0, False, 0
        begun = 0
        while (block := self._block()) is not None:
            if not block.strip(b"\0"):
                zeros += 1
                ended = ended or zeros > 1
                continue
            zeros = 0
            begun = self._at - BLOCK if not self._own else begun
            if not _fits(block):
                if ended:
                    yield self._appended(self._at - BLOCK)
                    break
                damaged += 1
                while (block := self._block()) is not None and not _fits(block):
                    pass
                if block is None:
                    break
                begun = self._at - BLOCK
            entry = self._entry(block, begun, ended=ended)
            if entry is not None:
                yield entry
        if damaged:
            raise UnreadableError(f"damaged tar headers: {damaged}, what follows each is left out")
        if self._at > self._file.size or (not ended and self._file.size % BLOCK):
            raise UnreadableError("the archive is cut off")

    def _block(self) -> bytes | None:
        if self._at + BLOCK > self._file.size:
            return None
        self._source.seek(self._at)
        self._at += BLOCK
        return self._source.read(BLOCK)

    def _entry(self, block: bytes, begun: int, *, ended: bool) -> Entry | None:
        kind, size = block[156:157], _number(block[124:136])
        if kind in {b"x", b"X", b"g", b"L", b"K"}:
            self._meta(kind, size)
            return None
        own = {**self._common, **self._own}
        sparse, self._own, self._sparse = self._sparse, {}, []
        notes = ["after the end mark"] if ended else []
        if "size" in own and own["size"].isascii() and own["size"].isdigit():
            size = int(own["size"][:20])
        if kind in _NO_DATA:
            size = 0
        name = own.get("GNU.sparse.name") or own.get("path") or _name(block)
        what = "folder" if name.endswith("/") and kind in {b"0", b"\0"} else _KINDS.get(kind)
        if what is None:
            what = "file"
            notes.append(f"type {kind.decode('latin-1')!r} is read as a file")
        real: int | None = None
        if kind == b"S":
            sparse, real = self._old_sparse(block)
        start = self._at
        if own.get("GNU.sparse.major") == "1":
            sparse, used = self._sparse_ahead(start, size)
            start, size = start + used, size - used
            self._at = start
        if "GNU.sparse.realsize" in own or "GNU.sparse.size" in own:
            text = own.get("GNU.sparse.realsize") or own.get("GNU.sparse.size", "")
            real = int(text[:20]) if text.isascii() and text.isdigit() else None
        elif own.get("GNU.sparse.map"):
            sparse = _pairs(own["GNU.sparse.map"].split(","))
        if own.get("GNU.sparse.map"):
            sparse = _pairs(own["GNU.sparse.map"].split(","))
        stop = start + size
        self._at = start + (size + BLOCK - 1) // BLOCK * BLOCK
        if real is not None:
            notes.append("sparse")
        has = what == "file" and (kind not in _NO_DATA)
        return Entry(
            name=name, offset=begun, length=min(stop, self._file.size) - begun, kind=what,
            size=real if real is not None else size, packed=size, time=_time(block, own),
            time_nanos=_nanos(own),
            link=own.get("linkpath") or _text(block[157:257]) or None, owner=_owner(block, own),
            mode=_number(block[100:108]) & 0o7777, notes=notes,
            content=(lambda: stream(self._content(start, stop, sparse, real), self._budget))
            if has else None,
        )  # fmt: skip

    def _meta(self, kind: bytes, size: int) -> None:
        self._source.seek(self._at)
        raw = self._source.read(size) if size <= _META else b""
        self._at += (size + BLOCK - 1) // BLOCK * BLOCK
        if kind == b"L":
            self._own["path"] = _text(raw)
        elif kind == b"K":
            self._own["linkpath"] = _text(raw)
        else:
            self._pax(raw, self._common if kind == b"g" else self._own)

    def _pax(self, raw: bytes, into: dict[str, str]) -> None:
        at = 0
        while found := re.compile(rb"(\d{1,9}) ([^=\n]{1,256})=").match(raw, at):
            end = at + int(found[1])
            if end <= found.end() or end > len(raw):
                return
            key = found[2].decode("utf-8", "backslashreplace")
            value = raw[found.end() : end - 1].decode("utf-8", "backslashreplace")
            if key in {"GNU.sparse.offset", "GNU.sparse.numbytes"}:
                number = int(value[:20]) if value.isascii() and value.isdigit() else 0
                if key.endswith("offset") and len(self._sparse) < _MAP:
                    self._sparse.append((number, 0))
                elif self._sparse:
                    self._sparse[-1] = (self._sparse[-1][0], number)
            into[key] = value
            at = end

    def _old_sparse(self, block: bytes) -> tuple[list[tuple[int, int]], int]:
        found = _cells(block[386:482])
        more = block[482:483] != b"\0"
        while more and len(found) < _MAP and (extension := self._block()) is not None:
            found += _cells(extension[:504])
            more = extension[504:505] != b"\0"
        return found, _number(block[483:495])

    def _sparse_ahead(self, start: int, size: int) -> tuple[list[tuple[int, int]], int]:
        """Read the map that pax format 1.0 puts before the data; return it and its length."""
        raw, numbers = b"", [b""]
        wanted = 1
        while len(raw) < min(size, _META * 4):
            self._source.seek(start + len(raw))
            raw += self._source.read(BLOCK)
            numbers = raw.split(b"\n")[:-1]
            if numbers and numbers[0].isdigit():
                wanted = 1 + 2 * int(numbers[0][:9])
            if len(numbers) >= wanted:
                break
        texts = [number.decode("ascii", "replace") for number in numbers[1:wanted]]
        return _pairs(texts), (len(raw) + BLOCK - 1) // BLOCK * BLOCK

    def _content(
        self, start: int, stop: int, sparse: list[tuple[int, int]], real: int | None
    ) -> Iterator[bytes]:
        if real is None:
            yield from self._whole(start, stop)
            return
        done = 0
        for offset, length in sparse:
            if offset < done or offset + length > real:
                raise UnreadableError("the map of a sparse file contradicts itself")
            yield from _holes(offset - done)
            yield from self._whole(start, min(stop, start + length))
            if start + length > stop:
                raise UnreadableError("a sparse file has less data than its map says")
            start, done = start + length, offset + length
        yield from _holes(real - done)

    def _whole(self, start: int, stop: int) -> Iterator[bytes]:
        yield from span(self._file, start, stop)
        if stop > self._file.size:
            raise UnreadableError("the archive is cut off")

    def _appended(self, at: int) -> Entry:
        size = self._file.size
        return Entry(
            name="appended data", offset=at, length=size - at, kind="data", size=size - at,
            content=lambda: stream(span(self._file, at, size), self._budget),
        )  # fmt: skip


def _holes(size: int) -> Iterator[bytes]:
    while size > 0:
        yield bytes(min(size, PIECE))
        size -= PIECE


def _fits(block: bytes) -> bool:
    if len(block) < BLOCK:
        return False
    told = _OCTAL.fullmatch(block[_SUM])
    if told is None:
        return False
    rest = block[:148] + b" " * 8 + block[156:]
    signed = sum(struct.unpack("512b", rest))  # old Suns summed signed bytes
    return int(told[1], 8) in {sum(rest), signed} and _number(block[124:136]) >= 0


def _number(raw: bytes) -> int:
    if raw[:1] in {b"\x80", b"\xff"}:
        return int.from_bytes(raw[1:], "big") - (256 ** (len(raw) - 1) if raw[0] == 0xFF else 0)
    found = _OCTAL.match(raw)
    return int(found[1], 8) if found else 0


def _text(raw: bytes) -> str:
    return decoded(raw.partition(b"\0")[0], "latin-1")


def _name(block: bytes) -> str:
    name = _text(block[:100])
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _owner(block: bytes, own: dict[str, str]) -> str | None:
    uid, gid = own.get("uid") or _number(block[108:116]), own.get("gid") or _number(block[116:124])
    user = own.get("uname") or _text(block[265:297])
    group = own.get("gname") or _text(block[297:329])
    return f"{user or uid}:{group or gid}"


_MTIME = re.compile(r"(-?\d{1,15})(?:\.(\d{1,9})\d{0,20})?", re.ASCII)
"""Seconds and their fraction, as pax headers write them."""


def _nanos(own: dict[str, str]) -> int | None:
    """Return the nanoseconds of a pax time beyond its microseconds, where it is that fine."""
    found = _MTIME.fullmatch(own.get("mtime", ""))
    if found is None or len(found[2] or "") <= 6:
        return None
    rest = int(found[2].ljust(9, "0")[6:9])
    return rest if not found[1].startswith("-") else None


def _time(block: bytes, own: dict[str, str]) -> int | None:
    found = _MTIME.fullmatch(own.get("mtime", ""))
    if found:
        part = int((found[2] or "0").ljust(6, "0")[:6])
        return int(found[1]) * 1_000_000 + (-part if found[1].startswith("-") else part)
    seconds = _number(block[136:148])
    return seconds * 1_000_000 if abs(seconds) < 1 << 40 else None


def _cells(raw: bytes) -> list[tuple[int, int]]:
    found = []
    for at in range(0, len(raw) - 23, 24):
        offset, length = raw[at : at + 12], raw[at + 12 : at + 24]
        if offset[:1] == b"\0":
            break
        found.append((_number(offset), _number(length)))
    return found


def _pairs(texts: list[str]) -> list[tuple[int, int]]:
    numbers = [int(t[:20]) for t in texts[: 2 * _MAP] if t.isascii() and t.isdigit()]
    return list(zip(numbers[::2], numbers[1::2], strict=False))
