"""HTTP to another machine, bounded in time and size: what the vault's network clients stand on.

No redirects, no proxies, no credentials but what a caller gives: whom to ask is written in
settings, and what comes back is believed for its signatures only.
"""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from holdfast.core.errors import InputError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

LIMIT = 1 << 20
"""Bytes of an answer."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    content_type: str


class Remote:
    """One place, spoken to over one connection that is kept open (keep-alive)."""

    def __init__(self, url: str, timeout: float) -> None:
        """Prepare to speak to `url`, a prefix; `timeout` in seconds bounds each request.

        Raises:
            InputError: no http or https URL.
        """
        self.url = url.rstrip("/")
        self._timeout = timeout
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        fits = parts.scheme in kinds and parts.hostname and parts.username is None
        if not fits or parts.query or parts.fragment or not self.url.isprintable():
            raise InputError(
                f"{url[:200]!r} is not an address that can be asked",
                "give http://HOST[:PORT]/PREFIX or https://…",
            )
        self._path = parts.path
        self._connection = kinds[parts.scheme](str(parts.hostname), port, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, path: str) -> Answer:
        """Fetch the prefix followed by `path`.

        Raises:
            RemoteError: nobody there, too slow, too long, or not HTTP.
        """
        return self._call("GET", path, None, {})

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Send `body` to the prefix followed by `path`.

        Raises:
            RemoteError: nobody there, too slow, too long, or not HTTP.
        """
        return self._call("POST", path, body, headers or {})

    def _call(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        until = time.monotonic() + self._timeout
        try:
            self._connection.request(method, self._path + path, body, {"Accept": "*/*", **headers})
            with self._connection.getresponse() as response:
                data = b""
                while chunk := response.read1(1 << 16):
                    data += chunk
                    if len(data) > LIMIT:
                        raise RemoteError(f"{self.url} sends more than {LIMIT} bytes")
                    if time.monotonic() > until:
                        raise TimeoutError
                return Answer(response.status, data, response.getheader("Content-Type", ""))
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            # What was half said on this connection must not be taken for the next answer.
            self._connection.close()
            why = "it takes too long" if isinstance(error, TimeoutError) else _why(error)
            raise RemoteError(f"{self.url} can't be reached: {why}", "try again later") from None


def _why(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return (text or str(error) or type(error).__name__)[:200]
