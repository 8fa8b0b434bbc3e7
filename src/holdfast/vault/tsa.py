"""Ask a time authority: RFC 3161 over HTTP (section 3.4). All of its network is in this module.

An authority is not trusted to end: a whole exchange has one time limit and one size limit.
"""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from typing import Any

from holdfast import __version__
from holdfast.core.errors import RemoteError
from holdfast.vault.authorities import check_url

TIMEOUT = 20.0
"""Seconds for a whole exchange, however slowly it comes."""
CRL_LIMIT = 8 << 20
"""Bytes in a list of revoked certificates; an authority's own has a few thousand."""
LIMIT = 262_144
"""Bytes in an answer; a stamp with its certificates has 1 to 10 thousand."""


def ask(url: str, query: bytes, timeout: float = TIMEOUT) -> bytes:
    """Send a TimeStampReq; return the answer as it came, unchecked.

    The environment's proxies are used. Redirects are not followed: the address is in the log.

    Raises:
        InputError: no address that may be asked.
        RemoteError: away, too slow, too large, or no answer to a request for a stamp.
    """
    check_url(url)
    headers = {
        "Accept": "application/timestamp-reply",
        "Content-Type": "application/timestamp-query",
        "User-Agent": f"holdfast/{__version__}",
    }
    answer, kind = _exchange(url, query, headers, timeout, LIMIT)
    if kind != "application/timestamp-reply":
        raise RemoteError(f"{url} answers with {kind[:100]!r}, which is no time stamp")
    return answer


def fetch(url: str, timeout: float = TIMEOUT) -> bytes:
    """Return a list of revoked certificates as it came, unchecked.

    Raises:
        InputError: no address that may be asked.
        RemoteError: away, too slow or too large.
    """
    check_url(url)
    return _exchange(url, None, {"User-Agent": f"holdfast/{__version__}"}, timeout, CRL_LIMIT)[0]


def _exchange(
    url: str, body: bytes | None, headers: dict[str, str], timeout: float, limit: int
) -> tuple[bytes, str]:
    """Return an answer and its type, within the limits.

    Raises:
        RemoteError: away, too slow or too large.
    """
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - checked before
    clock = _Clock(timeout)
    try:
        with clock, _opener(clock).open(request, timeout=timeout) as response:
            answer: bytes = response.read(limit + 1)
            if clock.over:
                raise TimeoutError
            kind = response.headers.get_content_type()
    except urllib.error.HTTPError as error:
        with error:
            raise RemoteError(f"{url} answers HTTP {error.code}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        slow = clock.over or isinstance(reason, TimeoutError)
        why = f"no answer in {timeout:g} s" if slow else f"{reason}"[:200] or type(reason).__name__
        raise RemoteError(f"{url} can't be asked: {why}") from None
    if len(answer) > limit:
        raise RemoteError(f"{url} answers with more than {limit} bytes")
    return answer, kind


class _Clock:
    """Cuts the connection when the time is over: a socket's time-out begins anew at each byte."""

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._timer = threading.Timer(seconds, self._cut)
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> None:
        self._timer.daemon = True
        self._timer.start()

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()

    def watch(self, one: socket.socket) -> None:
        """Cut this one too; at once where the time is over."""
        self._sockets.append(one)
        if self.over:
            self._cut()

    def _cut(self) -> None:
        self.over = True
        for one in self._sockets:
            with suppress(OSError, ValueError):
                # Not `SSLSocket.shutdown`, which takes the encryption from under the reader.
                socket.socket.shutdown(one, socket.SHUT_RDWR)


def _opener(clock: _Clock) -> urllib.request.OpenerDirector:
    """Return an opener that knows http and https, no other scheme, and follows nothing."""

    class Plain(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            clock.watch(self.sock)

    class Encrypted(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            clock.watch(self.sock)

    class Http(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(Plain, req)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(Encrypted, req)

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_redirect: Any) -> None:
            """Follow nothing."""

    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        Http(),
        Https(),
        Stay(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener
