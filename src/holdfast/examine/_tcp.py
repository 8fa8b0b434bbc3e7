"""One direction of a TCP connection: its bytes in order, whatever order they were captured in.

Source: RFC 9293. Bytes that come twice count once, those that came first; where the second copy
differs from the first as far as that is still known, it is counted, since that is how a stream is
shown differently to two readers. Bytes that never come are a gap, which is told. What waits for
a gap to close is bounded, for one direction and for all together.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine._pcap import Frame

WAITING = 1 << 20
"""Bytes behind a gap that one direction keeps."""
ALL_WAITING = 64 << 20
"""Bytes behind gaps that all directions keep together."""
SEGMENTS = 4096
"""Segments behind a gap that one direction keeps."""
_AWAY = 1 << 26
"""A sequence number that is farther away belongs to no window: it is not of this stream."""
_WRAP, _HALF = 1 << 32, 1 << 31

Ordered: TypeAlias = "tuple[bytes | int, Frame]"
"""Bytes that are next, or how many are missing; and the frame that these bytes came in."""


@dataclass
class Room:
    """What all directions keep together."""

    used: int = 0


@dataclass(slots=True)
class Half:
    """One direction of one connection."""

    room: Room
    begun: bool = False
    """Its first byte is known: a SYN was seen, or else the first segment captured."""
    initial: int | None = None
    """The SYN's sequence number."""
    finished: bool = False
    """A FIN was seen."""
    position: int = 0
    """Bytes of the stream so far, the missing ones too."""
    resent: int = 0
    """Bytes that came again."""
    differing: int = 0
    """Bytes that came again and were others."""
    missing: int = 0
    """Bytes that never came."""
    strange: int = 0
    """Segments whose sequence number is far from the stream."""
    _next: int = 0
    _last: bytes = b""
    _heap: list[tuple[int, int, bytes, Frame]] = field(default_factory=list)
    _held: int = 0
    _count: int = 0

    def syn(self, sequence: int) -> None:
        """Take a SYN: the stream begins behind it."""
        if not self.begun:
            self.begun, self.initial, self._next = True, sequence, (sequence + 1) % _WRAP

    def feed(self, sequence: int, payload: bytes, frame: Frame) -> Iterator[Ordered]:
        """Take a segment; yield bytes that are now in order, and as a number how many miss."""
        if not self.begun:
            self.begun, self._next = True, sequence
        ahead = (sequence - self._next + _HALF) % _WRAP - _HALF
        if abs(ahead) > _AWAY:
            self.strange += 1
            return
        if ahead > 0:
            self._keep(self.position + ahead, payload, frame)
            while self._held > WAITING or len(self._heap) > SEGMENTS or (
                self.room.used > ALL_WAITING and self._heap
            ):  # fmt: skip
                yield from self._over_gap()
            return
        yield from self._deliver(self.position + ahead, payload, frame)
        yield from self._ready()

    def finish(self) -> Iterator[Ordered]:
        """Yield what waits behind gaps, and forget it."""
        while self._heap:
            yield from self._over_gap()

    def _keep(self, position: int, payload: bytes, frame: Frame) -> None:
        heapq.heappush(self._heap, (position, self._count, payload, frame))
        self._count += 1
        self._held += len(payload)
        self.room.used += len(payload)

    def _take(self) -> tuple[int, bytes, Frame]:
        position, _, payload, frame = heapq.heappop(self._heap)
        self._held -= len(payload)
        self.room.used -= len(payload)
        return position, payload, frame

    def _ready(self) -> Iterator[Ordered]:
        while self._heap and self._heap[0][0] <= self.position:
            yield from self._deliver(*self._take())

    def _over_gap(self) -> Iterator[Ordered]:
        gap = self._heap[0][0] - self.position
        if gap > 0:
            self.missing += gap
            self._advance(gap)
            self._last = b""
            yield gap, self._heap[0][3]
        yield from self._ready()

    def _deliver(self, position: int, payload: bytes, frame: Frame) -> Iterator[Ordered]:
        """Take bytes that begin at or before where the stream is."""
        before = self.position - position
        if before > 0:
            again = payload[:before]
            self.resent += len(again)
            self._compare(position, again)
            payload = payload[before:]
        if payload:
            self._advance(len(payload))
            self._last = payload
            yield payload, frame

    def _compare(self, position: int, again: bytes) -> None:
        """Hold bytes that came again to the last segment, which alone is still at hand."""
        start = self.position - len(self._last)
        skipped = max(0, start - position)
        second = again[skipped:]
        first = self._last[max(0, position - start) :][: len(second)]
        if first != second[: len(first)]:
            self.differing += sum(a != b for a, b in zip(first, second, strict=False))

    def _advance(self, count: int) -> None:
        self.position += count
        self._next = (self._next + count) % _WRAP
