"""IP and TCP headers (RFC 791, 8200, 9293), and the two streams of bytes of each connection.

Only what a passive witness needs: where a segment's bytes belong. Checksums are not judged: a
kernel shows packets that go out before it has computed them.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field

SYN, FIN, RST, ACK = 2, 1, 4, 16
_TCP = 6
_HALF = 1 << 31
_WHOLE = 1 << 32
HELD = 32 << 20
"""Bytes of a direction that may wait for what comes before them."""


@dataclass(frozen=True)
class Segment:
    """A TCP segment."""

    source: tuple[str, int]
    target: tuple[str, int]
    sequence: int
    flags: int
    data: bytes
    missing: int = 0
    """Bytes that the packet had and the capture has not."""


def segment(packet: bytes) -> Segment | None:
    """Return the TCP segment in an IP packet; None where there is none, or a part of one."""
    try:
        return _ipv4(packet) if packet[0] >> 4 == 4 else _ipv6(packet)
    except (IndexError, struct.error, ValueError):
        return None


def _ipv4(packet: bytes) -> Segment | None:
    size = (packet[0] & 15) * 4
    total, fragment = struct.unpack_from(">H2xH", packet, 2)
    if packet[9] != _TCP or fragment & 0x3FFF:
        return None
    # A packet that the hardware is to split may be too long for the field.
    return _tcp(packet, size, total or len(packet), packet[12:16], packet[16:20])


def _ipv6(packet: bytes) -> Segment | None:
    if packet[0] >> 4 != 6 or packet[6] != _TCP:
        return None
    total = 40 + int(struct.unpack_from(">H", packet, 4)[0])
    return _tcp(packet, 40, total, packet[8:24], packet[24:40])


def _tcp(packet: bytes, at: int, total: int, source: bytes, target: bytes) -> Segment:
    source_port, target_port, sequence, _, offset, flags = struct.unpack_from(">HHIIBB", packet, at)
    start = at + (offset >> 4) * 4
    data = packet[start:total]
    return Segment(
        (str(ipaddress.ip_address(source)), source_port),
        (str(ipaddress.ip_address(target)), target_port),
        sequence, flags, data, max(0, total - start - len(data)),
    )  # fmt: skip


@dataclass
class Stream:
    """One direction of a connection, put in order."""

    next: int | None = None
    """The sequence number that comes next; None before the SYN."""
    ended: bool = False
    gap: bool = False
    """Something is missing that did not come; nothing after it is given."""
    _waiting: dict[int, bytes] = field(default_factory=dict)
    _held: int = 0
    _last: int | None = None
    """The sequence number of the FIN."""

    def take(self, one: Segment) -> bytes:
        """Take a segment; return the bytes that are in order with it."""
        sequence = one.sequence
        if one.flags & SYN:
            self.next = (sequence + 1) % _WHOLE
            return b""
        if self.next is None:  # the beginning was missed: nothing can be told of what follows
            self.gap = True
        if one.missing:
            self.gap = True
        if self.gap or self.next is None:
            return b""
        if one.data:
            known = self._waiting.get(sequence, b"")
            if len(one.data) > len(known):
                self._held += len(one.data) - len(known)
                self._waiting[sequence] = one.data
        if self._held > HELD:
            self.gap = True
            self._waiting.clear()
            return b""
        ready = self._ready()
        if one.flags & FIN:
            self._last = (sequence + len(one.data)) % _WHOLE
        self.ended = self.next == self._last
        return ready

    def close(self) -> None:
        """Hear that nothing more comes."""
        if self._waiting:
            self.gap = True

    def _ready(self) -> bytes:
        found = []
        for sequence in sorted(self._waiting, key=self._ahead):
            ahead = self._ahead(sequence)
            if ahead > 0:
                break
            data = self._waiting.pop(sequence)
            self._held -= len(data)
            fresh = data[-ahead:] if ahead else data
            found.append(fresh)
            self.next = ((self.next or 0) + len(fresh)) % _WHOLE
        return b"".join(found)

    def _ahead(self, sequence: int) -> int:
        """Return by how much `sequence` is ahead of what comes next; negative: it was there."""
        return (sequence - (self.next or 0) + _HALF) % _WHOLE - _HALF
