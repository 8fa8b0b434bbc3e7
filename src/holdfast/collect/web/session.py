"""An HTTP/2 session, told apart into exchanges; every frame is kept as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.collect.web.exchanges import Part
from holdfast.webarchive import http2
from holdfast.webarchive.http1 import Head

if TYPE_CHECKING:
    from holdfast.collect.web.connections import Connection
    from holdfast.collect.web.exchanges import Exchange
    from holdfast.collect.web.wires import House, Tunnel
    from holdfast.webarchive.spool import Spool

Fields = tuple[tuple[bytes, bytes], ...]


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
