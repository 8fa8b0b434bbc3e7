"""The page that a command shows in the person's own browser, served to this machine only.

It lives as long as the command. Its address has a token that works once; whoever has the page has a
secret for what the page asks. The page decides nothing: what comes back is verified by the command
(`vault.webauthn`), and again by everybody who checks the log.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sys
import threading
import webbrowser
from base64 import urlsafe_b64decode
from contextlib import ExitStack
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.core.errors import InputError, IntegrityError
from holdfast.core.listening import Request, Response, beside
from holdfast.vault.signing import UnsignedError

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 180.0
"""Seconds that a person has to sign: less than a stamp allows an entry's time to differ."""
POLL = 20.0
"""Seconds after which the page asks anew."""
PORT = "HOLDFAST_PASSKEY_PORT"
BROWSER = "HOLDFAST_BROWSER"
_LARGEST = 200_000
_SAFE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
_STATIC = {
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}


def tell(url: str) -> None:
    """Say where the page is, and open it where there is a screen."""
    sys.stderr.write(f"holdfast: use your passkey on this page:  {url}\n")
    sys.stderr.flush()
    screen = any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
    if screen and os.environ.get(BROWSER) != "no":
        webbrowser.open(url)


class Page:
    """One command's page; the server starts when something is first asked."""

    def __init__(self, tell: Callable[[str], None] = tell, patience: float = PATIENCE) -> None:
        self._tell = tell
        self._patience = patience
        self._open = ExitStack()
        self._port = 0
        self._token = secrets.token_urlsafe(24)
        self._session = secrets.token_urlsafe(24)
        self._changed = threading.Condition()
        self._number = 0
        self._task: dict[str, Any] | None = None
        self._answered: dict[str, Any] = {}

    def ask(self, task: dict[str, Any]) -> dict[str, Any]:
        """Have the page do `task`; return what it gives back.

        Raises:
            UnsignedError: the person refused, or did nothing in time.
            ResourceError: no port can be listened at.
        """
        if not self._port:
            self._port = self._open.enter_context(
                beside(self._answer, port=_port(), max_body=_LARGEST)
            )
            self._tell(f"http://localhost:{self._port}/{self._token}")
        with self._changed:
            self._number += 1
            self._task, self._answered = {**task, "number": self._number}, {}
            self._changed.notify_all()
            self._changed.wait_for(lambda: bool(self._answered), self._patience)
            found, self._task, self._answered = self._answered, None, {}
        if not found:
            raise UnsignedError(
                f"nobody used a passkey on the page within {self._patience:.0f} s",
                "repeat the command",
            )
        if found.get("refused"):
            raise UnsignedError("it was refused on the page", "nothing was entered")
        return found

    def close(self) -> None:
        """Stop serving."""
        self._open.close()

    def _answer(self, request: Request) -> Response:
        # A name that somebody else's DNS leads here is none of ours.
        if request.host != f"localhost:{self._port}":
            return _line(421, "this page is at localhost only")
        if request.method == "GET":
            return self._get(request.path)
        if request.origin != f"http://localhost:{self._port}":
            return _line(403, "only this page's own requests are answered")
        return self._post(request)

    def _post(self, request: Request) -> Response:
        try:
            said = orjson.loads(request.body)
            session, number = str(said["session"]), int(said["number"])
        except (ValueError, TypeError, LookupError):
            return _line(400, "no such request")
        if not hmac.compare_digest(session.encode(), self._session.encode()):
            return _line(403, "this page is another command's")
        todo = {"/next": self._next, "/answer": self._take}.get(request.path)
        return _line(404, "not here") if todo is None else todo(number, said)

    def _get(self, path: str) -> Response:
        if path in _STATIC:
            name, kind = _STATIC[path]
            return Response(200, _file(name), kind, _SAFE)
        with self._changed:
            if self._token and hmac.compare_digest(path.encode(), f"/{self._token}".encode()):
                self._token = ""
                body = _file("page.html").replace(b"SESSION", self._session.encode())
                return Response(200, body, "text/html; charset=utf-8", _SAFE)
        return _line(404, "not here, or opened once already: then repeat the command")

    def _next(self, after: int, _said: dict[str, Any]) -> Response:
        with self._changed:
            self._changed.wait_for(
                lambda: self._task is not None and self._task["number"] > after, POLL
            )
            task = self._task
        return _json({} if task is None or task["number"] <= after else task)

    def _take(self, number: int, said: dict[str, Any]) -> Response:
        with self._changed:
            if self._task is None or self._task["number"] != number or self._answered:
                return _line(409, "that is not asked any more")
            self._answered = said
            self._changed.notify_all()
        return _json({"taken": True})


def _port() -> int:
    text = os.environ.get(PORT, "0")
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise InputError(f"{PORT} is {text[:20]!r}, no port", "give a number up to 65535")
    return int(text)


def _file(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()


def _json(value: dict[str, Any]) -> Response:
    return Response(200, orjson.dumps(value), "application/json", _SAFE)


def _line(status: int, text: str) -> Response:
    return Response(status, f"{text}\n".encode(), headers=_SAFE)


def part(answer: dict[str, Any], name: str) -> bytes:
    """Return a byte string of a page's answer (base64url without padding).

    Raises:
        IntegrityError: it is none.
    """
    text = answer.get(name)
    try:
        if isinstance(text, str) and text.isascii():
            return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        pass
    raise IntegrityError("the page's answer can't be read", "repeat the command")
