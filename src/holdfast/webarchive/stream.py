"""The bytes of an archive, unfolded from gzip where they are, with their place in the file kept.

A gzip archive is members, and a record should fill one. So a read never crosses the end of a
member: who reads can tell where each began. What is damaged is told as trouble and stepped over,
to the next place where a member begins.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

CHUNK = 1 << 16
MAGIC = b"\x1f\x8b\x08"
_WINDOW = 1 << 13


class Stream:
    """Reads forward only; `at` counts uncompressed bytes, `offset` is a place in the file."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._in = raw.read(CHUNK)
        self._next = 0
        self._taken = 0
        """Compressed bytes before `_in`; `_next` counts on from there."""
        self.zipped = self._in[:3] == MAGIC
        self.at = 0
        self.offset = 0
        """Where in the file the current member, or the next byte of a plain file, lies."""
        self.members = 0
        self.last = 0
        """Which member the last byte read was of, from 1; 0 in a plain file."""
        self.trouble: list[tuple[str, int, str]] = []
        """(rule, offset in the file, detail), for the reader to take."""
        self._out = b""
        self._pos = 0
        self._inflater: zlib._Decompress | None = None
        self._member_at = 0

    def fresh(self) -> bool:
        """Say whether the next byte is the first of a gzip member (or the file is plain)."""
        if not self.zipped:
            return True
        self._fill()
        return self._member_at == self.at

    def consumed(self) -> int:
        """Return how many bytes of the file were taken so far."""
        return self._taken + self._next if self.zipped else self.offset

    def peek(self, size: int) -> bytes:
        """Return up to `size` next bytes (at most 64 KiB) without taking them; fewer at the end.

        Unlike `read`, it may look across the end of a member.
        """
        self._fill()
        if self.zipped:
            return self._out[self._pos : self._pos + size]
        while len(self._out) - self._pos < size and self._more_plain():
            pass
        return self._out[self._pos : self._pos + size]

    def read(self, size: int) -> bytes:
        """Return 1 to `size` bytes of one member; empty at the end."""
        self._fill()
        piece = self._out[self._pos : self._pos + size]
        self._pos += len(piece)
        self.at += len(piece)
        self.last = self.members
        if not self.zipped:
            self.offset += len(piece)
        return piece

    def line(self, limit: int) -> bytes:
        """Return a line with its end, or the first `limit` bytes of a longer one."""
        found = b""
        while len(found) < limit:
            self._fill()
            if self._pos == len(self._out):
                break
            stop = self._out.find(b"\n", self._pos, self._pos + limit - len(found))
            found += self.read(limit - len(found) if stop < 0 else stop + 1 - self._pos)
            if stop >= 0:
                break
        return found

    def _fill(self) -> None:
        """Have at least one byte ready, unless the file has ended."""
        while self._pos == len(self._out):
            self._out, self._pos = b"", 0
            if not self.zipped:
                if not self._more_plain():
                    return
            elif not self._more_unzipped():
                return

    def _more_plain(self) -> bool:
        more = self._in or self._raw.read(CHUNK)
        self._in = b""
        self._out = self._out[self._pos :] + more
        self._pos = 0
        return bool(more)

    def _feed(self) -> bool:
        """Have compressed bytes at hand; return whether there are any."""
        if self._next == len(self._in):
            self._taken += self._next
            self._in, self._next = self._raw.read(CHUNK), 0
        return self._next < len(self._in)

    def _feed_more(self) -> bool:
        """Have more compressed bytes at hand than now; return whether there were more."""
        more = self._raw.read(CHUNK)
        self._taken += self._next
        self._in, self._next = self._in[self._next :] + more, 0
        return bool(more)

    def _more_unzipped(self) -> bool:
        """Unfold some more; return whether there may be more still."""
        if self._inflater is None and not self._begin():
            return False
        inflater = self._inflater
        assert inflater is not None  # noqa: S101
        if not self._feed():
            self.trouble.append(("gzip.cut", self.offset, "the file ends inside a gzip member"))
            self._inflater = None
            return False
        given = self._in[self._next : self._next + _WINDOW]
        try:
            self._out = inflater.decompress(given, CHUNK)
        except zlib.error as error:
            self.trouble.append(("gzip.damaged", self.offset, _plain(error)))
            self._inflater = None
            # zlib does not say how far it came: look for the next member in what it was given.
            self._next += 1
            self._to_magic()
            return True
        left = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        self._next += len(given) - len(left)
        if inflater.eof:
            self._inflater = None
        return True

    def _begin(self) -> bool:
        if not self._feed():
            return False
        while len(self._in) - self._next < len(MAGIC) and self._feed_more():
            pass
        if self._in[self._next : self._next + len(MAGIC)] != MAGIC:
            began = self._taken + self._next
            zeros = self._to_magic()
            skipped = self._taken + self._next - began
            what = "zero bytes" if zeros else "bytes"
            self.trouble.append(("gzip.stray", began, f"{skipped} {what} that are no gzip member"))
            if not self._feed():
                return False
        self.offset = self._taken + self._next
        self.members += 1
        self._member_at = self.at
        self._inflater = zlib.decompressobj(31)
        return True

    def _to_magic(self) -> bool:
        """Step to where a member may begin, or to the end; return whether only zeros "
        "were passed."""
        zeros = True
        while (found := self._in.find(MAGIC, self._next)) < 0:
            stop = max(self._next, len(self._in) - len(MAGIC) + 1)
            zeros = zeros and not self._in[self._next : stop].strip(b"\0")
            self._next = stop
            if not self._feed_more():
                zeros = zeros and not self._in[self._next :].strip(b"\0")
                self._next = len(self._in)
                return zeros
        zeros = zeros and not self._in[self._next : found].strip(b"\0")
        self._next = found
        return zeros


def _plain(error: zlib.error) -> str:
    """Return zlib's reason without its number."""
    return str(error).rpartition(": ")[2]
