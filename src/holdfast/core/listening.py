"""A small HTTP/1.1 server for programs that answer a few fixed requests.

Python's own http.server, with what it leaves open closed: bounded requests, time-outs, no more
than so many connections at once, no file of the disk, nothing about this host in an answer.
TLS and rate limits are a reverse proxy's.
"""

from __future__ import annotations

import errno
import http
import signal
import socket
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import HoldfastError, InputError, ResourceError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IDLE = 30.0
"""Seconds that a connection may say nothing."""
CONNECTIONS = 64


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    body: bytes = b""
    accept_encoding: str = ""
    host: str = ""
    """The header Host: under which name this server was asked."""
    origin: str = ""
    """The header Origin: which page asked, where a browser says it."""


@dataclass(frozen=True)
class Response:
    """What is answered."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def line(cls, status: int, text: str) -> Response:
        """Return an answer of one line, for a person."""
        return cls(status, f"{text}\n".encode())


def address(text: str) -> tuple[str, int]:
    """Read HOST:PORT, or [HOST]:PORT.

    Raises:
        InputError: it is none.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InputError(f"{text[:80]!r} is not HOST:PORT", "for example 127.0.0.1:8080")
    return host, int(port)


def bound(place: tuple[str, int]) -> socket.socket:
    """Return a socket that is bound to `place`, for a server that brings its own loop.

    Raises:
        ResourceError: the place can't be listened at.
    """
    family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(place)
    except (OSError, OverflowError) as error:
        door.close()
        raise ResourceError(
            f"can't listen at {place[0]}:{place[1]}: {error}", "choose another address or port"
        ) from error
    return door


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        place: tuple[str, int],
        answer: Callable[[Request], Response],
        max_body: int,
        *,
        quiet: bool = False,
    ) -> None:
        self.answer = answer
        self.quiet = quiet
        self.max_body = max_body
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        super().__init__(place, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take the connection, or drop it where there are too many."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one connection's requests."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a connection that broke be; it is no fault of ours."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE
    server: _Server

    def version_string(self) -> str:
        """Return what the Server header says."""
        return "holdfast"

    def do_GET(self) -> None:
        """Answer a GET."""
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            # A body that nobody reads must not be taken for the next request.
            self.close_connection = True
        self._answer(self._request("GET"))

    def do_HEAD(self) -> None:
        """Answer a HEAD: a GET without its body."""
        self.do_GET()

    def do_POST(self) -> None:
        """Answer a POST of a bounded body."""
        length = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self._refuse(Response.line(411, "say how long the body is: Content-Length"))
        elif len(length) > 12 or int(length) > self.server.max_body:
            self._refuse(Response.line(413, f"a body has at most {self.server.max_body} bytes"))
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                self._answer(self._request("POST", body))
            else:
                self.close_connection = True

    def _request(self, method: str, body: bytes = b"") -> Request:
        said = (self.headers.get(name, "") for name in ("Accept-Encoding", "Host", "Origin"))
        return Request(method, self.path, body, *said)

    def _answer(self, request: Request) -> None:
        try:
            response = self.server.answer(request)
        except HoldfastError as error:
            self.log_message("%s", error)
            response = Response.line(500, "this server can't answer; its operator sees why")
        except OSError as error:
            self.log_message("%s", error)
            response = Response.line(500, "this server can't answer; its operator sees why")
        self._send(response)

    def _refuse(self, response: Response) -> None:
        # What follows is a body that was not read, and must not be taken for a request.
        self.close_connection = True
        self._send(response)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def send_error(self, code: int, _message: str | None = None, _more: str | None = None) -> None:
        """Answer what could not be read as a request, or a method that is none of ours."""
        self.close_connection = True
        status = http.HTTPStatus(code)
        self.command = getattr(self, "command", None) or "GET"
        self._send(Response.line(code, status.phrase.lower()))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Tell the operator, on standard error, in a line that can't act on a terminal."""
        if self.server.quiet:
            return
        line = f"{self.client_address[0]} {format % args}"
        sys.stderr.write(printable(line[:500]) + "\n")
        sys.stderr.flush()


@contextmanager
def beside(answer: Callable[[Request], Response], *, port: int = 0, max_body: int) -> Iterator[int]:
    """Answer on this machine only, in threads of this process; gives the port.

    Both of loopback's addresses are taken: a browser that is told `localhost` tries IPv6 first, and
    whoever else listened there would get what was meant for us.

    Raises:
        ResourceError: the port can't be listened at.
    """
    servers = _loopback(answer, port, max_body)
    for one in servers:
        threading.Thread(target=one.serve_forever, args=(0.1,), daemon=True).start()
    try:
        yield servers[0].server_address[1]
    finally:
        for one in servers:
            one.shutdown()
            one.server_close()


def _loopback(answer: Callable[[Request], Response], port: int, max_body: int) -> list[_Server]:
    for _ in range(20):
        try:
            first = _Server(("127.0.0.1", port), answer, max_body, quiet=True)
        except (OSError, OverflowError) as error:
            raise ResourceError(
                f"can't listen at localhost:{port}: {error}", "choose another port"
            ) from error
        try:
            return [
                first,
                _Server(("::1", first.server_address[1]), answer, max_body, quiet=True),
            ]
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return [first]  # this machine has no IPv6
            first.server_close()
        if port:
            break
    raise ResourceError("a port of localhost is taken by another program", "choose another port")


def serve(
    place: tuple[str, int],
    answer: Callable[[Request], Response],
    *,
    max_body: int,
    ready: Callable[[str], None],
) -> None:
    """Answer requests at `place` until SIGTERM or Ctrl-C; `ready` is told the URL.

    Port 0 lets the system choose one.

    Raises:
        ResourceError: the place can't be listened at.
    """
    try:
        server = _Server(place, answer, max_body)
    except (OSError, OverflowError) as error:
        raise ResourceError(
            f"can't listen at {place[0]}:{place[1]}: {error}", "choose another address or port"
        ) from error
    host, port = server.server_address[0], server.server_address[1]
    if isinstance(host, bytes):
        host = host.decode()
    with server:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda _number, _frame: _stop())
        try:
            ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            return


def _stop() -> None:
    raise KeyboardInterrupt
