"""Exchanges: each request that the browser began, what went over the wire for it, and its record.

An `Exchange` gathers; the `Book` numbers exchanges in the order in which they began, finds the one
that a connection is carrying, and writes each as soon as nothing more can come.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holdfast.core import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.webarchive.http1 import Head
    from holdfast.webarchive.spool import Spool

ABORTED = -3
"""ERR_ABORTED: given up by whoever asked."""


@dataclass
class Part:
    """A message on its way: its bytes, and how they end."""

    spool: Spool
    began: int
    """Microseconds since the epoch."""
    head: Head | None = None
    head_length: int = 0
    whole: bool = False
    """It ended as its own framing says."""
    until_close: bool = False
    """Its framing says that the connection's end is its own."""
    fault: str = ""
    payload: str | None = None
    """SHA-256 of the payload."""
    payload_hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    chunked: bool = False
    surplus: int = 0
    """Bytes that came after its end and belong to no other message."""
    status: int | None = None
    trailers: tuple[tuple[bytes, bytes], ...] = ()
    synthesised: bool = False
    written: dict[str, Any] | None = None


@dataclass
class Exchange:
    """One request that the browser began."""

    number: int
    source: int | None
    url: str
    method: str
    began: int
    annotation: int | None = None
    kind: str = ""
    """`main frame`, `sub frame` or `other`, as NetLog says."""
    initiator: str = ""
    isolation: str = ""
    """The pages for whom it was made, as NetLog's network isolation key says."""
    follows: int | None = None
    """The exchange that this one goes on from: a redirect, or a second attempt."""
    ended: int | None = None
    connection: int | None = None
    turn: int | None = None
    """Its place among what the connection carried, from 1."""
    stream: int | None = None
    protocol: str | None = None
    request: Part | None = None
    response: Part | None = None
    interim: list[Part] = field(default_factory=list)
    net_error: int = 0
    reset: str = ""
    from_cache: bool = False
    redirected_to: str = ""
    websocket: Any = None
    """The tunnel that an upgrade opened."""
    tunnel: dict[str, Any] = field(default_factory=dict)
    """Its records."""
    alive: bool = False
    started_job: bool = False
    wire_done: bool = False
    """Nothing more can come over the wire."""
    log_done: bool = False
    """The browser has let go of the request."""
    settled: bool = False
    losses: list[int] = field(default_factory=list)

    @property
    def sent(self) -> bool:
        """Say whether a connection has carried any of it."""
        return self.connection is not None


class Book:
    """The exchanges that are not settled yet, in order."""

    def __init__(self) -> None:
        self.count = 0
        self.open: OrderedDict[int, Exchange] = OrderedDict()
        self._current: dict[int, Exchange] = {}
        self._jobs: dict[int, int] = {}
        self._working: dict[int, set[int]] = {}

    def begin(self, source: int | None, url: str, method: str, time: int) -> Exchange:
        """Open an exchange; for a source it becomes the current one."""
        self.count += 1
        exchange = Exchange(self.count, source, url, method, time)
        self.open[exchange.number] = exchange
        if source is not None:
            self._current[source] = exchange
        return exchange

    def current(self, source: int) -> Exchange | None:
        """Return what the request `source` is doing now."""
        return self._current.get(source)

    def bind(self, job: int, source: int) -> None:
        """Remember for which request a stream job works."""
        self._jobs[job] = source
        self._working.setdefault(source, set()).add(job)

    def release(self, source: int) -> None:
        """Forget a request that has ended, and the jobs that worked for it."""
        self._current.pop(source, None)
        for job in self._working.pop(source, ()):
            self._jobs.pop(job, None)

    def claim(self, job: int | None, time: int) -> Exchange:
        """Return the exchange that goes out now for `job`; a new one where the log does not tell.

        A request that has been sent before is being tried again, and that is an exchange too.
        """
        source = self._jobs.get(job) if job is not None else None
        exchange = self._current.get(source) if source is not None else None
        if exchange is None:
            orphan = self.begin(None, "", "", time)
            orphan.log_done = True
            return orphan
        if exchange.sent:
            exchange = self.again(exchange, exchange.url, exchange.method, time)
        return exchange

    def again(self, exchange: Exchange, url: str, method: str, time: int) -> Exchange:
        """Open the exchange that follows `exchange` for the same request."""
        following = self.begin(exchange.source, url, method, time)
        for name in ("annotation", "kind", "initiator", "isolation", "alive"):
            setattr(following, name, getattr(exchange, name))
        following.follows = exchange.number
        following.started_job = True
        exchange.ended, exchange.log_done = time, True
        return following

    def settled(self) -> Iterator[Exchange]:
        """Take out, in order, the exchanges to which nothing more can come."""
        while self.open:
            number, exchange = next(iter(self.open.items()))
            if not exchange.settled:
                return
            del self.open[number]
            yield exchange


def message_line(part: Part | None) -> dict[str, Any] | None:
    """Return a message as exchanges.jsonl has it."""
    if part is None or part.written is None:
        return None
    line = dict(part.written)
    if part.status is not None:
        line["status"] = part.status
    line |= {"began": text(part.began), "whole": part.whole}
    if part.payload is not None:
        line["payload_sha256"] = part.payload
    if part.surplus:
        line["surplus"] = part.surplus
    if part.trailers:
        line["trailers"] = [[n.decode("latin-1"), v.decode("latin-1")] for n, v in part.trailers]
    return line


def text(time: int | None) -> str | None:
    """Return a time as the files have it."""
    return None if time is None else clock.to_text(time)
