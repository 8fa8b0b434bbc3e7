"""An S3 server that lies, and a network that breaks: what a store must be safe from.

`LyingServer` keeps objects in memory and does what a server should not; it knows just enough of
the protocol to be believed by a client, checks no signature, and is no stand-in for a real server
anywhere else. `CuttingProxy` stands before a real one and breaks the connection.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

Lie = Literal["overwrites", "truncates", "truncates large", "no ranges", "no locks"]
"""Gives a taken name again; keeps all but the last byte of an object; the same only above 8 kB, so
that a probe does not see it; sends the whole where a part was asked for; says that it locks."""


@dataclass
class LyingServer:
    """A server on loopback with one lie."""

    lie: Lie
    objects: dict[str, bytes] = field(default_factory=dict)
    """Path to bytes."""

    def __enter__(self) -> LyingServer:
        """Start it."""
        handler = type("Handler", (_Handler,), {"server_of": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def kept(self, data: bytes) -> bytes:
        """Return what it keeps of an object."""
        short = self.lie == "truncates" or (self.lie == "truncates large" and len(data) > 8000)
        return data[:-1] if short else data


class _Handler(BaseHTTPRequestHandler):
    server_of: LyingServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""

    def _tell(self, status: int, body: bytes = b"", /, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _error(self, status: int, code: str) -> None:
        self._tell(status, f"<Error><Code>{code}</Code></Error>".encode())

    def do_PUT(self) -> None:
        """Take an object."""
        at, server = urlsplit(self.path).path, self.server_of
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if (
            self.headers.get("If-None-Match")
            and at in server.objects
            and server.lie != "overwrites"
        ):
            self._error(412, "PreconditionFailed")
            return
        server.objects[at] = server.kept(data)
        tag = hashlib.md5(server.objects[at], usedforsecurity=False).hexdigest()
        version = {"x_amz_version_id": "1"} if server.lie == "no locks" else {}
        self._tell(200, b"", ETag=f'"{tag}"', **version)

    def do_POST(self) -> None:
        """Take no part."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        query = urlsplit(self.path).query
        if query.startswith("uploads"):
            body = b"<InitiateMultipartUploadResult><UploadId>1</UploadId>"
            self._tell(200, body + b"</InitiateMultipartUploadResult>")
        else:
            self._error(412, "PreconditionFailed")

    def do_GET(self) -> None:
        """Give an object, or the list of them."""
        parts = urlsplit(self.path)
        if "list-type" in parts.query:
            keys = sorted(name.split("/", 2)[2] for name in self.server_of.objects)
            rows = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys)
            self._tell(200, f"<ListBucketResult>{rows}</ListBucketResult>".encode())
            return
        self._object()

    def do_HEAD(self) -> None:
        """Tell of an object."""
        self._object()

    def _object(self) -> None:
        data = self.server_of.objects.get(urlsplit(self.path).path)
        if data is None:
            self._error(404, "NoSuchKey")
            return
        tag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if span and self.server_of.lie != "no ranges":
            data = data[int(span[1]) : int(span[2]) + 1]
        lock = {"x_amz_object_lock_mode": "COMPLIANCE"} if self.server_of.lie == "no locks" else {}
        self._tell(
            206 if span else 200, data, ETag=f'"{tag}"', Content_Length=str(len(data)), **lock
        )

    def do_DELETE(self) -> None:
        """Forget an object."""
        parts = urlsplit(self.path)
        if "uploadId" not in parts.query:
            self.server_of.objects.pop(parts.path, None)
        self._tell(204)


class CuttingProxy:
    """A network on loopback before a real server; it breaks when so many bytes went through."""

    def __init__(self, host: str, port: int) -> None:
        self._to = host, port
        self._left: int | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.cuts = 0
        """How often a connection was broken."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def break_after(self, count: int | None) -> None:
        """Break every connection after `count` bytes to the server, and let none through; mend it.

        None: mend it.
        """
        with self._lock:
            self._left = count

    def close(self) -> None:
        """Stop it."""
        self._listener.close()
        for one in list(self._open):
            one.close()

    def __enter__(self) -> CuttingProxy:
        """Give it."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._to)
            except OSError:
                client.close()
                continue
            self._open |= {client, server}
            for pair in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            for data in _chunks(source):
                allowed = self._allowed(len(data)) if counts else len(data)
                target.sendall(data[:allowed])
                if allowed < len(data):
                    self.cuts += 1
                    break
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
            self._open.discard(one)

    def _allowed(self, count: int) -> int:
        with self._lock:
            if self._left is None:
                return count
            allowed = min(count, self._left)
            self._left -= allowed
            return allowed


def _chunks(source: socket.socket) -> Iterator[bytes]:
    while data := source.recv(1 << 16):
        yield data
