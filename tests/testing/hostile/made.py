"""A wire record and a capture of it, written by hand: every kind of exchange once."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from typing import TYPE_CHECKING, Any

from holdfast.testing.hostile.stored import Record, Stored
from holdfast.testing.hostile.wire import Exchange, Message, Wire

if TYPE_CHECKING:
    from pathlib import Path

GOOD, BAD = "aa" * 32, "bb" * 32
"""SHA-256 of two certificates."""
GET = b"GET /%s HTTP/1.1\r\nHost: one.test:1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer"
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
FIELDS = [
    *((b":method", b"GET"), (b":authority", b"two.test:2"), (b":scheme", b"https")),
    *((b":path", b"/h2"), (b"cookie", b"a=1"), (b"cookie", b"b=2")),
]
REQUEST_VIEW = b"GET /h2 HTTP/1.1\r\nhost: two.test:2\r\ncookie: a=1\r\ncookie: b=2\r\n\r\n"
HINT_VIEW = b"HTTP/1.1 103 \r\nlink: </a>\r\n\r\n"
ANSWER = [(b":status", b"200"), (b"x-a", b"1"), (b"x-b", b"\xe9"), (b"x-a", b"2")]
ANSWER_VIEW = b"HTTP/1.1 200 \r\nx-a: 1\r\nx-b: \xe9\r\nx-a: 2\r\n\r\nDATA"
TRAILERS = [(b"x-sum", b"1"), (b"x-sum", b"2")]
SENT, RECEIVED = b"frames of the browser", b"frames of the site"


def wire() -> Wire:
    """What the site saw."""
    made = Wire()
    first = made.connect("https", "127.0.0.1:1001", "127.0.0.1:1")
    _tls(first)
    _http1(made, first, "hinted", OK, interim=HINT)
    _http1(made, first, "cut", OK)
    socket = made.connect("https", "127.0.0.1:1002", "127.0.0.1:1")
    _tls(socket)
    _http1(made, socket, "socket", SWITCH).websocket = True
    socket.received += b"from the page"
    socket.sent += b"from the site"
    two = made.connect("https", "127.0.0.1:1003", "127.0.0.1:2")
    _tls(two)
    two.protocol = "h2"
    two.received += SENT
    two.sent += RECEIVED
    asked = made.begin(two, "GET", "https://two.test:2/h2", Message(fields=list(FIELDS)), 1)
    asked.interim = [Message(fields=[(b":status", b"103"), (b"link", b"</a>")])]
    asked.response = Message(fields=list(ANSWER), body=bytearray(b"DATA"), trailers=list(TRAILERS))
    bad = made.connect("https", "127.0.0.1:1004", "127.0.0.1:1")
    bad.server_name, bad.certificate, bad.failure = "expired.test", BAD, "certificate expired"
    return made


def _tls(connection: Any) -> None:
    connection.tls, connection.cipher = "TLSv1.3", "TLS_AES_256_GCM_SHA384"
    connection.server_name, connection.certificate = "one.test", GOOD


def _http1(made: Wire, connection: Any, name: str, answer: bytes, interim: bytes = b"") -> Exchange:
    start = len(connection.received)
    connection.received += GET % name.encode()
    request = Message(start, len(connection.received))
    exchange = made.begin(connection, "GET", f"https://one.test:1/{name}", request, None)
    if interim:
        before = len(connection.sent)
        connection.sent += interim
        exchange.interim.append(Message(before, len(connection.sent)))
    exchange.response.start = len(connection.sent)
    connection.sent += answer
    exchange.response.end = len(connection.sent)
    return exchange


class Capture:
    """A capture that can be broken."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.frames = {3: (SENT, RECEIVED)}
        self.connections = {
            number: _connection(number, GOOD if number < 4 else BAD) for number in range(1, 5)
        }
        self.connections[4]["loss"] = [1]
        self.losses = {
            1: _loss(1, None, "certificate"),
            2: _loss(2, 2, "truncated"),
            3: _loss(3, 5, "blocked"),
            4: _loss(4, 6, "not-on-the-wire"),
        }
        self.exchanges = [
            self.exchange(1, "hinted", 1, GET % b"hinted", OK, interim=[HINT]),
            self.exchange(2, "cut", 1, GET % b"cut", OK[:-2], loss=[2]),
            self.exchange(3, "socket", 2, GET % b"socket", SWITCH),
            self.exchange(4, "h2", 3, REQUEST_VIEW, ANSWER_VIEW, interim=[HINT_VIEW], h2=True),
            self.exchange(5, "blocked", None, None, None, loss=[3]),
            self.exchange(6, "cached", None, None, None, loss=[4]),
        ]
        self.exchanges[2]["url"] = "wss://one.test:1/socket"
        self.exchanges[2]["tunnel"] = {
            "sent": self.store("resource", b"from the page"),
            "received": self.store("resource", b"from the site"),
        }

    def exchange(
        self, number: int, name: str, connection: int | None,
        request: bytes | None, response: bytes | None, *,
        interim: list[bytes] | None = None, loss: list[int] | None = None, h2: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        host = "two.test:2" if h2 else "one.test:1"
        made: dict[str, Any] = {
            "exchange": number,
            "url": f"https://{host}/{name}#fragment",
            "method": "GET",
            "connection": connection,
            "stream": 1 if h2 else None,
            "request": self.store("request", request, h2=h2),
            "response": self.store("response", response, h2=h2),
            "interim": [self.store("resource", one, h2=h2) for one in interim or []],
            "exact": not loss,
            "loss": loss or [],
        }
        if h2:
            made["pseudo"] = [
                [name.decode(), value.decode()] for name, value in FIELDS if name[:1] == b":"
            ]
            made["response"]["trailers"] = [[n.decode(), v.decode()] for n, v in TRAILERS]
        if loss and made["response"]:
            made["response"]["whole"] = False
        return made

    def store(self, kind: str, block: bytes | None, *, h2: bool = False) -> dict[str, Any] | None:
        if block is None:
            return None
        identity = f"urn:uuid:{len(self.records) + 1}"
        line = {"record": identity, "whole": True}
        fields = [("WARC-Type", kind), ("WARC-Record-ID", f"<{identity}>")]
        fields.append(("WARC-Target-URI", "https://one.test:1/"))
        if h2:
            fields.append(("Holdfast-Synthesised", "http/1.1 view of HTTP/2"))
        self.put(line, Record(kind, tuple(fields), block))
        return line

    def put(self, line: dict[str, Any], record: Record) -> None:
        """Replace a record, with a line that speaks of it rightly."""
        self.records[line["record"]] = record
        line["bytes"] = len(record.block)
        line["sha256"] = hashlib.sha256(record.block).hexdigest()

    def alter(self, number: int, name: str, block: bytes, *, place: int | None = None) -> None:
        """Give a message other bytes."""
        holder = self.exchanges[number - 1]
        line = holder[name] if place is None else holder[name][place]
        old = self.records[line["record"]]
        self.put(line, Record(old.kind, old.fields, block))

    def stored(self) -> Stored:
        return Stored(self.exchanges, self.connections, self.losses, self.records, self.frames)

    def parts(self) -> dict[str, bytes]:
        """The capture's files."""
        warc = b""
        for record in self.records.values():
            fields = [*record.fields, ("Content-Length", str(len(record.block)))]
            head = "".join(f"{name}: {value}\r\n" for name, value in fields)
            warc += gzip.compress(
                b"WARC/1.1\r\n" + head.encode() + b"\r\n" + record.block + b"\r\n\r\n"
            )
        frames = b"".join(
            mark + bytes(8) + len(one).to_bytes(4, "big") + one
            for mark, data in zip((b">", b"<"), self.frames[3], strict=True)
            for one in (data[:5], data[5:])
        )
        return {
            "archive/data.warc.gz": warc,
            "capture/exchanges.jsonl": _json(self.exchanges),
            "capture/connections.jsonl": _json(self.connections.values()),
            "capture/loss.jsonl": _json(self.losses.values()),
            "http2/3.frames": frames,
        }

    def folder(self, place: Path) -> Path:
        for name, data in self.parts().items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)
        return place

    def wacz(self, place: Path) -> Path:
        with zipfile.ZipFile(place, "w") as archive:
            for name, data in self.parts().items():
                archive.writestr(name, data)
        return place


def _connection(number: int, certificate: str) -> dict[str, Any]:
    return {
        "connection": number,
        "peer": "127.0.0.1",
        "tls": {"version": "TLS 1.3", "cipher": "TLS_AES_256_GCM_SHA384"},
        "certificates": [{"sha256": certificate}],
        "loss": [],
    }


def _loss(number: int, exchange: int | None, kind: str) -> dict[str, Any]:
    return {"loss": number, "exchange": exchange, "kind": kind, "what": "it", "why": "so"}


def _json(lines: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in lines)
