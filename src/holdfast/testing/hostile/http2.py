"""HTTP/2: the library `h2` keeps the state, the site keeps every byte, field and piece of DATA."""

from __future__ import annotations

import struct
import threading
from email.utils import formatdate
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError

from holdfast.testing.hostile.http1 import Gone
from holdfast.testing.hostile.situation import Answer, Ask, Fields
from holdfast.testing.hostile.wire import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2.events import Event

    from holdfast.testing.hostile.http1 import Talk
    from holdfast.testing.hostile.situation import Handler
    from holdfast.testing.hostile.wire import Exchange, Wire

_CONFIGURATION = H2Configuration(
    client_side=False,
    header_encoding=None,
    # What came in is recorded as it came: with cookie crumbs apart, and odd fields let through.
    validate_inbound_headers=False,
    normalize_inbound_headers=False,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
)


class Session:
    """One HTTP/2 connection: a thread reads it, one more for every request answers."""

    def __init__(
        self, talk: Talk, wire: Wire, ports: dict[str, int], find: Callable[[Ask], Handler]
    ) -> None:
        self.talk = talk
        self.wire = wire
        self.ports = ports
        self.find = find
        self.h2 = H2Connection(_CONFIGURATION)
        self.turn = threading.Condition()
        self.over = False
        self.requests: dict[int, Message] = {}
        self.dead: set[int] = set()
        self.threads: list[threading.Thread] = []

    def serve(self) -> None:
        """Answer the connection's requests until it ends."""
        self.talk.connection.ended = "client"
        with self.turn:
            self.h2.initiate_connection()
            self.flush()
        read = 0
        while not self.over:
            if not self.talk.fill():
                break
            piece = bytes(self.talk.connection.received[read:])
            read += len(piece)
            with self.turn:
                try:
                    events = self.h2.receive_data(piece)
                    for event in events:
                        self._event(event)
                    self.flush()
                except Gone:
                    self.over = True
                except ProtocolError:
                    break
                self.turn.notify_all()
        with self.turn:
            self.over = True
            self.turn.notify_all()
        for thread in self.threads:
            thread.join()
        self.talk.close()

    def flush(self) -> None:
        """Send what the library has to send; the caller holds the turn."""
        self.talk.write(self.h2.data_to_send())

    def _event(self, event: Event) -> None:
        match event:
            case RequestReceived():
                self.requests[event.stream_id] = Message(fields=_pairs(event.headers))
            case DataReceived():
                self.requests[event.stream_id].body += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case TrailersReceived():
                self.requests[event.stream_id].trailers = _pairs(event.headers)
            case StreamEnded():
                self._answer(event.stream_id)
            case StreamReset():
                self.dead.add(event.stream_id)
            case ConnectionTerminated():
                self.over = True
            case _:
                pass

    def _answer(self, stream: int) -> None:
        message = self.requests[stream]
        known = {name: value.decode("latin-1") for name, value in reversed(message.fields)}
        ask = Ask(
            method=known[b":method"],
            target=known[b":path"],
            host=known[b":authority"],
            scheme=known[b":scheme"],
            protocol="h2",
            fields=message.fields,
            body=bytes(message.body),
            ports=self.ports,
        )
        url = f"{ask.scheme}://{ask.host}{ask.target}"
        exchange = self.wire.begin(self.talk.connection, ask.method, url, message, stream)
        answer = _Answer(self, exchange, stream, bodiless=ask.method == "HEAD")

        def work() -> None:
            try:
                self.find(ask)(ask, answer)
            except (Gone, ProtocolError):
                exchange.note = "client left"

        thread = threading.Thread(target=work)
        self.threads.append(thread)
        thread.start()


class _Answer(Answer):
    def __init__(
        self, session: Session, exchange: Exchange, stream: int, *, bodiless: bool
    ) -> None:
        self.session = session
        self.exchange = exchange
        self.stream = stream
        self.bodiless = bodiless

    def send(self, status: int, fields: Fields = (), body: bytes = b"") -> None:
        given = {name.lower() for name, _ in fields}
        more = [] if b"date" in given else [(b"date", formatdate(usegmt=True).encode())]
        if b"content-length" not in given and status not in {204, 304}:
            more.append((b"content-length", str(len(body)).encode()))
        self.head(status, [*more, *fields])
        if not self.bodiless:
            self.data(body)
        self.end()

    def interim(self, status: int, fields: Fields = ()) -> None:
        made = _fields(status, fields)
        self._do(lambda: self.session.h2.send_headers(self.stream, made))
        self.exchange.interim.append(Message(fields=made))

    def head(self, status: int, fields: Fields) -> None:
        made = _fields(status, fields)
        self._do(lambda: self.session.h2.send_headers(self.stream, made))
        self.exchange.response.fields = made

    def data(self, piece: bytes) -> None:
        rest = memoryview(piece)
        while rest:
            rest = rest[self._some(rest) :]

    def _some(self, rest: memoryview) -> int:
        """Send as much as the client's window takes; wait until that is something."""
        session = self.session
        with session.turn:
            while True:
                self._check()
                window = session.h2.local_flow_control_window(self.stream)
                size = min(window, session.h2.max_outbound_frame_size, len(rest))
                if size > 0:
                    break
                session.turn.wait(0.5)
            session.h2.send_data(self.stream, bytes(rest[:size]))
            session.flush()
        self.exchange.response.body += rest[:size]
        return size

    def end(self, trailers: Fields = ()) -> None:
        if trailers:
            made = [(name.lower(), value) for name, value in trailers]
            self._do(lambda: self.session.h2.send_headers(self.stream, made, end_stream=True))
            self.exchange.response.trailers = made
        else:
            self._do(lambda: self.session.h2.end_stream(self.stream))

    def reset(self) -> None:
        self.exchange.note = "reset"
        self._do(lambda: self.session.h2.reset_stream(self.stream, ErrorCodes.INTERNAL_ERROR))

    def goodbye(self) -> None:
        """Send GOAWAY: no further request on this connection."""
        # By hand: to the library the connection would be closed, the client's last word an error.
        frame = struct.pack(">I", 8)[1:] + b"\x07\0" + struct.pack(">III", 0, self.stream, 0)
        self._do(lambda: self.session.talk.write(frame))

    def padded(self, piece: bytes, padding: int) -> None:
        """Send DATA with padding."""
        self._do(lambda: self.session.h2.send_data(self.stream, piece, pad_length=padding))
        self.exchange.response.body += piece

    def pause(self, seconds: float) -> bool:
        return not self.session.talk.stopping.wait(seconds)

    def _do(self, deed: Callable[[], None]) -> None:
        with self.session.turn:
            self._check()
            deed()
            self.session.flush()

    def _check(self) -> None:
        session = self.session
        if session.over or session.talk.stopping.is_set() or self.stream in session.dead:
            raise Gone


H2Answer = _Answer


def _fields(status: int, fields: Fields) -> list[tuple[bytes, bytes]]:
    return [
        (b":status", str(status).encode()),
        *((name.lower(), value) for name, value in fields),
    ]


def _pairs(fields: object) -> list[tuple[bytes, bytes]]:
    assert isinstance(fields, list)
    return [(bytes(name), bytes(value)) for name, value in fields]
