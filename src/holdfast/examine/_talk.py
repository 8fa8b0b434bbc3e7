"""A flow between two ends, and who reads what it carries: HTTP, TLS, DNS over TCP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from holdfast.examine import _http, _tls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine._pcap import Frame
    from holdfast.examine._tcp import Half

DNS_PORTS = frozenset({53, 5353, 5355})


@dataclass(frozen=True, slots=True)
class End:
    """One end of a flow."""

    address: bytes
    port: int | None

    def __lt__(self, other: End) -> bool:
        return (self.address, self.port or 0) < (other.address, other.port or 0)


@dataclass
class Flow:
    """What two ends sent one another over one protocol; of TCP one connection."""

    number: int
    """From 0, in the order of their first packets."""
    protocol: int
    ends: tuple[End, End]
    """Who began, as far as it can be told, and the other."""
    first: Frame
    last: int | None
    """Nanoseconds."""
    begun: bool = False
    """Its beginning was seen: a SYN."""
    packets: list[int] = field(default_factory=lambda: [0, 0])
    size: list[int] = field(default_factory=lambda: [0, 0])
    """Bytes of whole frames, as on the wire."""
    payload: list[int] = field(default_factory=lambda: [0, 0])
    flags: list[int] = field(default_factory=lambda: [0, 0])
    """All TCP flags that each side sent."""
    halves: tuple[Half, Half] | None = None
    carries: str = ""
    """`http`, `tls`, `dns`, as far as it was told."""
    early: bool = False
    """It was ended since too many were open."""
    followed: bool = True
    """Its content is still of interest: it may be of a protocol that is read."""

    def flip(self) -> None:
        """Exchange the ends: it was the other who began."""
        self.ends = (self.ends[1], self.ends[0])
        for pair in (self.packets, self.size, self.payload, self.flags):
            pair.reverse()
        if self.halves is not None:
            self.halves = (self.halves[1], self.halves[0])


@dataclass(frozen=True, slots=True)
class Dns:
    """A DNS message."""

    flow: Flow
    direction: int
    frame: Frame
    data: bytes


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An HTTP request with its response, as far as they were seen."""

    flow: Flow
    exchange: _http.Exchange


@dataclass(frozen=True, slots=True)
class Handshake:
    """The start of a TLS connection."""

    flow: Flow
    session: _tls.Session
    frame: Frame
    """The first of it."""
    number: int
    """Of the flow's handshakes, from 1: a tunnel through a proxy is one more."""


Found: TypeAlias = "Flow | Dns | Exchanged | Handshake"


@dataclass
class Talk:
    """What one connection's bytes are, and who reads them."""

    flow: Flow
    store: _http.Store | None
    http: _http.Http | None = None
    tls: _tls.Session | None = None
    frame: Frame | None = None
    dead: bool = False
    """Of no protocol that is read, or read to its end."""
    _held: list[bytes] = field(default_factory=lambda: [b"", b""])
    _shakes: int = 0
    _exchanges: int = 0

    def feed(self, direction: int, data: bytes, frame: Frame) -> Iterator[Found]:
        """Take a side's next bytes; yield what is complete."""
        if self.dead:
            return
        if DNS_PORTS & {end.port for end in self.flow.ends}:
            self.flow.carries = "dns"
            yield from self._dns(direction, data, frame)
            return
        if self.http is None and self.tls is None:
            data = self._held[direction] + data
            self._held[direction] = b""
            if not self._tell(direction, data, frame):
                if len(data) < _http.SHORTEST:
                    self._held[direction] = data
                else:
                    self.dead = True
                return
        if self.http is not None:
            yield from self._http(direction, data, frame)
        elif self.tls is not None:
            self.tls.feed(direction, data)
            if self.tls.done:
                yield from self._shaken()
                self.dead = True

    def gap(self, direction: int, missing: int) -> Iterator[Found]:
        """Take note that bytes are missing."""
        self._held[direction] = b""
        if self.http is not None:
            for exchange in self.http.gap(direction, missing):
                yield Exchanged(self.flow, exchange)
        elif self.tls is not None:
            yield from self._shaken()
            self.dead = True

    def finish(self) -> Iterator[Found]:
        """Yield what is not complete."""
        if self.http is not None:
            for exchange in self.http.finish():
                yield Exchanged(self.flow, exchange)
        yield from self._shaken()
        self.dead = True

    def _tell(self, direction: int, data: bytes, frame: Frame) -> bool:
        """Say whether it can be told by now what this is."""
        asks, answers = _http.METHOD.match(data), _http.RESPONSE.match(data)
        if asks or answers:
            if bool(asks) != (direction == 0):
                return False
            self.http = _http.Http(self.store, count=self._exchanges)
            self.flow.carries = self.flow.carries or "http"
            return True
        if data[:2] == b"\x16\x03" and len(data) >= 3:
            self.tls, self.frame = _tls.Session(), frame
            self._shakes += 1
            self.flow.carries = "tls" if not self.flow.carries else f"{self.flow.carries}, tls"
            return True
        return False

    def _http(self, direction: int, data: bytes, frame: Frame) -> Iterator[Found]:
        http = self.http
        assert http is not None  # noqa: S101
        for exchange in http.feed(direction, data, frame):
            yield Exchanged(self.flow, exchange)
        if not http.over:
            return
        for exchange in http.finish():
            yield Exchanged(self.flow, exchange)
        self.http, self._exchanges = None, http.count
        if not http.tunnel:
            self.dead = True
        elif http.rest:
            yield from self.feed(1, http.rest, frame)

    def _shaken(self) -> Iterator[Found]:
        if self.tls is not None and self.frame is not None and (self.tls.client or self.tls.server):
            yield Handshake(self.flow, self.tls, self.frame, self._shakes)
        self.tls = None

    def _dns(self, direction: int, data: bytes, frame: Frame) -> Iterator[Found]:
        """Yield messages over TCP: two bytes of length, then the message (RFC 1035, 4.2.2)."""
        data = self._held[direction] + data
        while len(data) >= 2 and len(data) - 2 >= (length := int.from_bytes(data[:2], "big")):
            yield Dns(self.flow, direction, frame, data[2 : 2 + length])
            data = data[2 + length :]
        self._held[direction] = data
