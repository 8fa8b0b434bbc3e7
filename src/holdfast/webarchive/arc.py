"""ARC files (Internet Archive, 1996), the forerunner: read as far as their few rules go.

A version block, then records: one line `URL IP date type length`, the document, a line end.
"""

from __future__ import annotations

import ipaddress
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.webarchive.report import Report
from holdfast.webarchive.stream import CHUNK, MAGIC, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_LINE = 1 << 16
_HEADER = re.compile(rb"(\S(?:.*\S)?) (\S+) (\d{1,14}) (\S*) (\d{1,15})\r?\n")
_MAGIC = b"filedesc://"


def is_arc(head: bytes) -> bool:
    """Say whether a file that begins so is an ARC, gzipped or not."""
    if head[:3] == MAGIC:
        try:
            head = zlib.decompressobj(31).decompress(head, 64)
        except zlib.error:
            return False
    return head.startswith(_MAGIC)


@dataclass
class ArcRecord:
    """One URL record; read its document before the next is asked for."""

    offset: int
    start: int
    url: str
    address: str
    date: str
    media: str
    length: int
    _stream: Stream
    left: int

    def read(self, size: int = CHUNK) -> bytes:
        """Return some bytes of the document; empty at its end, or where the file ends."""
        piece = self._stream.read(min(size, self.left)) if self.left else b""
        self.left -= len(piece)
        return piece


def records(raw: BinaryIO, report: Report | None = None) -> Iterator[ArcRecord]:
    """Yield the version block and the URL records; tell `report` of what is wrong."""
    stream = Stream(raw)
    number = 0

    def find(rule: str, detail: str, offset: int) -> None:
        if report is not None:
            report.find(rule, detail, offset)

    while stream.peek(1):
        stream.fresh()
        offset, start = stream.offset, stream.at
        line = stream.line(_LINE)
        found = _HEADER.fullmatch(line)
        if found is None:
            # Only the line ends that close a record may stand between two.
            if line.strip():
                shown = line[:80].decode("utf-8", "backslashreplace")
                find("arc.header", f"{shown!r}", offset)
            continue
        number += 1
        url, address, date, media, length = (
            part.decode("utf-8", "backslashreplace") for part in found.groups()
        )
        record = ArcRecord(
            offset, start, url, address, date, media, int(length), stream, int(length)
        )
        if number == 1 and not url.startswith("filedesc://"):
            find("arc.version", f"{url[:80]!r}", offset)
        try:
            ipaddress.ip_address(address)
        except ValueError:
            find("arc.header", f"{address[:80]!r} is no address", offset)
        yield record
        while record.read():
            pass
        if record.left:
            find("arc.short", f"{record.left} of {record.length} bytes are not there", offset)
        elif stream.peek(1) and stream.peek(1) not in {b"\n", b"\r"}:
            find("arc.end", f"{stream.peek(16)!r} follows", offset)
    for rule, at, detail in stream.trouble:
        find(rule, detail, at)
    if report is not None:
        report.facts = {
            "compressed": stream.zipped,
            "gzip_members": stream.members,
            "records": number,
        }


def check(raw: BinaryIO) -> Report:
    """Judge one ARC file."""
    report = Report("arc")
    for _ in records(raw, report):
        pass
    if not report.facts.get("records"):
        report.find("arc.version", "no record was found", 0)
    return report
