"""Read WARC files (0.17, 0.18, 1.0, 1.1) as they are, record by record, however broken.

What can't be read is told as trouble, with the name of its rule, and the reading goes on where
the next record begins. Nothing is held whole but a header, of at most 1 MiB.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.webarchive.stream import CHUNK, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

VERSIONS = ("WARC/0.17", "WARC/0.18", "WARC/1.0", "WARC/1.1")
LINE_LIMIT = 1 << 16
HEADER_LIMIT = 1 << 20
_END = b"\r\n\r\n"
_VERSION = re.compile(rb"WARC/[0-9]{1,4}(?:\.[0-9]{1,4})?$")
_NAME = re.compile(rb"[!#$%&'*+\-.0-9A-Z^_`a-z|~]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_SHOWN = 80


@dataclass
class Trouble:
    """Something that could not be read as it should be."""

    rule: str
    detail: str
    offset: int


@dataclass
class WarcRecord:
    """One record; read its block before the next record is asked for."""

    offset: int
    """Where the record begins in the file; where compressed, where its gzip member begins."""
    start: int
    """Where it begins in the uncompressed bytes."""
    version: str
    fields: list[tuple[str, str]]
    """Names in lower case and values, in order, folded lines joined by a space."""
    troubles: list[Trouble]
    length: int | None
    """What Content-Length says; None where that is no number."""
    _stream: Stream = field(repr=False)
    left: int = 0
    """Bytes of the block that are not read yet."""
    cut: bool = False
    """Whether the file ended before the record did."""
    whole: bool = True
    """Whether a gzip member holds just this record, as far as it is read."""
    member: int = 0
    end: int = 0
    """Where it ends in the file, known once the next record was asked for."""

    def get(self, name: str) -> str | None:
        """Return the first value of a field, by its name in lower case."""
        return next((value for key, value in self.fields if key == name), None)

    def read(self, size: int = CHUNK) -> bytes:
        """Return some bytes of the block; empty at its end, or where the file ends before."""
        if not self.left:
            return b""
        piece = self._stream.read(min(size, self.left))
        self.left -= len(piece)
        if not piece:
            missing, self.left, self.cut = self.left, 0, True
            self.troubles.append(
                Trouble("record.short", f"the file ends {missing} bytes before the block does",
                        self.offset)
            )  # fmt: skip
        return piece


class WarcReader:
    """Yields the records of one file; `troubles` holds what belongs to no record."""

    def __init__(self, raw: BinaryIO) -> None:
        self._stream = Stream(raw)
        self.zipped = self._stream.zipped
        self.troubles: list[Trouble] = []

    @property
    def members(self) -> int:
        """Return how many gzip members were opened."""
        return self._stream.members

    def __iter__(self) -> Iterator[WarcRecord]:
        """Yield each record; what follows a block is judged when the next is asked for."""
        while (record := self._next()) is not None:
            yield record
            while record.read():
                pass
            self._finish(record)
        self._take()

    def _take(self) -> None:
        """Take over what the stream met."""
        stream = self._stream
        self.troubles += [Trouble(rule, detail, at) for rule, at, detail in stream.trouble]
        stream.trouble.clear()

    def _next(self) -> WarcRecord | None:
        """Step to where a record begins, and read its header."""
        stream = self._stream
        if not stream.peek(1):
            return None
        whole = stream.fresh()
        offset, start = stream.offset, stream.at
        line = stream.line(LINE_LIMIT)
        self._take()
        if not line.startswith(b"WARC/"):
            self._stray(offset, line)
            return self._next_after_stray()
        return self._header(line, offset, start, whole=whole)

    def _next_after_stray(self) -> WarcRecord | None:
        stream = self._stream
        if not stream.peek(1):
            return None
        whole, offset, start = stream.fresh(), stream.offset, stream.at
        return self._header(stream.line(LINE_LIMIT), offset, start, whole=whole)

    def _stray(self, offset: int, line: bytes) -> None:
        """Pass over lines until one begins a record; one trouble for all of them."""
        stream = self._stream
        skipped, shown, began = len(line), line.strip(), line
        first = stream.at == len(line)
        bare = line.endswith(b"\n")
        while stream.peek(1) and not (bare and stream.peek(5) == b"WARC/"):
            more = stream.line(LINE_LIMIT)
            bare = more.endswith(b"\n")
            skipped += len(more)
            shown = shown or more.strip()
        self._take()
        words = shown[:_SHOWN].decode("utf-8", "backslashreplace")
        if first and not began.strip():
            rule, detail = "version.missing", "the file begins with empty lines"
        elif first:
            rule, detail = "version.missing", f"the file begins with {words!r}"
        else:
            rule, detail = "file.stray", f"{skipped} bytes belong to no record: {words!r}"
        self.troubles.append(Trouble(rule, detail, offset))

    def _header(self, line: bytes, offset: int, start: int, *, whole: bool) -> WarcRecord:
        troubles: list[Trouble] = []

        def trouble(rule: str, detail: str) -> None:
            troubles.append(Trouble(rule, detail, offset))

        version = line.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
        if not _VERSION.fullmatch(line.rstrip(b"\r\n")) or version not in VERSIONS:
            trouble("version.unknown", f"the first line is {version[:_SHOWN]!r}")
        elif version in VERSIONS[:2]:
            trouble("version.draft", version)
        if not line.endswith(b"\r\n"):
            trouble("header.line-end", "the version's line does not end with CR LF")
        record = WarcRecord(offset, start, version, [], troubles, None, self._stream)
        record.whole, record.member = whole, self._stream.last
        raw = self._lines(trouble, record)
        for name, value in raw:
            if not _NAME.fullmatch(name):
                trouble("field.name", f"{name[:_SHOWN].decode('utf-8', 'backslashreplace')!r}")
            try:
                text = value.decode("utf-8")
            except UnicodeDecodeError:
                text = value.decode("utf-8", "backslashreplace")
                trouble("field.utf8", f"{name.decode('utf-8', 'backslashreplace')[:_SHOWN]}")
            if _CONTROL.search(value):
                trouble("field.control", f"{name.decode('utf-8', 'backslashreplace')[:_SHOWN]}")
            record.fields.append((name.decode("utf-8", "backslashreplace").lower(), text))
        said = record.get("content-length")
        if said is not None and said.isascii() and said.isdigit() and len(said) < 19:
            record.length = record.left = int(said)
        return record

    def _lines(
        self, tell: Callable[[str, str], None], record: WarcRecord
    ) -> list[tuple[bytes, bytes]]:
        """Read the header's lines to the blank one; return names and values."""
        stream = self._stream
        fields: list[list[bytes]] = []
        size = 0
        loose = 0
        while True:
            line = stream.line(LINE_LIMIT)
            size += len(line)
            content = line.rstrip(b"\r\n")
            if not line:
                tell("header.unfinished", "the file ends inside the header")
                record.cut = True
                break
            if len(line) == LINE_LIMIT or size > HEADER_LIMIT:
                tell("header.too-long", f"over {len(line) if size <= HEADER_LIMIT else size} bytes")
                record.cut = True
                break
            loose += line.endswith(b"\n") and not line.endswith(b"\r\n")
            if not content:
                break
            if line[:1] in b" \t":
                if fields:
                    fields[-1].append(content.strip(b" \t"))
                else:
                    tell("field.syntax", "the first field begins with a space")
                continue
            name, colon, value = content.partition(b":")
            if not colon:
                shown = content[:_SHOWN].decode("utf-8", "backslashreplace")
                tell("field.syntax", f"no colon in {shown!r}")
                continue
            fields.append([name, value.strip(b" \t")])
        if loose:
            tell("header.line-end", f"{loose} lines of the header do not end with CR LF")
        return [(name, b" ".join(part for part in parts if part)) for name, *parts in fields]

    def _finish(self, record: WarcRecord) -> None:
        """Judge what follows the block: two line ends, and then another record or nothing."""
        stream = self._stream
        if record.length is not None and not record.cut:
            found = b""
            while len(found) < len(_END) and _END.startswith(found + (stream.peek(1) or b"-")):
                found += stream.read(1)
            if found != _END:
                after = (found + stream.peek(16))[:16]
                detail = f"after the block stands {after!r}" if after else "the file ends there"
                record.troubles.append(Trouble("record.end", detail, record.offset))
        record.whole = record.whole and stream.last == record.member
        record.end = stream.offset if stream.peek(1) else stream.consumed()
        self._take()
