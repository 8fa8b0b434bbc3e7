"""What a connection carries, told apart: HTTP/1.1, HTTP/2, and what an upgrade opens.

A wire is fed both directions in the order in which the browser wrote and read. Every byte goes
into exactly one place, and is counted there; what belongs nowhere goes into `stray`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

import orjson

from holdfast.collect.web.exchanges import Part, text
from holdfast.webarchive import http2
from holdfast.webarchive.http1 import Head, Message, State
from holdfast.webarchive.websocket import Frame, Frames

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from holdfast.collect.web.connections import Connection
    from holdfast.collect.web.exchanges import Exchange
    from holdfast.webarchive.spool import Spool

Fields = tuple[tuple[bytes, bytes], ...]


class House(Protocol):
    """What a wire needs of the decoder."""

    def spool(self) -> Spool:
        """Return a new spool."""

    def claim(self, connection: Connection, time: int) -> Exchange:
        """Return the exchange that the next request on this connection belongs to."""

    def claim_stream(self, connection: Connection, stream: int, time: int) -> Exchange:
        """Return the exchange of an HTTP/2 stream."""

    def arrived(self, exchange: Exchange, time: int) -> None:
        """Hear that nothing more can come over the wire for this exchange."""

    def websocket(self, exchange: Exchange) -> Tunnel:
        """Return a tunnel whose frames are listed."""

    def frames(self, connection: Connection) -> Path:
        """Return the file for a connection's HTTP/2 frames."""


class Tunnel:
    """The two streams that an upgrade leaves, and the WebSocket frames in them."""

    def __init__(self, sent: Spool, received: Spool, listing: BinaryIO) -> None:
        self.spools = {"sent": sent, "received": received}
        self._frames = {"sent": Frames(), "received": Frames()}
        self._listing = listing
        self.count = 0
        self.cut = False
        """A direction ended in the middle of a frame."""

    def feed(self, way: str, data: bytes, time: int) -> None:
        """Take the next bytes of a direction."""
        self.spools[way].write(data)
        self._list(way, self._frames[way].feed(data), time)

    def close(self, time: int) -> None:
        """Hear that it is over."""
        for way, frames in self._frames.items():
            left = frames.close()
            self.cut |= bool(left)
            self._list(way, left, time)
        self._listing.close()

    def _list(self, way: str, frames: Iterable[Frame], time: int) -> None:
        for frame in frames:
            self.count += 1
            line = {
                "frame": self.count, "time": text(time), "way": way, "opcode": frame.opcode,
                "final": frame.final, "compressed": frame.compressed, "masked": frame.masked,
                "offset": frame.offset, "length": frame.length, "sha256": frame.sha256,
                "whole": frame.whole,
            }  # fmt: skip
            self._listing.write(orjson.dumps(line) + b"\n")


@dataclass
class _Pair:
    """A request and its answer, on their way over HTTP/1.1."""

    exchange: Exchange
    request: Message
    response: Message | None = None


class Http1Wire:
    """HTTP/1.1: one exchange after the other, in order (RFC 9112, section 9.3)."""

    def __init__(self, house: House, connection: Connection) -> None:
        self._house = house
        self._connection = connection
        self._waiting: deque[_Pair] = deque()
        """Requests under way or unanswered, oldest first."""
        self._last: _Pair | None = None
        """Answered, and still holding the connection."""
        self._tunnel: Tunnel | None = None
        self._tunnelled: Exchange | None = None
        self.stray: Spool | None = None

    def sent(self, data: bytes, time: int) -> None:
        """Take what the browser wrote."""
        if self._tunnel is not None:
            self._tunnel.feed("sent", data, time)
            self._connection.sent.kept += len(data)
            return
        at = 0
        while at < len(data):
            if not self._waiting or self._waiting[-1].request.done:
                self._begin(time)
            pair = self._waiting[-1]
            end = pair.request.feed(data, at)
            part = pair.exchange.request
            assert part is not None  # noqa: S101
            self._take(part, pair.request, data[at:end])
            self._connection.sent.kept += end - at
            at = end

    def received(self, data: bytes, time: int) -> None:
        """Take what the browser read."""
        if self._tunnel is not None:
            self._tunnel.feed("received", data, time)
            self._connection.received.kept += len(data)
            return
        at, tunnel = 0, None
        while at < len(data) and self._waiting and tunnel is None:
            at = self._answer(self._waiting[0], data, at, time)
            tunnel = self._opened()
        if at == len(data):
            return
        rest = data[at:]
        if tunnel is not None:
            tunnel.feed("received", rest, time)
        elif self._last is not None and self._last.exchange.response is not None:
            self._last.exchange.response.spool.write(rest)
            self._last.exchange.response.surplus += len(rest)
        else:
            if self.stray is None:
                self.stray = self._house.spool()
            self.stray.write(rest)
            return
        self._connection.received.kept += len(rest)

    def idle(self, time: int) -> None:
        """Hear that the browser has put the connection back: the answer is over."""
        self._release(time)

    def closed(self, time: int) -> None:
        """Hear that the connection is gone."""
        self._release(time)
        if self._tunnel is not None and self._tunnelled is not None:
            self._tunnel.close(time)
            self._house.arrived(self._tunnelled, time)
            self._tunnel = self._tunnelled = None
        for pair in self._waiting:
            part = pair.exchange.response
            if pair.response is not None and part is not None:
                part.until_close = pair.response.state is State.UNTIL_CLOSE
                self._judge(part, pair.response)
            self._house.arrived(pair.exchange, time)
        self._waiting.clear()

    def _begin(self, time: int) -> None:
        self._release(time)
        exchange = self._house.claim(self._connection, time)
        exchange.protocol = "http/1.1"
        exchange.request = Part(self._house.spool(), time)
        self._waiting.append(_Pair(exchange, Message(request=True)))

    def _release(self, time: int) -> None:
        if self._last is not None:
            self._house.arrived(self._last.exchange, time)
            self._last = None

    def _answer(self, pair: _Pair, data: bytes, at: int, time: int) -> int:
        exchange = pair.exchange
        if pair.response is None:
            pair.response = Message(request=False, method=pair.request.method)
            exchange.response = Part(self._house.spool(), time)
        message, part = pair.response, exchange.response
        assert part is not None  # noqa: S101
        end = message.feed(data, at)
        self._take(part, message, data[at:end])
        self._connection.received.kept += end - at
        if not message.done:
            return end
        if message.interim:
            exchange.interim.append(part)
            pair.response = exchange.response = None
            return end
        self._waiting.popleft()
        if message.upgrade:
            self._upgrade(exchange, message)
        else:
            self._last = pair
        return end

    def _opened(self) -> Tunnel | None:
        return self._tunnel

    def _upgrade(self, exchange: Exchange, message: Message) -> None:
        assert message.head is not None  # noqa: S101
        if b"websocket" in message.head.tokens(b"upgrade"):
            exchange.protocol = "websocket"
        self._tunnelled = exchange
        self._tunnel = exchange.websocket = self._house.websocket(exchange)

    def _take(self, part: Part, message: Message, data: bytes) -> None:
        part.spool.write(data)
        if part.head is None and message.head is not None:
            part.head, part.head_length = message.head, message.head_length
            part.status = message.status
        if message.done or message.fault:
            self._judge(part, message)

    def _judge(self, part: Part, message: Message) -> None:
        part.fault, part.chunked = message.fault, message.chunked
        part.whole = message.done and not message.fault
        part.head, part.head_length = message.head, message.head_length
        part.status = message.status
        if message.head is not None:
            part.payload = message.payload.hexdigest()
        if message.trailers is not None:
            part.trailers = message.trailers.fields


@dataclass
class _Stream:
    """An HTTP/2 stream under way."""

    exchange: Exchange
    sent_ends: bool = False
    received_ends: bool = False
    tunnel: Tunnel | None = None


class Http2Wire:
    """HTTP/2: every frame is kept, and each stream is told as HTTP/1.1, which it is not."""

    def __init__(self, house: House, connection: Connection) -> None:
        self._house = house
        self._connection = connection
        self._ways = {
            "sent": http2.Direction(client=True),
            "received": http2.Direction(client=False),
        }
        self._streams: dict[int, _Stream] = {}
        self._file = house.frames(connection).open("wb")
        self.stray: Spool | None = None
        self.broken = ""
        """Why nothing more could be told apart."""

    def sent(self, data: bytes, time: int) -> None:
        """Take what the browser wrote."""
        self._feed("sent", data, time)

    def received(self, data: bytes, time: int) -> None:
        """Take what the browser read."""
        self._feed("received", data, time)

    def idle(self, time: int) -> None:
        """Pass: a session is never put back."""

    def closed(self, time: int) -> None:
        """Hear that the connection is gone."""
        for way, direction in self._ways.items():
            if direction.partial:
                self._keep(way, direction.partial, time)
        self._file.close()
        for number in list(self._streams):
            self._end(number, time)

    def _feed(self, way: str, data: bytes, time: int) -> None:
        traffic = self._connection.sent if way == "sent" else self._connection.received
        traffic.kept += len(data)
        if self.broken:
            self._keep(way, data, time)
            return
        direction = self._ways[way]
        try:
            for frame in direction.feed(data):
                self._keep(way, frame.raw, time)
                self._mean(way, frame, time)
        except http2.Http2Error as error:
            self.broken = f"{way}: {error}"

    def _keep(self, way: str, raw: bytes, time: int) -> None:
        mark = b">" if way == "sent" else b"<"
        self._file.write(mark + time.to_bytes(8, "big") + len(raw).to_bytes(4, "big") + raw)

    def _mean(self, way: str, frame: http2.Frame, time: int) -> None:
        if frame.kind == "goaway" and frame.code:
            for stream in self._streams.values():
                stream.exchange.reset = f"GOAWAY with error {frame.code}, {way}"
        if frame.kind in {"", "goaway", "push"}:
            return
        if frame.stream not in self._streams:
            if frame.kind != "headers" or way != "sent":
                return  # of a stream that has ended; the frame is kept
            self._open(frame.stream, time)
        stream = self._streams[frame.stream]
        if frame.kind == "headers":
            self._headers(way, stream, frame.fields, time)
        elif frame.kind == "data":
            self._data(way, stream, frame.data, time)
        else:
            stream.exchange.reset = f"RST_STREAM with error {frame.code}, {way}"
            self._end(frame.stream, time)
            return
        if frame.ends:
            self._ends(way, stream)
            if stream.sent_ends and stream.received_ends:
                self._end(frame.stream, time)

    def _open(self, number: int, time: int) -> None:
        exchange = self._house.claim_stream(self._connection, number, time)
        exchange.protocol, exchange.stream = "h2", number
        self._streams[number] = _Stream(exchange)

    def _headers(self, way: str, stream: _Stream, fields: Fields, time: int) -> None:
        exchange = stream.exchange
        part = exchange.request if way == "sent" else exchange.response
        if part is not None:
            part.trailers += fields
            return
        part = Part(self._house.spool(), time, synthesised=True)
        view = _request_view(fields) if way == "sent" else _response_view(fields)
        part.spool.write(view)
        part.head_length = len(view)
        part.head = Head(view.partition(b"\r\n")[0], fields)
        if way == "sent":
            exchange.request = part
            return
        part.status = _status(fields)
        if part.status is not None and 100 <= part.status < 200:
            part.whole = True
            exchange.interim.append(part)
            return
        exchange.response = part
        if _is_websocket(exchange) and part.status is not None and 200 <= part.status < 300:
            exchange.protocol = "websocket"
            stream.tunnel = exchange.websocket = self._house.websocket(exchange)
            part.whole = True
            if exchange.request is not None:
                exchange.request.whole = True

    def _data(self, way: str, stream: _Stream, data: bytes, time: int) -> None:
        if stream.tunnel is not None:
            stream.tunnel.feed(way, data, time)
            return
        part = stream.exchange.request if way == "sent" else stream.exchange.response
        if part is not None:
            part.spool.write(data)
            part.payload_hash.update(data)

    def _ends(self, way: str, stream: _Stream) -> None:
        part = stream.exchange.request if way == "sent" else stream.exchange.response
        if way == "sent":
            stream.sent_ends = True
        else:
            stream.received_ends = True
        if part is not None:
            part.whole = True

    def _end(self, number: int, time: int) -> None:
        stream = self._streams.pop(number)
        if stream.tunnel is not None:
            stream.tunnel.close(time)
        for part in (stream.exchange.request, stream.exchange.response):
            if part is not None:
                part.payload = part.payload_hash.hexdigest()
        self._house.arrived(stream.exchange, time)


def _request_view(fields: Fields) -> bytes:
    """Return a request head that says in HTTP/1.1 what the fields say, in their order."""
    pseudo = {name: value for name, value in fields if name.startswith(b":")}
    lines = [
        b"%s %s HTTP/1.1" % (pseudo.get(b":method", b""), pseudo.get(b":path", b"*")),
        b"host: " + pseudo.get(b":authority", b""),
    ]
    if any(name == b"host" for name, _ in fields):
        lines.pop()
    return _head(lines, fields)


def _response_view(fields: Fields) -> bytes:
    pseudo = {name: value for name, value in fields if name.startswith(b":")}
    return _head([b"HTTP/1.1 %s " % pseudo.get(b":status", b"")], fields)


def _head(lines: list[bytes], fields: Fields) -> bytes:
    plain = [name + b": " + value for name, value in fields if not name.startswith(b":")]
    return b"\r\n".join([*lines, *plain, b"", b""])


def _status(fields: Fields) -> int | None:
    for name, value in fields:
        if name == b":status":
            return int(value) if value.isdigit() and len(value) == 3 else None
    return None


def _is_websocket(exchange: Exchange) -> bool:
    """Say whether the request was an extended CONNECT for a WebSocket (RFC 8441, section 4)."""
    head = exchange.request.head if exchange.request is not None else None
    return head is not None and (b":protocol", b"websocket") in head.fields
