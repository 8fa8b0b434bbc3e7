"""The site is the ground truth for captures: what it says it sent must be what a client got."""

from __future__ import annotations

import gzip
import hashlib
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import pytest

from holdfast.testing.hostile import certificates, situation
from holdfast.testing.hostile.exchanges.bodies import BROTLI, GZIP, TEXT, ZSTD, noise
from holdfast.testing.hostile.wire import Wire

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.testing.hostile.site import Site
    from holdfast.testing.hostile.wire import Exchange


def _connect(site: Site, host: str, *, protocol: str = "http/1.1") -> socket.socket:
    raw = socket.create_connection((site.hosts[host], site.port_of(host)), timeout=20)
    if host == "plain.test":
        return raw
    context = ssl.create_default_context(cafile=str(site.root_file))
    context.set_alpn_protocols([protocol])
    made = context.wrap_socket(raw, server_hostname=host)
    assert made.selected_alpn_protocol() == protocol
    return made


def _ask(site: Site, path: str, *, method: str = "GET", more: str = "") -> tuple[bytes, bytes]:
    """Ask once, until the site closes; return what was sent and what came."""
    head = f"{method} {path} HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n{more}\r\n".encode()
    came = bytearray()
    with _connect(site, "one.test") as sock:
        sock.sendall(head)
        try:
            while piece := sock.recv(65536):
                came += piece
        except ConnectionResetError:
            pass
    return head, bytes(came)


def _last(site: Site) -> Exchange:
    """The last exchange, once the site has done with it."""
    exchange = site.wire.exchanges[-1]
    deadline = time.monotonic() + 20
    while not site.wire.of(exchange).ended and time.monotonic() < deadline:
        time.sleep(0.01)
    return exchange


RAW = [
    *("latin-1", "obs-fold", "duplicates", "empty-header", "bare-lf", "huge-header"),
    *("monster-header", "two-lengths", "nul-header", "no-colon", "gzip", "brotli", "zstd"),
    *("trailers", "chunked-gzip", "to-the-end", "empty-body", "twenty-mb", "early-hints"),
    *("continue", "no-content", "reset-content", "old", "too-long", "too-short", "early-close"),
    *("no-answer", "cut-chunk", "bad-chunk", "garbage", "slow-drip", "redirect-loop", "download"),
]


@pytest.mark.parametrize("name", RAW)
def test_what_it_recorded_is_what_a_client_sent_and_got(site: Site, name: str) -> None:
    sent, came = _ask(site, f"/{name}")
    exchange = _last(site)

    interim = b"".join(
        bytes(site.wire.of(exchange).sent[one.start : one.end]) for one in exchange.interim
    )
    assert site.wire.request_bytes(exchange) == sent
    assert interim + site.wire.response_bytes(exchange) == came
    assert exchange.url == f"https://one.test/{name}"


def test_a_reset_is_recorded_up_to_where_it_came(site: Site) -> None:
    _, came = _ask(site, "/reset")
    exchange = _last(site)

    assert exchange.note == "reset"
    assert site.wire.of(exchange).ended == "reset"
    assert site.wire.response_bytes(exchange).startswith(came)
    assert site.wire.response_bytes(exchange).endswith(b"up to here\n")


def test_interim_answers_are_kept_apart_from_the_answer(site: Site) -> None:
    _ask(site, "/early-hints")
    exchange = _last(site)
    sent = site.wire.of(exchange).sent

    assert [bytes(sent[one.start : one.end])[:13] for one in exchange.interim] == [
        b"HTTP/1.1 103 ",
        b"HTTP/1.1 103 ",
    ]
    assert site.wire.response_bytes(exchange).startswith(b"HTTP/1.1 200 OK\r\n")


def test_requests_on_one_connection_are_told_apart(site: Site) -> None:
    head = "{} HTTP/1.1\r\nHost: one.test\r\n{}\r\n{}"
    first = head.format("PUT /upload/raw", "Content-Length: 5\r\n", "12345").encode()
    second = head.format("HEAD /head", "", "").encode()
    third = head.format("GET /empty-body", "Connection: close\r\n", "").encode()
    with _connect(site, "one.test") as sock:
        sock.sendall(first + second[:10])
        time.sleep(0.05)
        sock.sendall(second[10:] + third)
        came = b"".join(iter(lambda: sock.recv(65536), b""))
    _last(site)

    exchanges = site.wire.exchanges
    assert [site.wire.request_bytes(one) for one in exchanges] == [first, second, third]
    answers = [site.wire.response_bytes(one) for one in exchanges]
    assert b"".join(answers) == came
    assert [one.split(b" ")[1] for one in answers] == [b"201", b"200", b"200"]
    assert answers[1].endswith(b"Content-Length: 100\r\n\r\n")


def test_compressed_bodies_are_what_their_names_say(site: Site) -> None:
    assert gzip.decompress(GZIP) == TEXT
    # Brotli has no magic number; both were made once, by their own libraries, from TEXT.
    assert len(BROTLI) < 100
    assert ZSTD.startswith(bytes.fromhex("28b52ffd"))


@pytest.mark.parametrize("host", certificates.BAD)
def test_a_bad_certificate_fails_for_its_own_reason(site: Site, host: str) -> None:
    reasons = {
        "wrong-name.test": "Hostname mismatch",
        "expired.test": "certificate has expired",
        "self-signed.test": "self-signed certificate",
        "untrusted.test": "self-signed certificate in certificate chain",
    }
    with pytest.raises(ssl.SSLCertVerificationError, match=reasons[host]):
        _connect(site, host)

    connection = site.wire.connections[-1]
    deadline = time.monotonic() + 20
    while not connection.ended and time.monotonic() < deadline:
        time.sleep(0.01)
    assert connection.server_name == host
    assert connection.certificate == site.identities[host].sha256


def test_the_certificate_shown_is_the_one_recorded(site: Site) -> None:
    with _connect(site, "other.test") as sock:
        assert isinstance(sock, ssl.SSLSocket)
        shown = sock.getpeercert(binary_form=True)
        assert shown is not None
        assert sock.getpeername()[0] == "127.0.0.2"
    assert site.wire.connections[-1].certificate == hashlib.sha256(shown).hexdigest()


class _Client:
    """An HTTP/2 client that keeps what came."""

    def __init__(self, site: Site) -> None:
        self.sock = _connect(site, "two.test", protocol="h2")
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(header_encoding=None, validate_inbound_headers=False)
        )
        self.h2.initiate_connection()
        self.h2.decoder.max_header_list_size = 1 << 20  # as much as browsers take, and more
        self.sent = bytearray()
        self.came = bytearray()
        self.interim: list[list[tuple[bytes, bytes]]] = []
        self.fields: list[tuple[bytes, bytes]] = []
        self.trailers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()
        self.reset = False

    def flush(self) -> None:
        data = self.h2.data_to_send()
        self.sent += data
        self.sock.sendall(data)

    def ask(self, fields: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
        self.h2.send_headers(1, fields, end_stream=not body)
        if body:
            self.h2.send_data(1, body, end_stream=True)
        self.flush()
        while not self._read():
            self.flush()
        self.h2.close_connection()
        self.flush()
        # To the end: what came after the answer is part of the truth, too.
        while piece := self.sock.recv(65536):
            self.came += piece
        self.sock.close()

    def _read(self) -> bool:
        piece = self.sock.recv(65536)
        self.came += piece
        over = not piece
        for event in self.h2.receive_data(piece):
            match event:
                case h2.events.InformationalResponseReceived():
                    self.interim.append(_pairs(event.headers))
                case h2.events.ResponseReceived():
                    self.fields = _pairs(event.headers)
                case h2.events.TrailersReceived():
                    self.trailers = _pairs(event.headers)
                case h2.events.DataReceived():
                    self.body += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, 1)
                case h2.events.StreamEnded():
                    over = True
                case h2.events.StreamReset():
                    over = self.reset = True
        return over


def _pairs(fields: object) -> list[tuple[bytes, bytes]]:
    assert isinstance(fields, list)
    return [(bytes(name), bytes(value)) for name, value in fields]


_COOKIES = [(b"cookie", b"a=1"), (b"x-odd", b""), (b"cookie", b"b=2")]


@pytest.mark.parametrize(
    "name",
    [
        *("h2-plain", "h2-hints", "h2-trailers", "h2-gzip", "h2-duplicates", "h2-huge-header"),
        *("h2-large", "h2-padded", "h2-reset", "h2-upload", "h2-goodbye"),
    ],
)
def test_http2_is_recorded_as_frames_fields_and_data(site: Site, name: str) -> None:
    client = _Client(site)
    body = b"B" * 3000 if name == "h2-upload" else b""
    asked = [
        *((b":method", b"PUT" if body else b"GET"), (b":scheme", b"https")),
        *((b":authority", b"two.test"), (b":path", f"/{name}".encode())),
        *_COOKIES,
    ]
    client.ask(asked, body)
    exchange = _last(site)
    connection = site.wire.of(exchange)

    assert connection.received == client.sent
    assert connection.sent == client.came
    assert exchange.request.fields == asked
    assert exchange.request.body == body
    assert [one.fields for one in exchange.interim] == client.interim
    assert exchange.response.fields == client.fields
    assert exchange.response.body == client.body
    assert exchange.response.trailers == client.trailers
    assert client.reset == (name == "h2-reset")


def test_http2_waits_for_the_clients_window(site: Site) -> None:
    client = _Client(site)
    client.ask(
        [
            *((b":method", b"GET"), (b":scheme", b"https")),
            *((b":authority", b"two.test"), (b":path", b"/h2-large")),
        ]
    )
    assert client.body == noise(3 << 20)


def test_the_record_is_the_same_once_written_and_read(site: Site, tmp_path: Path) -> None:
    _ask(site, "/early-hints")
    _last(site)
    client = _Client(site)
    client.ask(
        [
            *((b":method", b"GET"), (b":scheme", b"https")),
            *((b":authority", b"two.test"), (b":path", b"/h2-duplicates")),
        ]
    )
    _last(site)
    site.wire.write(tmp_path / "wire")
    read = Wire.read(tmp_path / "wire")

    assert read.connections == site.wire.connections
    assert read.exchanges == site.wire.exchanges


def test_there_are_enough_situations_and_each_has_a_page(site: Site) -> None:
    ordinary = site.pages()
    assert len(ordinary) >= 60
    assert set(site.pages("crash")) == {"hang", "memory"}

    _, start = _ask(site, "/")
    for name in ordinary:
        _, own = _ask(site, f"/page/{name}")
        assert own.count(b"<section") == 1
        assert f'<section id="{name}">'.encode() in own
        assert f'<section id="{name}">'.encode() in start
    assert b'id="hang"' not in start
    assert b'id="hang"' in _ask(site, "/?with=crash")[1]


def test_nothing_stays_when_it_stops(site: Site) -> None:
    """A client that holds on doesn't keep the site from stopping."""
    held = _connect(site, "one.test")
    held.sendall(b"GET /events HTTP/1.1\r\nHost: one.test\r\n\r\n")
    assert held.recv(100)
    idle = _connect(site, "plain.test")
    idle.sendall(b"GET / HT")
    raw = socket.create_connection(("127.0.0.1", site.ports["tls"]))
    site.stop()

    assert not [one for one in threading.enumerate() if one.name.startswith("hostile")]
    for one in (held, idle, raw):
        one.close()


def test_every_name_answers_at_its_own_path(site: Site) -> None:
    for name in situation.SITUATIONS:
        assert situation.find(f"/{name}") is situation.SITUATIONS[name].handler
        assert situation.find(f"/{name}/further") is situation.SITUATIONS[name].handler
