"""What is secret in a body, through its chunks and its content coding.

What can't be looked into is taken whole: a body that is damaged, cut off, or coded in a way that
is not known here. A gzip body is packed again without its secrets where that fits its length.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from holdfast.webarchive.decoding import DecodingError, decoded
from holdfast.webarchive.redaction.values import Span, apply, merge

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.webarchive.redaction.finding import Head

    Find = Callable[[bytes], list[Span]]

KNOWN = frozenset({"", "identity", "gzip", "x-gzip", "deflate", "br", "zstd"})
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[^\n]*\n")
_PLAIN_HEADER = 10
_COMMENT = 0x10
"""gzip's flag for a comment, which ends in a NUL: it fills what is left of the length."""


def segments(body: bytes) -> tuple[list[tuple[int, int]], int, bool]:
    """Return where the data of a chunked body's chunks stand, where what follows them begins, and
    whether it ends as it should.
    """
    found: list[tuple[int, int]] = []
    at = 0
    while True:
        line = _SIZE.match(body, at)
        if line is None:
            return found, min(at, len(body)), False
        size = int(line[1], 16)
        at = line.end()
        if not size:
            return found, at, True
        found.append((at, min(size, len(body) - at)))
        at += size
        if at > len(body):
            return found, len(body), False
        at += 2 if body[at : at + 2] == b"\r\n" else 1


class Body:
    """A message's body: its payload, and how places in that are places in the message."""

    def __init__(self, block: bytes, head: Head, *, synthesised: bool) -> None:
        self._start = head.length
        self._body = block[head.length :]
        coding = head.value(block, b"transfer-encoding").lower()
        self.chunked = b"chunked" in coding and not synthesised
        self._segments, self._rest, self._sound = [(0, len(self._body))], len(self._body), True
        if self.chunked:
            self._segments, self._rest, self._sound = segments(self._body)
        self.payload = b"".join(self._body[a : a + n] for a, n in self._segments)
        encoding = head.value(block, b"content-encoding").decode("latin-1").lower()
        self._codings = [one.strip() for one in encoding.split(",")]
        self.kind = head.value(block, b"content-type").lower()
        self.text: bytes | None = None
        """With its content coding undone; None where that can't be done."""
        if not self.coded:
            self.text = self.payload
        elif self._sound and set(self._codings) <= KNOWN:
            try:
                self.text = b"".join(decoded([self.payload], encoding))
            except DecodingError:
                self.text = None

    @property
    def coded(self) -> bool:
        """Say whether it says to have a content coding."""
        return bool(set(self._codings) - {"", "identity"})

    def ranges(self) -> list[tuple[int, int]]:
        """Return where, in the message, bytes stand that are no chunks' framing, and not packed."""
        found = [(self._rest, len(self._body))] if self.chunked else []
        if not self.coded:
            found += [(start, start + length) for start, length in self._segments]
        return [(self._start + start, self._start + end) for start, end in found]

    def spans(self, find: Find) -> list[Span]:
        """Return what is taken of the message, given what finds secrets in plain bytes."""
        if not self.payload:
            return []
        if self.text is None:
            return self._placed([Span(0, len(self.payload), "body")])
        found = merge(find(self.text))
        if not self.coded or self.text == self.payload:
            return self._placed(found)
        if not found:
            return []
        packed = self._packed(apply(self.text, found))
        return self._placed([Span(0, len(self.payload), "body", packed)])

    def _packed(self, text: bytes) -> bytes:
        """Return `text` as gzip of the payload's very length; empty where it can't be."""
        if [one for one in self._codings if one] not in (["gzip"], ["x-gzip"]):
            return b""
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        made = packer.compress(text) + packer.flush()
        room = len(self.payload) - len(made)
        if room == 0:
            return made
        if room < 0:
            return b""
        head = bytes([*made[:3], _COMMENT, *made[4:_PLAIN_HEADER]])
        return head + b" " * (room - 1) + b"\0" + made[_PLAIN_HEADER:]

    def _placed(self, spans: list[Span]) -> list[Span]:
        """Return spans of the payload as spans of the message."""
        placed = []
        at = 0
        for start, length in self._segments:
            for span in spans:
                first, last = max(span.offset, at), min(span.end, at + length)
                if first < last:
                    instead = span.instead[first - span.offset : last - span.offset]
                    where = self._start + start + first - at
                    placed.append(Span(where, last - first, span.kind, instead))
            at += length
        return placed
