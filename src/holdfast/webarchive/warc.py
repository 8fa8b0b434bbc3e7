"""Write WARC 1.1 (ISO 28500:2017) records, one gzip member each, changing no byte of a block.

Every record has its block's SHA-256. A payload digest is written where the payload is the block
without the HTTP head: for a chunked body the standard means the de-chunked one, which the checkers
in use get wrong, so there the digest stands in exchanges.jsonl alone.
"""

from __future__ import annotations

import hashlib
import re
import uuid
import zlib
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VERSION = b"WARC/1.1"
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_FAST, _STORED = 1, 0
_PROBE = 1 << 14
"""Bytes that tell whether a block is compressed already, as pictures and most bodies are. Packing
those again would take most of a decoding's time for nothing: they go into their member stored."""
REVISIT_304 = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"


@dataclass(frozen=True, kw_only=True)
class Written:
    """Where a record is, and what its block is."""

    record: str
    """WARC-Record-ID without its angle brackets."""
    offset: int
    length: int
    """Of the gzip member."""
    bytes: int
    """Of the block."""
    sha256: str


class Block(Protocol):
    """The bytes of a record, their number and digest known before they are read."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def sha256(self) -> str:
        """In hex."""

    def chunks(self) -> Iterator[bytes]:
        """Yield them, from the start."""


@dataclass(frozen=True)
class Bytes:
    """A block that is in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    @property
    def sha256(self) -> str:
        """In hex."""
        return hashlib.sha256(self.data).hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """Yield them."""
        yield self.data


class Writer:
    """Appends records to a stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.offset = 0

    def write(
        self,
        kind: str,
        date: str,
        fields: Iterable[tuple[str, str]],
        block: Block,
        *,
        record: str = "",
    ) -> Written:
        """Append a record of type `kind`; `fields` stand between the fixed ones, in their order.

        Raises:
            OSError: the disk is full, or a limit.
        """
        record = record or new_id()
        size, digest = block.size, block.sha256
        lines = [
            ("WARC-Type", kind),
            ("WARC-Record-ID", f"<{record}>"),
            ("WARC-Date", date),
            *fields,
            ("WARC-Block-Digest", f"sha256:{digest}"),
            ("Content-Length", str(size)),
        ]
        header = b"".join(
            name.encode("ascii") + b": " + _clean(value) + b"\r\n" for name, value in lines
        )
        start = self.offset
        chunks = block.chunks()
        first = next(chunks, b"")
        packer = zlib.compressobj(_level(first), zlib.DEFLATED, 31)
        self._put(packer.compress(VERSION + b"\r\n" + header + b"\r\n"))
        for chunk in chain((first,), chunks):
            self._put(packer.compress(chunk))
        self._put(packer.compress(b"\r\n\r\n"))
        self._put(packer.flush())
        self._stream.flush()
        return Written(
            record=record, offset=start, length=self.offset - start, bytes=size, sha256=digest
        )

    def _put(self, data: bytes) -> None:
        if data:
            self._stream.write(data)
            self.offset += len(data)


def _level(first: bytes) -> int:
    """Return how hard to pack a block that begins with `first`."""
    probe = first[-_PROBE:]
    if len(probe) < _PROBE:
        return _FAST
    return _STORED if len(zlib.compress(probe, _FAST)) > 0.95 * len(probe) else _FAST


def _clean(value: str) -> bytes:
    """Return a field's value; what would break the line, or is no UTF-8, is percent-encoded."""
    data = value.encode("utf-8", "replace")
    return _CONTROL.sub(lambda found: b"%%%02X" % found[0][0], data)


def new_id() -> str:
    """Return a new WARC-Record-ID, without its angle brackets."""
    return f"urn:uuid:{uuid.uuid4()}"
