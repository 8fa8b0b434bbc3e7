"""Servers that are real, on the loopback, for tests of what connects to them."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Site:
    """A web site of pages that a test gives."""

    pages: dict[str, tuple[int, dict[str, str], bytes]]
    asked: list[str] = field(default_factory=list)
    port: int = 0
    answer_posts: bool = False

    @property
    def url(self) -> str:
        """The site's root."""
        return f"http://127.0.0.1:{self.port}/"


def page(html: str, status: int = 200, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Return a page as `Site` takes it."""
    return status, {"Content-Type": "text/html", **headers}, html.encode()


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Serve a site while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked.append(self.path)
            status, headers, body = site.pages.get(self.path, page("none", 404))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            if not site.answer_posts:
                self.send_error(501)
                return
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_said: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _both(
    datagram: type[socketserver.BaseRequestHandler], stream: type[socketserver.BaseRequestHandler]
) -> tuple[socketserver.ThreadingUDPServer, socketserver.ThreadingTCPServer]:
    """Listen on one port over UDP and TCP; one that is free for both has to be found."""
    for last in (*[False] * 20, True):
        udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), datagram)
        try:
            return udp, socketserver.ThreadingTCPServer(udp.server_address, stream)
        except OSError:
            udp.server_close()
            if last:
                raise
    raise AssertionError


@contextmanager
def name_server(answer: Callable[[bytes], bytes]) -> Iterator[tuple[str, int]]:
    """Serve DNS over UDP and TCP on one port; `answer` makes a response of a query."""

    class Datagram(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, port = self.request
            port.sendto(answer(data), self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            size = int.from_bytes(self.rfile.read(2), "big")
            said = answer(self.rfile.read(size) + b"tcp")
            self.wfile.write(len(said).to_bytes(2, "big") + said)

    udp, tcp = _both(Datagram, Stream)
    where = udp.server_address
    threads = [
        threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True) for one in (udp, tcp)
    ]
    for thread in threads:
        thread.start()
    try:
        yield str(where[0]), int(where[1])
    finally:
        for one in (udp, tcp):
            one.shutdown()
            one.server_close()
        for thread in threads:
            thread.join()


def closed_port() -> int:
    """Return a port of the loopback where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
