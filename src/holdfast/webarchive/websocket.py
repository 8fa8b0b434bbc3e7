"""WebSocket frames (RFC 6455, section 5.2) on their way in one direction: listed, never kept.

Payloads pass through; each frame's place in the stream, and the digest of its payload as its
sender meant it (unmasked, but compressed if it was), are what is told of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

_HEAD = 14


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One frame that has ended, or was cut off."""

    offset: int
    """Of its first byte in the direction's stream."""
    length: int
    """Bytes of its payload, as announced."""
    final: bool
    compressed: bool
    """RSV1: the first frame of a message under permessage-deflate (RFC 7692)."""
    opcode: int
    masked: bool
    sha256: str
    """Of the unmasked payload, as far as it came."""
    whole: bool


@dataclass
class Frames:
    """One direction's frames."""

    at: int = 0
    """Bytes so far."""
    _head: bytearray = field(default_factory=bytearray)
    _size: int = 0
    _left: int = 0
    _length: int = 0
    _mask: bytes = b""
    _start: int = 0
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes; return the frames that end in them."""
        ended: list[Frame] = []
        at = 0
        while at < len(data):
            if self._size and len(self._head) == self._size:
                at = self._payload(data, at)
            else:
                at = self._header(data, at)
            if self._size and len(self._head) == self._size and not self._left:
                ended.append(self._frame(whole=True))
                self._reset()
        return ended

    def close(self) -> list[Frame]:
        """Return the frame that was cut off, if there is one."""
        if not self._head:
            return []
        frame = self._frame(whole=False)
        self._reset()
        return [frame]

    def _header(self, data: bytes, at: int) -> int:
        if not self._head:
            self._start = self.at
        wanted = (self._size or 2) - len(self._head)
        piece = data[at : at + wanted]
        self._head += piece
        self.at += len(piece)
        if len(self._head) == 2 and not self._size:
            code = self._head[1] & 0x7F
            self._size = 2 + {126: 2, 127: 8}.get(code, 0) + (4 if self._head[1] & 0x80 else 0)
        if self._size and len(self._head) == self._size:
            self._open()
        return at + len(piece)

    def _open(self) -> None:
        code = self._head[1] & 0x7F
        extended = {126: 2, 127: 8}.get(code, 0)
        self._length = int.from_bytes(self._head[2 : 2 + extended], "big") if extended else code
        self._left = self._length
        self._mask = bytes(self._head[2 + extended :])

    def _payload(self, data: bytes, at: int) -> int:
        piece = data[at : at + self._left]
        done = self._length - self._left
        self._hash.update(unmask(piece, self._mask, done) if self._mask else piece)
        self._left -= len(piece)
        self.at += len(piece)
        return at + len(piece)

    def _frame(self, *, whole: bool) -> Frame:
        first = self._head[0]
        second = self._head[1] if len(self._head) > 1 else 0
        return Frame(
            offset=self._start,
            length=self._length,
            final=bool(first & 0x80),
            compressed=bool(first & 0x40),
            opcode=first & 0x0F,
            masked=bool(second & 0x80),
            sha256=self._hash.hexdigest(),
            whole=whole,
        )

    def _reset(self) -> None:
        self._head.clear()
        self._size = self._left = self._length = 0
        self._mask = b""
        self._hash = hashlib.sha256()


def unmask(piece: bytes, mask: bytes, offset: int) -> bytes:
    """Return `piece`, which begins `offset` bytes into the payload, without its mask."""
    if not piece:
        return b""
    turned = mask[offset % 4 :] + mask[: offset % 4]
    whole = (turned * (len(piece) // 4 + 1))[: len(piece)]
    number = int.from_bytes(piece, "big") ^ int.from_bytes(whole, "big")
    return number.to_bytes(len(piece), "big")
