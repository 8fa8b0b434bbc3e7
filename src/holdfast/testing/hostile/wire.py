"""What the site received and sent, byte for byte: the ground truth.

A folder that `Wire.write` makes:

    connections.jsonl    one line a connection (`Connection`, without its bytes)
    <n>.received, .sent  its bytes inside TLS
    exchanges.jsonl      one line an exchange (`Exchange`), its messages as spans of these bytes
    data                 HTTP/2: the DATA of all messages, which `body` is a span of

For HTTP/1.1 an exchange's messages are spans of the connection's bytes. For HTTP/2 they are the
ordered header fields and the DATA; the frames are in the connection's bytes as they are.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import orjson

from holdfast.core import clock
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

Fields = list[tuple[bytes, bytes]]
"""Header fields in their order, as bytes."""


@dataclass
class Message:
    """One request or response."""

    start: int = 0
    """Offset in the connection's bytes of this direction (HTTP/1.1)."""
    end: int = 0
    fields: Fields = field(default_factory=list)
    """HTTP/2: after HPACK, pseudo-header fields included."""
    body: bytearray = field(default_factory=bytearray)
    """HTTP/2: the DATA."""
    trailers: Fields = field(default_factory=list)


@dataclass
class Exchange:
    """A request and what was answered."""

    exchange: int
    connection: int
    method: str
    url: str
    request: Message
    response: Message
    interim: list[Message] = field(default_factory=list)
    """1xx responses before it. For HTTP/1.1, `response` begins where the last of them ends."""
    stream: int | None = None
    """HTTP/2 stream."""
    websocket: bool = False
    """The connection's bytes after both messages belong to it, too."""
    note: str = ""
    """What the site did to it that a reader of the bytes can't see: `reset`, `closed` …"""


@dataclass
class Connection:
    """One accepted connection."""

    connection: int
    scheme: Literal["http", "https"]
    peer: str
    """The client's address, `ip:port`."""
    local: str
    opened: str
    protocol: str = "http/1.1"
    tls: str | None = None
    cipher: str | None = None
    server_name: str | None = None
    """What the client asked for in SNI, told also where the handshake failed."""
    certificate: str | None = None
    """SHA-256 of the certificate shown, DER."""
    failure: str = ""
    """Why the handshake failed."""
    ended: str = ""
    """How it ended: `client`, `site` or `reset`."""
    received: bytearray = field(default_factory=bytearray)
    sent: bytearray = field(default_factory=bytearray)


@dataclass
class Wire:
    """All connections and exchanges; safe to use from several threads."""

    connections: list[Connection] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def connect(self, scheme: Literal["http", "https"], peer: str, local: str) -> Connection:
        """Note a new connection."""
        with self._lock:
            made = Connection(
                connection=len(self.connections) + 1,
                scheme=scheme,
                peer=peer,
                local=local,
                opened=clock.to_text(clock.now()),
            )
            self.connections.append(made)
            return made

    def begin(
        self, connection: Connection, method: str, url: str, request: Message, stream: int | None
    ) -> Exchange:
        """Note a request that came in whole."""
        with self._lock:
            made = Exchange(
                exchange=len(self.exchanges) + 1,
                connection=connection.connection,
                method=method,
                url=url,
                request=request,
                response=Message(len(connection.sent), len(connection.sent)),
                stream=stream,
            )
            self.exchanges.append(made)
            return made

    def of(self, exchange: Exchange) -> Connection:
        """Return the connection of an exchange."""
        return self.connections[exchange.connection - 1]

    def request_bytes(self, exchange: Exchange) -> bytes:
        """Return an HTTP/1.1 request as it was received."""
        return bytes(self.of(exchange).received[exchange.request.start : exchange.request.end])

    def response_bytes(self, exchange: Exchange) -> bytes:
        """Return an HTTP/1.1 response as it was sent, without the 1xx before it."""
        return bytes(self.of(exchange).sent[exchange.response.start : exchange.response.end])

    def write(self, folder: Path) -> None:
        """Write all of it to a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        with self._lock:
            for one in self.connections:
                (folder / f"{one.connection}.received").write_bytes(one.received)
                (folder / f"{one.connection}.sent").write_bytes(one.sent)
            connections = [_connection_line(one) for one in self.connections]
            data = bytearray()
            exchanges = [_exchange_line(one, data) for one in self.exchanges]
        (folder / "data").write_bytes(data)
        _write_lines(folder / "connections.jsonl", connections)
        _write_lines(folder / "exchanges.jsonl", exchanges)

    @classmethod
    def read(cls, folder: Path) -> Wire:
        """Read what `write` wrote.

        Raises:
            InputError: there is no such record.
        """
        if not (folder / "exchanges.jsonl").is_file():
            raise InputError(f"{folder} is no record of the hostile site")
        made = cls()
        for line in (folder / "connections.jsonl").read_bytes().splitlines():
            one = Connection(**orjson.loads(line))
            one.received = bytearray((folder / f"{one.connection}.received").read_bytes())
            one.sent = bytearray((folder / f"{one.connection}.sent").read_bytes())
            made.connections.append(one)
        data = (folder / "data").read_bytes()
        for line in (folder / "exchanges.jsonl").read_bytes().splitlines():
            value = orjson.loads(line)
            for name in ("request", "response"):
                value[name] = _message(value[name], data)
            value["interim"] = [_message(one, data) for one in value["interim"]]
            made.exchanges.append(Exchange(**value))
        return made


def _connection_line(one: Connection) -> dict[str, Any]:
    return {name: value for name, value in vars(one).items() if name not in {"received", "sent"}}


def _exchange_line(one: Exchange, data: bytearray) -> dict[str, Any]:
    return vars(one) | {
        "request": _message_line(one.request, data),
        "response": _message_line(one.response, data),
        "interim": [_message_line(each, data) for each in one.interim],
    }


def _message_line(one: Message, data: bytearray) -> dict[str, Any]:
    start = len(data)
    data += one.body
    return {
        "start": one.start,
        "end": one.end,
        "fields": _texts(one.fields),
        "body": [start, len(data)],
        "trailers": _texts(one.trailers),
    }


def _texts(fields: Fields) -> list[list[str]]:
    """Return header fields as Latin-1, which loses nothing."""
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in fields]


def _message(line: dict[str, Any], data: bytes) -> Message:
    def fields(name: str) -> Fields:
        return [(key.encode("latin-1"), text.encode("latin-1")) for key, text in line[name]]

    start, end = line["body"]
    return Message(
        start=line["start"],
        end=line["end"],
        fields=fields("fields"),
        body=bytearray(data[start:end]),
        trailers=fields("trailers"),
    )


def _write_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
