"""HTTP/1 as it was sent over one connection: requests, the responses to them, their bodies.

Where a message ends is told by the machine that web captures use (RFC 9112). Bodies go to a file
of the reader's own, where one is given (`Store`); they are never held in memory.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.webarchive.http1 import Message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from holdfast.examine._pcap import Frame

HEAD = 1 << 15
"""Bytes of one head that are kept."""
WAITING = 256
"""Requests without a response that are kept for one connection."""
METHOD = re.compile(
    rb"(?:GET|POST|HEAD|PUT|DELETE|OPTIONS|CONNECT|TRACE|PATCH|PROPFIND|PROPPATCH|MKCOL|COPY|MOVE"
    rb"|LOCK|UNLOCK|REPORT|SEARCH|SUBSCRIBE|NOTIFY|PRI) "
)
RESPONSE = re.compile(rb"HTTP/1\.[01] \d{3}")
SHORTEST = 12
"""Bytes by which a message is told, at most."""
_STEP = 1 << 18


class Store:
    """Bytes of bodies, in one file; each body is a list of places in it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._end = file, 0

    def add(self, places: list[tuple[int, int]], data: bytes) -> None:
        """Put `data` behind what `places` name."""
        self._file.seek(self._end)
        self._file.write(data)
        if places and sum(places[-1]) == self._end:
            places[-1] = (places[-1][0], places[-1][1] + len(data))
        else:
            places.append((self._end, len(data)))
        self._end += len(data)

    def read(self, places: list[tuple[int, int]]) -> Iterator[bytes]:
        """Yield a body's bytes."""
        for start, length in places:
            at, end = start, start + length
            while at < end:
                self._file.seek(at)
                piece = self._file.read(min(_STEP, end - at))
                if not piece:
                    return
                at += len(piece)
                yield piece


@dataclass
class Half:
    """A request or a response."""

    message: Message
    frame: Frame
    """The frame that it begins in."""
    places: list[tuple[int, int]] = field(default_factory=list)
    missing: int = 0
    """Bytes of it that were not captured."""

    @property
    def body_length(self) -> int:
        """Bytes of its body, as sent."""
        return self.message.length - self.message.head_length

    def first(self, name: bytes) -> str | None:
        """Return the first value of a field as text."""
        head = self.message.head
        found = head.values(name) if head is not None else []
        return found[0].decode("utf-8", "backslashreplace") if found else None


@dataclass
class Exchange:
    """A request and its response, either of which may not be there."""

    number: int
    request: Half | None = None
    response: Half | None = None
    whole: bool = False
    """Nothing more of it is expected."""


@dataclass
class Http:
    """One connection's messages, fed in the order in which they were captured."""

    store: Store | None = None
    over: bool = False
    """No HTTP any more: it was upgraded, or it can't be read as HTTP."""
    rest: bytes = b""
    """When it was upgraded: what the server sent of the next protocol in that same segment."""
    tunnel: bool = False
    """A CONNECT has succeeded: what follows is a connection of its own."""
    count: int = 0
    """Exchanges so far; those of a tunnel go on counting."""
    _waiting: deque[Exchange] = field(default_factory=deque)
    _now: list[Exchange | None] = field(default_factory=lambda: [None, None])
    _lost: list[bool] = field(default_factory=lambda: [False, False])
    """Bytes are missing, and no message has begun since."""
    _held: list[bytes] = field(default_factory=lambda: [b"", b""])

    def feed(self, direction: int, data: bytes, frame: Frame) -> Iterator[Exchange]:
        """Take a side's next bytes; yield exchanges that are complete."""
        data = self._held[direction] + data
        self._held[direction] = b""
        at = 0
        while at < len(data) and not self.over:
            exchange = self._now[direction]
            if exchange is None:
                if self._undecided(direction, data, at):
                    return
                exchange = self._begin(direction, frame)
            half = exchange.request if direction == 0 else exchange.response
            assert half is not None  # noqa: S101 - made by _begin
            at = self._take(half, data, at)
            if half.message.head is None and half.message.length > HEAD:
                self.over = True
                return
            if half.message.done:
                yield from self._ended(direction, exchange, data[at:])

    def gap(self, direction: int, missing: int) -> Iterator[Exchange]:
        """Take note that bytes of a side were not captured: its message ends there."""
        self._lost[direction], self._held[direction] = True, b""
        exchange = self._now[direction]
        if exchange is None:
            return
        half = exchange.request if direction == 0 else exchange.response
        assert half is not None  # noqa: S101
        half.missing += missing
        self._now[direction] = None
        if direction == 1:
            exchange.whole = True
            yield exchange

    def finish(self) -> Iterator[Exchange]:
        """Yield what is not complete."""
        answering = self._now[1]
        self._now = [None, None]
        if answering is not None:
            yield answering
        while self._waiting:
            yield self._waiting.popleft()

    def _undecided(self, direction: int, data: bytes, at: int) -> bool:
        """Say whether no message begins here; if it can't, the connection is given up."""
        if (METHOD if direction == 0 else RESPONSE).match(data, at):
            self._lost[direction] = False
            self.over = direction == 0 and len(self._waiting) >= WAITING
            return self.over
        if self._lost[direction]:
            return True
        if len(data) - at < SHORTEST:
            self._held[direction] = data[at:]
        else:
            self.over = True
        return True

    def _begin(self, direction: int, frame: Frame) -> Exchange:
        if direction == 0:
            self.count += 1
            exchange = Exchange(self.count, request=Half(Message(request=True), frame))
            self._waiting.append(exchange)
        else:
            if self._waiting:
                exchange = self._waiting.popleft()
            else:
                self.count += 1
                exchange = Exchange(self.count)
            method = exchange.request.message.method if exchange.request else "GET"
            exchange.response = Half(Message(request=False, method=method), frame)
        self._now[direction] = exchange
        return exchange

    def _take(self, half: Half, data: bytes, at: int) -> int:
        message = half.message
        before = message.length
        end = message.feed(data, at)
        if self.store is not None and (message.head_length or message.fault):
            start = at + max(0, message.head_length - before)
            if start < end:
                self.store.add(half.places, data[start:end])
        return end

    def _ended(self, direction: int, exchange: Exchange, rest: bytes) -> Iterator[Exchange]:
        self._now[direction] = None
        if direction == 0:
            return
        assert exchange.response is not None  # noqa: S101
        message = exchange.response.message
        if message.interim:
            exchange.response = None
            self._waiting.appendleft(exchange)
            return
        exchange.whole = True
        if message.upgrade:
            self.over, self.rest = True, rest
            self.tunnel = message.status != 101
        yield exchange
