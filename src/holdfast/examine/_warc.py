"""What the opener and the parser of web archives share: records, and bodies as people have them.

Both number the records alike, from 1, so that a record and the file unfolded from it are found
from one another.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.webarchive import arc
from holdfast.webarchive.decoding import DecodingError, dechunked, decoded
from holdfast.webarchive.message import Head, HeadReader
from holdfast.webarchive.reader import WarcReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from holdfast.examine.file import EvidenceFile
    from holdfast.webarchive.reader import Trouble, WarcRecord

_MAGIC = b"\x1f\x8b\x08"
_STARTS = (b"WARC/0.", b"WARC/1.", b"filedesc://")
_HTTP = ("http:", "https:")


def is_warc(head: bytes) -> bool:
    """Say whether a file that begins so is a WARC or ARC, gzipped or not."""
    if head[:3] == _MAGIC:
        try:
            head = zlib.decompressobj(31).decompress(head, 64)
        except zlib.error:
            return False
    return head.startswith(_STARTS)


@dataclass
class Stored:
    """One record as it is stored, its block still to be read."""

    number: int
    offset: int
    type: str
    """`response`, `request`, `resource` and so on; an ARC's documents are responses."""
    url: str
    date: str
    """As stored."""
    id: str
    address: str
    protocol: str
    media: str
    concurrent: list[str]
    http: bool
    """Whether the block is an HTTP message."""
    pieces: Iterator[bytes] = field(repr=False)
    end: int = 0
    """Where it ends in the file, known once the next one was asked for; 0 if that is nowhere."""

    troubles: list[Trouble] = field(default_factory=list)
    """What of the record itself could not be read; complete when `end` is known."""

    def message(self) -> tuple[Head, Iterator[bytes]]:
        """Return the message's first lines and its body as it was sent."""
        reader, rest = HeadReader(), b""
        for piece in self.pieces:
            rest = reader.feed(piece)
            if reader.head is not None:
                break
        reader.finish()
        assert reader.head is not None  # noqa: S101
        return reader.head, _chained(rest, self.pieces)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def body(head: Head, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a message's body without chunks and content codings.

    Raises:
        DecodingError: it is damaged, or unfolds to too much; what came before is right.
    """
    plain = dechunked(pieces) if head.chunked else pieces
    codings = ",".join(value for name, value in head.fields if name == "content-encoding")
    return decoded(plain, codings)


def first_bytes(pieces: Iterator[bytes], limit: int) -> tuple[bytes, str]:
    """Return up to `limit` bytes, and why there are not more; empty where that is all."""
    found = bytearray()
    try:
        for piece in pieces:
            found += piece
            if len(found) > limit:
                return bytes(found[:limit]), f"over {limit} bytes"
    except DecodingError as error:
        return bytes(found), str(error)
    return bytes(found), ""


def records(file: EvidenceFile, troubles: list[Trouble] | None = None) -> Iterator[Stored]:
    """Yield each record; `troubles` takes what could not be read as one."""
    with file.open() as stream:
        if arc.is_arc(file.head):
            yield from _of_arc(stream)
            return
        reader = WarcReader(stream)
        last: tuple[WarcRecord, Stored] | None = None
        for number, record in enumerate(reader, 1):
            if last is not None:
                last[1].end = last[0].end
            kind = (record.get("warc-type") or "").lower()
            url = (record.get("warc-target-uri") or "").removeprefix("<").removesuffix(">")
            media = (record.get("content-type") or "").lower()
            stored = Stored(
                number, record.offset, kind, url, record.get("warc-date") or "",
                record.get("warc-record-id") or "", record.get("warc-ip-address") or "",
                record.get("warc-protocol") or "", media,
                [value for name, value in record.fields if name == "warc-concurrent-to"],
                kind in {"response", "request", "revisit"}
                and (media.startswith("application/http") or not media)
                and url.lower().startswith(_HTTP),
                iter(record.read, b""), troubles=record.troubles,
            )  # fmt: skip
            yield stored
            while record.read():
                pass
            last = (record, stored)
        if last is not None:
            last[1].end = last[0].end
        if troubles is not None:
            troubles[:] = reader.troubles


def _of_arc(stream: BinaryIO) -> Iterator[Stored]:
    for number, one in enumerate(arc.records(stream), 1):
        version = one.url.startswith("filedesc://")
        date = one.date
        when = f"{date[:4]}-{date[4:6]}-{date[6:8]}T{date[8:10]}:{date[10:12]}:{date[12:14]}Z"
        yield Stored(
            number, one.offset, "warcinfo" if version else "response", one.url, when, "",
            "" if version else one.address, "", one.media, [],
            not version and one.url.lower().startswith(_HTTP), iter(one.read, b""),
        )  # fmt: skip
