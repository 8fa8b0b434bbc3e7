"""The header of a 7z archive: which streams lie where, and by what they were packed.

Every number in it was chosen by someone: none is believed beyond what the header has bytes for.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass, field

from holdfast.examine.record import UnreadableError

HEAD = 32
MANY = 1 << 20
"""Folders, streams and files at most, each."""
BRANCHES = {  # xz's filter of the same code
    b"\x03\x03\x01\x03": lzma.FILTER_X86, b"\x04": lzma.FILTER_X86,
    b"\x03\x03\x02\x05": lzma.FILTER_POWERPC, b"\x05": lzma.FILTER_POWERPC,
    b"\x03\x03\x04\x01": lzma.FILTER_IA64, b"\x06": lzma.FILTER_IA64,
    b"\x03\x03\x05\x01": lzma.FILTER_ARM, b"\x07": lzma.FILTER_ARM,
    b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB, b"\x08": lzma.FILTER_ARMTHUMB,
    b"\x03\x03\x08\x05": lzma.FILTER_SPARC, b"\x09": lzma.FILTER_SPARC,
}  # fmt: skip
METHODS = {
    b"\0": "stored", b"\x03\x01\x01": "lzma", b"\x21": "lzma2", b"\x03": "delta",
    b"\x04\x01\x08": "deflate", b"\x04\x01\x09": "deflate64", b"\x04\x02\x02": "bzip2",
    b"\x04\xf7\x11\x01": "zstd", b"\x03\x04\x01": "ppmd", b"\x03\x03\x01\x1b": "bcj2",
    b"\x06\xf1\x07\x01": "aes",
}  # fmt: skip
DAMAGED = "the archive's header is damaged"


@dataclass(slots=True)
class Coder:
    """One step of packing: its method, and the method's properties."""

    method: bytes
    properties: bytes
    simple: bool

    @property
    def name(self) -> str:
        return "branch" if self.method in BRANCHES else METHODS.get(self.method, "unknown")


@dataclass(slots=True)
class Folder:
    """Files that were packed as one, and how."""

    coders: list[Coder]
    bonds: list[tuple[int, int]]
    packed: list[int]
    sizes: list[int] = field(default_factory=list)
    starts: list[tuple[int, int]] = field(default_factory=list)
    """Where its packed streams lie: start and end in the file."""
    parts: list[tuple[int, int | None]] = field(default_factory=list)
    """Size and CRC-32 of each file in it."""
    crc: int | None = None

    @property
    def size(self) -> int:
        """Bytes that the last coder gives: the one whose output no other takes."""
        taken = {out for _, out in self.bonds}
        return next((n for i, n in enumerate(self.sizes) if i not in taken), 0)


class Bytes:
    """The header, read from the front; whatever it claims, never past its end."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def take(self, size: int) -> bytes:
        if size < 0 or size > len(self._raw) - self._at:
            raise UnreadableError(DAMAGED)
        self._at += size
        return self._raw[self._at - size : self._at]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        first, value, mask = self.byte(), 0, 0x80
        for shift in range(8):
            if not first & mask:
                return value | (first & (mask - 1)) << 8 * shift
            value |= self.byte() << 8 * shift
            mask >>= 1
        return value

    def count(self) -> int:
        number = self.number()
        if number > min(MANY, 8 * len(self._raw) + 64):
            raise UnreadableError(DAMAGED)
        return number

    def bits(self, count: int) -> list[bool]:
        raw = self.take((count + 7) // 8)
        return [bool(raw[i // 8] & 0x80 >> i % 8) for i in range(count)]

    def defined(self, count: int) -> list[bool]:
        return [True] * count if self.byte() else self.bits(count)

    def checks(self, count: int) -> list[int | None]:
        return [
            int.from_bytes(self.take(4), "little") if there else None
            for there in self.defined(count)
        ]

    def expect(self, mark: int) -> None:
        if self.byte() != mark:
            raise UnreadableError(DAMAGED)


def streams(header: Bytes) -> list[Folder]:
    place, packed = 0, list[int]()
    folders: list[Folder] = []
    parted = False
    while (kind := header.byte()) != 0:
        if kind == 6:
            place, packed = _packed(header)
        elif kind == 7:
            folders = _folders(header)
        elif kind == 8:
            _parts(header, folders)
            parted = True
        else:
            raise UnreadableError(DAMAGED)
    if not parted:
        for folder in folders:
            folder.parts = [(folder.size, folder.crc)]
    at, ends = HEAD + place, iter(packed)
    for folder in folders:
        for _ in folder.packed:
            size = next(ends, 0)
            folder.starts.append((at, at + size))
            at += size
    return folders


def _packed(header: Bytes) -> tuple[int, list[int]]:
    place, count, sizes = header.number(), header.count(), list[int]()
    while (kind := header.byte()) != 0:
        if kind == 9:
            sizes = [header.number() for _ in range(count)]
        elif kind == 10:
            header.checks(count)
        else:
            raise UnreadableError(DAMAGED)
    return place, sizes


def _folders(header: Bytes) -> list[Folder]:
    header.expect(11)
    count = header.count()
    if header.byte():
        raise UnreadableError("its header lies outside of it")
    folders = [_folder(header) for _ in range(count)]
    header.expect(12)
    for folder, outs in folders:
        folder.sizes = [header.number() for _ in range(outs)]
    while (kind := header.byte()) != 0:
        if kind != 10:
            raise UnreadableError(DAMAGED)
        for (folder, _), crc in zip(folders, header.checks(count), strict=True):
            folder.crc = crc
    return [folder for folder, _ in folders]


def _folder(header: Bytes) -> tuple[Folder, int]:
    coders, ins, outs = [], 0, 0
    for _ in range(header.count()):
        flags = header.byte()
        method = header.take(flags & 15)
        taken, given = (header.count(), header.count()) if flags & 16 else (1, 1)
        properties = header.take(header.count()) if flags & 32 else b""
        coders.append(Coder(method, properties, taken == given == 1))
        ins, outs = ins + taken, outs + given
    if not coders or outs > MANY or ins < outs - 1:
        raise UnreadableError(DAMAGED)
    bonds = [(header.number(), header.number()) for _ in range(outs - 1)]
    streams = ins - len(bonds)
    packed = [header.number() for _ in range(streams)] if streams > 1 else [0]
    return Folder(coders, bonds, packed), outs


def _parts(header: Bytes, folders: list[Folder]) -> None:
    counts = [1] * len(folders)
    kind = header.byte()
    if kind == 13:
        counts = [header.count() for _ in folders]
        kind = header.byte()
    sizes: list[list[int]] = []
    for folder, count in zip(folders, counts, strict=True):
        own = [header.number() for _ in range(count - 1)] if kind == 9 else []
        sizes.append([*own, folder.size - sum(own)] if count else [])
    if kind == 9:
        kind = header.byte()
    known = [
        folder.crc if count == 1 else None for folder, count in zip(folders, counts, strict=True)
    ]
    missing = sum(
        count for count, crc in zip(counts, known, strict=True) if count != 1 or crc is None
    )
    checks: list[int | None] = [None] * missing
    while kind != 0:
        if kind != 10:
            raise UnreadableError(DAMAGED)
        checks = header.checks(missing)
        kind = header.byte()
    each = iter(checks)
    for folder, own, crc in zip(folders, sizes, known, strict=True):
        if len(own) == 1 and crc is not None:
            folder.parts = [(own[0], crc)]
        else:
            folder.parts = [(size, next(each, None)) for size in own]
        if any(size < 0 for size, _ in folder.parts):
            raise UnreadableError(DAMAGED)
