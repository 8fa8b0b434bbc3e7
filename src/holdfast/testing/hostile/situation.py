"""One awkward exchange: how it is asked for, and how it is answered.

    @situation("gzip", "A body compressed with gzip", script="await get('/gzip')")
    def compressed(ask: Ask, answer: Answer) -> None:
        answer.send(200, [(b"Content-Encoding", b"gzip")], GZIP)

A situation's function answers every path that begins with its name; `at` gives it further ones.
Its `script` or `html` makes it happen in a page, where `get`, `ONE`, `OTHER`, `TWO` and the rest of
`page.PRELUDE` are at hand.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, urlsplit

Fields = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Ask:
    """A request that came in whole."""

    method: str
    target: str
    """As in the request line, `/path?query`."""
    host: str
    """With its port."""
    scheme: str
    protocol: Literal["http/1.1", "h2"]
    fields: list[tuple[bytes, bytes]]
    body: bytes
    ports: dict[str, int] = field(default_factory=dict)
    """The site's: `tls`, `h2` and `plain`."""

    @property
    def path(self) -> str:
        """Without the query."""
        return urlsplit(self.target).path

    def query(self, name: str) -> str:
        """Return a parameter of the query, or nothing."""
        return parse_qs(urlsplit(self.target).query).get(name, [""])[0]

    def header(self, name: bytes) -> bytes | None:
        """Return the first header field of that name (lower case), or None."""
        return next((value for key, value in self.fields if key.lower() == name), None)


class Answer(ABC):
    """What both protocols can say."""

    @abstractmethod
    def send(self, status: int, fields: Fields = (), body: bytes = b"") -> None:
        """Send a whole response; Content-Length is added where the fields say no other."""

    @abstractmethod
    def interim(self, status: int, fields: Fields = ()) -> None:
        """Send a 1xx response."""

    @abstractmethod
    def head(self, status: int, fields: Fields) -> None:
        """Send a response's head, with these fields alone."""

    @abstractmethod
    def data(self, piece: bytes) -> None:
        """Send a piece of the body, as it is (HTTP/1.1: chunk framing is the caller's)."""

    @abstractmethod
    def end(self, trailers: Fields = ()) -> None:
        """End the response (HTTP/1.1: the caller has said how long it is; trailers are refused)."""

    @abstractmethod
    def reset(self) -> None:
        """Break off: TCP's reset, or HTTP/2's RST_STREAM."""

    @abstractmethod
    def pause(self, seconds: float) -> bool:
        """Wait; return False when the site is stopping."""


class RawAnswer(Answer):
    """What HTTP/1.1 lets one do besides."""

    @abstractmethod
    def raw(self, data: bytes) -> None:
        """Send bytes."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection after this response."""

    @abstractmethod
    def receive(self, size: int) -> bytes:
        """Return exactly so many further bytes from the client (WebSocket); fewer at the end."""

    @abstractmethod
    def switched(self) -> None:
        """Say that the connection is a WebSocket from here on."""


Handler = Callable[[Ask, Answer], None]
Kind = Literal["ordinary", "crash"]


@dataclass(frozen=True)
class Situation:
    """What a page can make happen."""

    name: str
    what: str
    handler: Handler
    script: str = ""
    html: str = ""
    host: str = "one.test"
    """Where its own page stands."""
    kind: Kind = "ordinary"


SITUATIONS: dict[str, Situation] = {}
ROUTES: dict[str, Handler] = {}


def situation(
    name: str,
    what: str,
    *,
    script: str = "",
    html: str = "",
    host: str = "one.test",
    kind: Kind = "ordinary",
) -> Callable[[Handler], Handler]:
    """Enter a function as the answer to `/name`, and as a situation of the site."""

    def enter(handler: Handler) -> Handler:
        SITUATIONS[name] = Situation(name, what, handler, script, html, host, kind)
        return at(f"/{name}")(handler)

    return enter


def at(path: str) -> Callable[[Handler], Handler]:
    """Enter a function as the answer to a path."""

    def enter(handler: Handler) -> Handler:
        ROUTES[path] = handler
        return handler

    return enter


def find(path: str) -> Handler | None:
    """Return the answer to a path: the whole of it, or its first part."""
    return ROUTES.get(path) or ROUTES.get("/" + path.lstrip("/").split("/")[0])
