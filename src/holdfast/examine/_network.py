"""A capture as conversations: flows, and what of DNS, HTTP and TLS they carry in the clear.

One passage over the frames, in their order, with a bound on everything that is kept: the flows
open at one time, those whose content is followed, what waits for a gap. The parser and the opener
both take this passage, so the numbers of flows and exchanges are the same to both.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.examine import _http
from holdfast.examine._packet import (
    PROTOCOLS,
    TCP,
    UDP,
    Fragments,
    MalformedError,
    UnsupportedError,
    packet,
)
from holdfast.examine._talk import DNS_PORTS, Dns, End, Flow, Found, Talk
from holdfast.examine._tcp import Half, Room

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine._packet import Packet
    from holdfast.examine._pcap import Capture, Frame

FLOWS = 16_384
"""Flows that are open at one time; with more, the one that was silent for longest is ended."""
TALKS = 4096
"""Connections whose content is followed at one time."""
_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_WELL_KNOWN = 1024


@dataclass
class Sums:
    """What became of the frames: seen = parsed + unsupported + failed."""

    seen: int = 0
    parsed: int = 0
    failed: int = 0
    unsupported: Counter[str] = field(default_factory=Counter)
    cut: int = 0
    """Frames that were captured only in part."""
    size: int = 0
    first: Frame | None = None
    last: Frame | None = None
    early: int = 0
    """Flows that were ended since too many were open."""
    unfollowed: int = 0
    """Connections whose content was not followed to the end for that reason."""


class Walk:
    """One passage through a capture."""

    def __init__(self, capture: Capture, store: _http.Store | None = None) -> None:
        self.capture, self.sums, self.fragments = capture, Sums(), Fragments()
        self.failures: Counter[str] = Counter()
        """Reasons of frames that failed, and of how many."""
        self._store = store
        self._flows: OrderedDict[tuple[int, End, End], Flow] = OrderedDict()
        self._talks: OrderedDict[int, Talk] = OrderedDict()
        self._room = Room()
        self._count = 0
        self._over: list[Flow] = []

    def found(self) -> Iterator[Found]:
        """Yield what the frames hold, in the order in which it is complete; flows when they end."""
        sums = self.sums
        for frame in self.capture.frames():
            sums.seen += 1
            sums.size += frame.size
            sums.cut += len(frame.data) < frame.size
            sums.first = sums.first or frame
            sums.last = frame
            try:
                one = packet(frame, self.fragments)
                if one is not None:
                    sums.parsed += one.frames
                    yield from self._packet(one, frame)
            except UnsupportedError as kind:
                sums.unsupported[str(kind)] += 1
            except MalformedError as error:
                sums.failed += 1
                self.failures[str(error)] += 1
        self.fragments.finish()
        if self.fragments.lost:
            sums.failed += self.fragments.lost
            self.failures["a fragment of a datagram that is not whole"] += self.fragments.lost
        while self._flows:
            yield from self._end(self._flows.popitem(last=False)[1])

    def _packet(self, one: Packet, frame: Frame) -> Iterator[Found]:
        data, sport, dport, header = one.payload, None, None, 0
        flags = sequence = 0
        if one.protocol in {TCP, UDP} and len(data) >= 8:
            sport, dport = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
            header = 8
            if one.protocol == TCP and len(data) >= 20:
                header = (data[12] >> 4) * 4
                flags, sequence = data[13], int.from_bytes(data[4:8], "big")
        source, target = End(one.source, sport), End(one.target, dport)
        flow, direction = self._flow(
            one.protocol, source, target, frame=frame, flags=flags, sequence=sequence
        )
        while self._over:
            yield from self._end(self._over.pop())
        flow.packets[direction] += one.frames
        flow.size[direction] += frame.size + one.wire
        flow.last = frame.time
        payload = data[header:] if header >= 8 else b""
        if one.protocol == UDP:
            payload = payload[: max(0, int.from_bytes(data[4:6], "big") - 8)]
            flow.payload[direction] += len(payload)
            if DNS_PORTS & {sport, dport} and payload and not one.cut:
                flow.carries = "dns"
                yield Dns(flow, direction, frame, payload)
        elif one.protocol == TCP and header >= 20:
            yield from self._segment(
                flow, direction, payload, frame=frame, flags=flags, sequence=sequence
            )
        elif one.protocol not in {TCP, UDP}:
            flow.payload[direction] += len(data)
        if len(self._flows) > FLOWS:
            _, old = self._flows.popitem(last=False)
            old.early = True
            self.sums.early += 1
            yield from self._end(old)

    def _flow(
        self, protocol: int, source: End, target: End, *, frame: Frame, flags: int, sequence: int
    ) -> tuple[Flow, int]:
        """Return the flow of a packet, and which way it goes in it."""
        key = (protocol, *((source, target) if source < target else (target, source)))
        flow = self._flows.get(key)
        opens = flags & (_SYN | _ACK) == _SYN
        if flow is not None and opens and flow.halves is not None:
            half = flow.halves[0 if source == flow.ends[0] else 1]
            if half.begun and half.initial != sequence:
                # Another connection between the same ports.
                self._over.append(self._flows.pop(key))
                flow = None
        if flow is None:
            ends = (source, target)
            if flags & (_SYN | _ACK) == _SYN | _ACK or _answers(source, target, flags):
                ends = (target, source)
            flow = Flow(self._count, protocol, ends, frame, frame.time)
            self._count += 1
            if protocol == TCP:
                flow.halves = (Half(self._room), Half(self._room))
            self._flows[key] = flow
        else:
            self._flows.move_to_end(key)
        return flow, 0 if source == flow.ends[0] else 1

    def _segment(
        self,
        flow: Flow,
        direction: int,
        payload: bytes,
        *,
        frame: Frame,
        flags: int,
        sequence: int,
    ) -> Iterator[Found]:
        assert flow.halves is not None  # noqa: S101 - made for TCP
        half = flow.halves[direction]
        flow.flags[direction] |= flags
        flow.payload[direction] += len(payload)
        if flags & _SYN:
            flow.begun = True
            half.syn(sequence)
            sequence = (sequence + 1) % (1 << 32)
        if payload:
            if flow.number not in self._talks and flow.followed and not flow.begun:
                begun_by = _begins(payload)
                if begun_by is not None and begun_by != (direction == 0):
                    flow.flip()
                    half, direction = flow.halves[1 - direction], 1 - direction
            for found, came in half.feed(sequence, payload, frame):
                yield from self._told(flow, direction, found, came)
        if flags & _FIN:
            half.finished = True

    def _told(
        self, flow: Flow, direction: int, found: bytes | int, frame: Frame
    ) -> Iterator[Found]:
        """Hand a side's next bytes, or the news that some are missing, to who reads them."""
        if not flow.followed:
            return
        talk = self._talks.get(flow.number)
        if talk is None:
            if len(self._talks) >= TALKS:
                _, old = self._talks.popitem(last=False)
                old.flow.followed = False
                self.sums.unfollowed += 1
                yield from old.finish()
            talk = self._talks[flow.number] = Talk(flow, self._store)
        else:
            self._talks.move_to_end(flow.number)
        if isinstance(found, int):
            yield from talk.gap(direction, found)
        else:
            yield from talk.feed(direction, found, frame)
        if talk.dead:
            flow.followed = False
            del self._talks[flow.number]

    def _end(self, flow: Flow) -> Iterator[Found]:
        for direction, half in enumerate(flow.halves or ()):
            for found, frame in half.finish():
                yield from self._told(flow, direction, found, frame)
        talk = self._talks.pop(flow.number, None)
        if talk is not None:
            yield from talk.finish()
        yield flow


def _begins(payload: bytes) -> bool | None:
    """Say whether who sent this is the one who began; None where it can't be told."""
    if _http.METHOD.match(payload):
        return True
    if _http.RESPONSE.match(payload):
        return False
    if payload[:2] == b"\x16\x03" and len(payload) > 5 and payload[5] in {1, 2}:
        return payload[5] == 1
    return None


def _answers(source: End, target: End, flags: int) -> bool:
    """Say whether a flow whose beginning was not seen looks as if the sender were the server."""
    if flags & _SYN or source.port is None or target.port is None:
        return False
    return source.port < _WELL_KNOWN <= target.port


def protocol_name(number: int) -> str:
    """Return an IP protocol's name."""
    return PROTOCOLS.get(number, f"ip-{number}")
