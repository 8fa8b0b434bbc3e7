"""Download one file, keeping what was said on the wire: no browser, no script, one file.

HTTP/1.1 over a connection of its own for each request, through the guard. Requests and responses
are kept as they were, inside TLS; the file is put together from the parts that came, and what broke
off is asked for again from there (RFC 9110 section 14), if the server says that it is the same
file still.
"""

from __future__ import annotations

import http.client
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urljoin, urlsplit

from holdfast import __version__
from holdfast.core import clock
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import RemoteError
from holdfast.webarchive.spool import Spool
from holdfast.webarchive.warc import Bytes, Writer, new_id

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from holdfast.collect.web.guard import Line
    from holdfast.collect.web.refusals import Refusal
    from holdfast.collect.web.tunnel import Tunnel

REDIRECTS = 10
TRIES = 5
"""Times that a file which broke off is asked for again."""
_CHUNK = 1 << 18
_REDIRECTING = {301, 302, 303, 307, 308}


@dataclass(frozen=True)
class Exchange:
    """One request and its response, as they were."""

    url: str
    started: str
    request: bytes
    response: Spool
    peer: str | None
    status: int
    tls: dict[str, Any] | None
    """`version`, `cipher`, `certificate` (SHA-256 of the DER); None without TLS."""
    broke: str | None
    """Why the response ended before its end."""

    def as_json(self) -> dict[str, Any]:
        """Return it as the item's record has it."""
        return {
            "broke": self.broke,
            "peer": self.peer,
            "started": self.started,
            "status": self.status,
            "tls": self.tls,
            "url": self.url,
        }


@dataclass
class Downloaded:
    """What came of it."""

    url: str
    final_url: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    certificates: dict[str, bytes] = field(default_factory=dict)
    size: int = 0
    complete: bool = False
    why: str | None = None
    """Why it is not complete."""
    refused: dict[Refusal, str] = field(default_factory=dict)
    """Where a redirect led that was not followed, by the reason."""


@dataclass
class Downloader:
    """Downloads into a folder of its own."""

    tunnel: Tunnel
    folder: Path
    refuses: Callable[[str], Refusal | None]
    limit: int
    """Bytes that the file may have."""
    context: ssl.SSLContext
    user_agent: str = f"holdfast/{__version__}"

    def get(self, url: str, into: BinaryIO) -> Downloaded:
        """Download `url` into the file `into`; never raises for what a server does.

        Raises:
            RemoteError: no server was reached at all.
        """
        done = Downloaded(url, url)
        try:
            self._follow(done, into)
        except (OSError, http.client.HTTPException, RemoteError) as error:
            if not done.exchanges:
                raise RemoteError(f"{url}: {error}") from None
            done.why = str(error) or type(error).__name__
        return done

    def _follow(self, done: Downloaded, into: BinaryIO) -> None:
        for _ in range(REDIRECTS + 1):
            response, exchange = self._ask(done, done.final_url, {}, into)
            where = response.getheader("Location")
            if exchange.status in _REDIRECTING and where:
                into.seek(0)
                into.truncate()
                done.size = 0
                target = urljoin(done.final_url, where)
                refusal = self.refuses(target)
                if refusal is not None:
                    done.refused[refusal] = target
                    done.why = f"it leads to {target}: {refusal.why}"
                    return
                done.final_url = target
                continue
            if exchange.broke is not None:
                self._resume(done, response, into)
            else:
                done.complete = exchange.status == http.client.OK
                done.why = None if done.complete else f"the server answered {exchange.status}"
            return
        done.why = f"more than {REDIRECTS} redirects"

    def _resume(self, done: Downloaded, first: http.client.HTTPResponse, into: BinaryIO) -> None:
        """Ask for what is missing, as long as something comes and it is the same file."""
        done.why = done.exchanges[-1].broke
        tag = first.getheader("ETag") or ""
        same = tag if tag and not tag.startswith("W/") else first.getheader("Last-Modified")
        total = first.getheader("Content-Length") or ""
        if not same or not total.isdecimal() or done.size > self.limit:
            return
        for _ in range(TRIES):
            fields = {"Range": f"bytes={done.size}-", "If-Range": same}
            response, exchange = self._ask(done, done.final_url, fields, into)
            span = response.getheader("Content-Range") or ""
            if exchange.status != http.client.PARTIAL_CONTENT:
                done.why = f"asked for the rest, the server answered {exchange.status}"
                return
            if not span.startswith("bytes ") or not span.endswith(f"/{total}"):
                done.why = f"asked for the rest, the server sent {span[:80]!r}"
                return
            if exchange.broke is None and done.size == int(total):
                done.complete, done.why = True, None
                return
            done.why = exchange.broke

    def _ask(
        self, done: Downloaded, url: str, fields: dict[str, str], into: BinaryIO
    ) -> tuple[http.client.HTTPResponse, Exchange]:
        """Send one request and read its response: what is of the file goes on at its end."""
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        started = clock.to_text(clock.now())
        request = self._request(url, fields)
        plain, line = self.tunnel.connect(host, port)
        spool = Spool(self.folder)
        broke, tls = None, None
        with plain:
            stream: socket.socket = plain
            if secure:
                wrapped = self.context.wrap_socket(plain, server_hostname=host)
                stream, tls = wrapped, self._tls(done, wrapped)
            stream.sendall(request)
            response = http.client.HTTPResponse(cast("socket.socket", _Teed(stream, spool)))
            try:
                response.begin()
                expected = 206 if fields else 200
                keep = response.status == expected
                start = f"bytes {done.size}-"
                if fields and not (response.getheader("Content-Range") or "").startswith(start):
                    keep = False
                broke = self._read(done, response, into if keep else None)
            except (OSError, http.client.HTTPException) as error:
                broke = str(error) or type(error).__name__
                if not spool.size:
                    raise
        status = response.status if isinstance(response.status, int) else 0
        exchange = Exchange(url, started, request, spool, _peer(line), status, tls, broke)
        done.exchanges.append(exchange)
        return response, exchange

    def _read(
        self, done: Downloaded, response: http.client.HTTPResponse, into: BinaryIO | None
    ) -> str | None:
        """Read the body; return why it ended too early."""
        while True:
            try:
                data = response.read1(_CHUNK) if into is not None else response.read(_CHUNK)
            except http.client.IncompleteRead as error:
                data = error.partial
                if into is not None:
                    into.write(data)
                    done.size += len(data)
                return "the connection ended in the middle"
            if not data:
                missing = response.length
                return None if not missing else f"the connection ended {missing} bytes too early"
            if into is not None:
                into.write(data)
                done.size += len(data)
                if done.size > self.limit:
                    return f"it is larger than the limit of {self.limit} bytes"

    def _request(self, url: str, fields: dict[str, str]) -> bytes:
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {parts.netloc}",
            f"User-Agent: {self.user_agent}",
            "Accept: */*",
            "Accept-Encoding: identity",
            *(f"{name}: {value}" for name, value in fields.items()),
            "Connection: close",
        ]
        return "\r\n".join([*lines, "", ""]).encode("ascii", "replace")

    def _tls(self, done: Downloaded, stream: ssl.SSLSocket) -> dict[str, Any]:
        der = stream.getpeercert(binary_form=True) or b""
        digest = sha256_hex(der)
        done.certificates[digest] = der
        cipher = stream.cipher()
        return {
            "certificate": digest,
            "cipher": cipher[0] if cipher else None,
            "version": stream.version(),
        }


class _Teed:
    """A socket as `http.client` wants it, whose bytes are kept as they come."""

    def __init__(self, stream: socket.socket, spool: Spool) -> None:
        self._stream = stream
        self._spool = spool

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a reader of what comes."""
        return io.BufferedReader(_Raw(self._stream, self._spool))


class _Raw(io.RawIOBase):
    def __init__(self, stream: socket.socket, spool: Spool) -> None:
        self._stream = stream
        self._spool = spool

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._stream.recv_into(buffer)
        self._spool.write(bytes(buffer[:count]))
        return count


def _peer(line: Line) -> str | None:
    return None if line.peer is None else f"{line.peer} port {line.peer_port}"


def write_warc(done: Downloaded, out: BinaryIO, software: str) -> None:
    """Write what was said as WARC 1.1: requests, responses, certificates."""
    writer = Writer(out)
    first = done.exchanges[0].started
    info = f"software: {software}\r\nformat: WARC File Format 1.1\r\n".encode()
    kind = [("Content-Type", "application/warc-fields")]
    writer.write("warcinfo", first, kind, Bytes(info))
    for one in done.exchanges:
        asked, answered = new_id(), new_id()
        common = [("WARC-Target-URI", one.url)]
        if one.peer is not None:
            common.append(("WARC-IP-Address", one.peer.split(" ", 1)[0]))
        about = ("Content-Type", "application/http; msgtype=response")
        broken = [("WARC-Truncated", "disconnect")] if one.broke else []
        writer.write(
            "response",
            one.started,
            [*common, ("WARC-Concurrent-To", f"<{asked}>"), *broken, about],
            one.response,
            record=answered,
        )
        about = ("Content-Type", "application/http; msgtype=request")
        fields = [*common, ("WARC-Concurrent-To", f"<{answered}>"), about]
        writer.write("request", one.started, fields, Bytes(one.request), record=asked)
    for digest, der in sorted(done.certificates.items()):
        fields = [
            ("WARC-Target-URI", f"urn:sha256:{digest}"),
            ("Content-Type", "application/pkix-cert"),
        ]
        writer.write("resource", first, fields, Bytes(der))
