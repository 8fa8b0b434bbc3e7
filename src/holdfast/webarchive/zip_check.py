"""A WACZ's outer shell: a ZIP whose two descriptions of itself agree, with safe names.

A ZIP says everything twice, in front of each part and in a directory at the end, and readers
differ on which they believe. Whatever could make two readers see two things is found here.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO

from holdfast.webarchive.stream import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.webarchive.report import Report

MAX_PARTS = 200_000
MAX_BYTES = 64 << 30
"""Bytes that one part may unfold to."""
READ_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError,
    RuntimeError, ValueError,
)  # fmt: skip
"""What `zipfile` raises when a part, or the file, can't be read."""
_LOCAL = struct.Struct("<4s5H3I2H")
_DESCRIPTOR = 24
_ENCRYPTED, _DESCRIBED_AFTER = 0x1, 0x8
_COMPRESSED = (".gz", ".zst", ".zip", ".wacz")


class Shell:
    """The parts of a ZIP that is open for reading."""

    def __init__(self, raw: BinaryIO, report: Report) -> None:
        self._raw = raw
        self._report = report
        self.parts: dict[str, zipfile.ZipInfo] = {}
        self.zip: zipfile.ZipFile | None = None
        try:
            self.zip = zipfile.ZipFile(raw)
        except READ_ERRORS as error:
            report.find("zip.damaged", str(error) or type(error).__name__)
            return
        self._directory(self.zip.infolist())

    def _directory(self, entries: list[zipfile.ZipInfo]) -> None:
        find = self._report.find
        if len(entries) > MAX_PARTS:
            find("limit", f"{len(entries)} parts, {MAX_PARTS} read")
        ends = [0]
        for info in sorted(entries[:MAX_PARTS], key=lambda one: one.header_offset):
            name = info.filename
            # zipfile cuts names at a NUL; what stood there before is kept.
            if not is_safe(info.orig_filename):
                find("zip.name", repr(info.orig_filename), info.header_offset, name)
            if name in self.parts:
                find("zip.duplicate", name, info.header_offset, name)
            if info.flag_bits & _ENCRYPTED:
                find("zip.encrypted", name, info.header_offset, name)
                continue
            if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                find("zip.method", f"method {info.compress_type}", info.header_offset, name)
                continue
            ends.append(self._local(info, ends[-1]))
            if info.is_dir():
                continue
            self.parts[name] = info
            if info.compress_type != zipfile.ZIP_STORED:
                if name.lower().endswith(_COMPRESSED):
                    find("zip.again", name, info.header_offset, name)
                elif name.startswith("archive/"):
                    find("zip.store", name, info.header_offset, name)

    def _local(self, info: zipfile.ZipInfo, before: int) -> int:
        """Compare the local header with the directory; return where the part ends."""
        at, name = info.header_offset, info.filename
        self._raw.seek(at)
        raw = self._raw.read(_LOCAL.size)
        if len(raw) < _LOCAL.size or raw[:4] != b"PK\x03\x04":
            self._report.find("zip.damaged", "no local header where one should be", at, name)
            return before
        _, _, flags, method, _, _, crc, packed, size, long, extra = _LOCAL.unpack(raw)
        local = self._raw.read(long)
        after = bool(flags & _DESCRIBED_AFTER)
        numbers = (crc, packed, size) == (info.CRC, info.compress_size, info.file_size)
        zip64 = 0xFFFFFFFF in {packed, size}
        encoding = "utf-8" if flags & 0x800 else "cp437"
        if (
            local.decode(encoding, "replace") != info.orig_filename
            or method != info.compress_type
            or not (numbers or after or zip64)
        ):
            shown = local.decode("utf-8", "backslashreplace")
            self._report.find("zip.disagrees", f"the local header says {shown!r}", at, name)
        if at > before + (_DESCRIPTOR if before else 0):
            self._report.find("zip.hidden", f"{at - before} bytes before it", before, name)
        elif at < before:
            self._report.find("zip.disagrees", "it overlaps the part before it", at, name)
        return int(at + _LOCAL.size + long + extra + info.compress_size)

    def read(self, name: str) -> Iterator[bytes]:
        """Yield a part's bytes; what keeps it from being read is told, and ends it."""
        assert self.zip is not None  # noqa: S101
        info, total = self.parts[name], 0
        try:
            with self.zip.open(info) as part:
                while piece := part.read(CHUNK):
                    total += len(piece)
                    if total > MAX_BYTES:
                        self._report.find("zip.bomb", f"over {MAX_BYTES} bytes", None, name)
                        return
                    yield piece
        except READ_ERRORS as error:
            words = str(error) or "it ends too soon"
            self._report.find("zip.damaged", words, info.header_offset, name)

    def whole(self, name: str, limit: int) -> bytes:
        """Return a small part whole; empty where it is not there or over `limit`."""
        if name not in self.parts:
            return b""
        found = bytearray()
        for piece in self.read(name):
            found += piece
            if len(found) > limit:
                self._report.find("zip.bomb", f"over {limit} bytes", None, name)
                return b""
        return bytes(found)

    def open(self, name: str) -> BinaryIO:
        """Open a part as a stream that can be read forward, and from its start again."""
        assert self.zip is not None  # noqa: S101
        return self.zip.open(self.parts[name])  # type: ignore[return-value]


def is_safe(name: str) -> bool:
    """Say whether a part's name is a path that leads nowhere but into the file itself."""
    pieces = name.removesuffix("/").split("/")
    return (
        bool(name)
        and "\\" not in name
        and not any(c < " " or c == "\x7f" for c in name)
        and name[1:2] != ":"
        and not any(piece in {"", ".", ".."} for piece in pieces)
    )
