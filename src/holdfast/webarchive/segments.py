"""IP and TCP headers made for bytes that a relay copied (RFC 791, 8200, 9293).

They stand for packets that nobody wrote down: who makes them has to say so.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

from holdfast.webarchive.packets import ACK, FIN, SYN

MOST = 32 << 10
"""Bytes in one segment."""
_PUSH = 8
_WINDOW = 65535


@dataclass
class Made:
    """A connection's packets, in the order in which they are asked for."""

    ours: tuple[str, int]
    theirs: tuple[str, int]

    def __post_init__(self) -> None:
        self._addresses = [ipaddress.ip_address(one[0]) for one in (self.ours, self.theirs)]
        self._next = [0, 0]

    def opened(self) -> list[bytes]:
        """Return a handshake."""
        first = self._packet(0, SYN)
        self._next[0] = 1
        second = self._packet(1, SYN | ACK)
        self._next[1] = 1
        return [first, second, self._packet(0, ACK)]

    def passed(self, data: bytes, *, up: bool) -> list[bytes]:
        """Return bytes of one direction, in as many packets as they need."""
        side, found = (0 if up else 1), []
        for at in range(0, len(data), MOST):
            piece = data[at : at + MOST]
            found.append(self._packet(side, ACK | _PUSH, piece))
            self._next[side] = (self._next[side] + len(piece)) & 0xFFFFFFFF
        return found

    def closed(self) -> list[bytes]:
        """Return the goodbyes of both sides."""
        found = []
        for side in (0, 1):
            found.append(self._packet(side, FIN | ACK))
            self._next[side] = (self._next[side] + 1) & 0xFFFFFFFF
        return found

    def _packet(self, side: int, flags: int, data: bytes = b"") -> bytes:
        ports = (self.ours[1], self.theirs[1])
        source, target = self._addresses[side], self._addresses[1 - side]
        head = struct.pack(
            ">HHIIBBHHH", ports[side], ports[1 - side], self._next[side],
            self._next[1 - side] if flags & ACK else 0, 5 << 4, flags, _WINDOW, 0, 0,
        )  # fmt: skip
        size = len(head) + len(data)
        pseudo = source.packed + target.packed + struct.pack(">IHH", size, 0, 6)
        checksum = _checksum(pseudo + head + data)
        segment = head[:16] + struct.pack(">H", checksum) + head[18:] + data
        if source.version == 6:
            ip = struct.pack(">IHBB", 6 << 28, size, 6, 64) + source.packed + target.packed
            return ip + segment
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0x4000, 64, 6, 0)
        ip += source.packed + target.packed
        return ip[:10] + struct.pack(">H", _checksum(ip)) + ip[12:] + segment


def _checksum(data: bytes) -> int:
    """Return the internet checksum (RFC 1071): the sum of words, modulo 65535, turned over."""
    data += bytes(len(data) % 2)
    total = int.from_bytes(data, "big") % 0xFFFF
    return 0xFFFF - total if total else 0
