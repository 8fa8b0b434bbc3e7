"""HTTP/1.1 on a socket of the site's: no library between the exchange and its bytes."""

from __future__ import annotations

import http
import socket
import ssl
import struct
from email.utils import formatdate
from typing import TYPE_CHECKING

from holdfast.testing.hostile.situation import Ask, Fields, RawAnswer
from holdfast.testing.hostile.wire import Message

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from holdfast.testing.hostile.situation import Handler
    from holdfast.testing.hostile.wire import Connection, Exchange, Wire

PIECE = 65536


class Gone(Exception):  # noqa: N818 - not an error: clients may leave
    """The client left, or the site is stopping."""


class Talk:
    """A connection's socket, and the record of what went through it."""

    def __init__(self, raw: socket.socket, connection: Connection, stopping: threading.Event):
        self.socket = raw
        self.connection = connection
        self.stopping = stopping
        self.taken = 0
        """How much of what was received has been read as messages."""

    def fill(self) -> bool:
        """Receive something more; return False at the end."""
        try:
            data = self.socket.recv(PIECE)
        except OSError:
            data = b""
        self.connection.received += data
        return bool(data)

    def write(self, data: bytes) -> None:
        """Send all of it; what the socket took is recorded, whatever happens then.

        Raises:
            Gone: the client left.
        """
        view = memoryview(data)
        while view:
            try:
                sent = self.socket.send(view[:PIECE])
            except OSError as error:
                raise Gone from error
            self.connection.sent += view[:sent]
            view = view[sent:]

    def close(self, *, reset: bool = False) -> None:
        """Close, with TLS's goodbye and TCP's; or break off with neither."""
        try:
            if reset:
                linger = struct.pack("ii", 1, 0)
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            elif isinstance(self.socket, ssl.SSLSocket):
                self.socket.settimeout(0)
                self.socket.unwrap()
        except (OSError, ValueError):
            pass
        try:
            if not reset:
                self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self.socket.close()


class _Answer(RawAnswer):
    def __init__(self, talk: Talk, exchange: Exchange, *, keep: bool, bodiless: bool) -> None:
        self.talk = talk
        self.exchange = exchange
        self.keep = keep
        self.bodiless = bodiless
        self.was_reset = False

    def send(self, status: int, fields: Fields = (), body: bytes = b"") -> None:
        given = {name.lower() for name, _ in fields}
        more = [] if b"date" in given else [(b"Date", formatdate(usegmt=True).encode())]
        if not given & {b"content-length", b"transfer-encoding"} and status not in {204, 304}:
            more.append((b"Content-Length", str(len(body)).encode()))
        # In one write: whether a browser that dislikes the head reads the body is no race then.
        self.raw(_head(status, [*more, *fields]) + (b"" if self.bodiless else body))

    def interim(self, status: int, fields: Fields = ()) -> None:
        start = len(self.talk.connection.sent)
        self.raw(_head(status, fields))
        end = len(self.talk.connection.sent)
        self.exchange.interim.append(Message(start, end))
        self.exchange.response.start = end

    def head(self, status: int, fields: Fields) -> None:
        self.raw(_head(status, fields))

    def data(self, piece: bytes) -> None:
        self.raw(piece)

    def end(self, trailers: Fields = ()) -> None:
        assert not trailers, "HTTP/1.1 has trailers only in a chunked body: send them raw"

    def raw(self, data: bytes) -> None:
        self.talk.write(data)

    def close(self) -> None:
        self.keep = False
        self.exchange.note = "closed"

    def reset(self) -> None:
        self.keep = False
        self.was_reset = True
        self.exchange.note = "reset"

    def receive(self, size: int) -> bytes:
        talk = self.talk
        while len(talk.connection.received) - talk.taken < size and talk.fill():
            pass
        data = bytes(talk.connection.received[talk.taken : talk.taken + size])
        talk.taken += len(data)
        return data

    def switched(self) -> None:
        self.exchange.websocket = True
        self.exchange.response.end = len(self.talk.connection.sent)
        self.keep = False

    def pause(self, seconds: float) -> bool:
        return not self.talk.stopping.wait(seconds)


def serve(
    talk: Talk,
    wire: Wire,
    ports: dict[str, int],
    find: Callable[[Ask], Handler],
) -> None:
    """Answer a connection's requests until it ends."""
    connection = talk.connection
    connection.ended = "client"
    while (got := _request(talk, ports)) is not None:
        ask, span = got
        url = f"{ask.scheme}://{ask.host}{ask.target}"
        exchange = wire.begin(connection, ask.method, url, span, None)
        keep = (ask.header(b"connection") or b"").lower() != b"close"
        answer = _Answer(talk, exchange, keep=keep, bodiless=ask.method == "HEAD")
        try:
            find(ask)(ask, answer)
        except Gone:
            exchange.note = "client left"
            answer.keep = False
        if not exchange.websocket:
            exchange.response.end = len(connection.sent)
        if not answer.keep:
            connection.ended = "reset" if answer.was_reset else "site"
            talk.close(reset=answer.was_reset)
            return
    talk.close()


def _request(talk: Talk, ports: dict[str, int]) -> tuple[Ask, Message] | None:
    """Read one request; return None where the client sent no whole one."""
    received = talk.connection.received
    start = talk.taken
    while (blank := received.find(b"\r\n\r\n", start)) < 0:
        if not talk.fill():
            return None
    lines = bytes(received[start:blank]).split(b"\r\n")
    method, target, _ = lines[0].decode("latin-1").split(" ", 2)
    fields = []
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        fields.append((name, value.strip()))
    talk.taken = blank + 4
    ask = Ask(
        method=method,
        target=target,
        host=next((value for name, value in fields if name.lower() == b"host"), b"").decode(),
        scheme=talk.connection.scheme,
        protocol="http/1.1",
        fields=fields,
        body=b"",
        ports=ports,
    )
    body = _body(talk, ask)
    if body is None:
        return None
    return _with_body(ask, body), Message(start, talk.taken)


def _body(talk: Talk, ask: Ask) -> bytes | None:
    """Read a request's body; browsers send chunked ones over HTTP/2 alone."""
    length = int(ask.header(b"content-length") or 0)
    received = talk.connection.received
    while len(received) - talk.taken < length:
        if not talk.fill():
            return None
    body = bytes(received[talk.taken : talk.taken + length])
    talk.taken += length
    return body


def _with_body(ask: Ask, body: bytes) -> Ask:
    return Ask(**{**vars(ask), "body": body})


def _head(status: int, fields: Fields) -> bytes:
    try:
        reason = http.HTTPStatus(status).phrase
    except ValueError:
        reason = ""
    lines = [f"HTTP/1.1 {status} {reason}".encode()]
    lines += [name + b": " + value for name, value in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"
