"""The origin apart: what of evidence must be live to be seen, where it can reach nothing of ours.

Another port is another origin. It knows no cookie and no session, only tickets (`acts.playing`).
What it serves carries a policy of a sandbox without scripts, forms, windows and requests to
anywhere but this origin; frames hold it, so that no link in it leads a browser away.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from starlette.routing import Route

from holdfast.acts import playing
from holdfast.core.errors import HoldfastError, printable
from holdfast.serving.people import Person
from holdfast.vault.vault import Vault
from holdfast.web import languages
from holdfast.web.app import choose, raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from holdfast.acts.playing import Ticket
    from holdfast.serving.desk import Desk
    from holdfast.web.settings import Settings

HERE = Path(__file__).parent
FRAME = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; media-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""Of our own page around what is live."""
LIVE = (
    "sandbox; default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; media-src 'self'; frame-src 'none'; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'"
)
"""Of what comes out of evidence: it may show itself, and nothing else."""
HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-dns-prefetch-control": "off",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), autoplay=()",
}
CHOICES = ("grey", "sound")
"""What a person chooses for what they look at: in grey; with its sound. It is in the address."""
_CHUNK = 1 << 18
_NOBODY = Person("", "a ticket")


class Apart:
    """The application of the origin apart."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self._desk, self._settings = desk, settings
        self._vault = Vault.open(desk.root)
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self._templates.install_gettext_callables(  # type: ignore[attr-defined]
            languages.gettext, languages.ngettext, newstyle=True
        )
        self._templates.filters["raw"] = raw

    def application(self) -> Starlette:
        """Return it as an application."""
        return Starlette(
            routes=[
                Route("/apart.css", self._style),
                Route("/{ticket}/", self._threaded(self._frame)),
                Route("/{ticket}/files/{name}", self._threaded(self._file)),
                Route("/{ticket}/original", self._threaded(self._original)),
            ]
        )

    def _threaded(
        self, handler: Callable[[Request, Ticket], Response]
    ) -> Callable[[Request], object]:
        async def answer(request: Request) -> Response:
            def work() -> Response:
                choose(request).use()
                try:
                    ticket = playing.Ticket.opened(self._vault, request.path_params["ticket"])
                    return handler(request, ticket)
                except HoldfastError as error:
                    return PlainTextResponse(f"{printable(str(error))}\n", 403, HEADERS)

            return await run_in_threadpool(work)

        return answer

    async def _style(self, _request: Request) -> Response:
        return FileResponse(HERE / "static" / "apart.css", headers=HEADERS)

    def _frame(self, request: Request, ticket: Ticket) -> Response:
        """Show what the ticket is for, in a frame or a player, and say what it is."""
        place = f"{self._settings.url}/cases/{quote(ticket.case)}/items/{ticket.item}"
        query = {"path": ticket.inside} if ticket.inside else {}
        verb = "replay" if ticket.what == "replay" else "play"
        chosen = {name: "1" for name in CHOICES if request.query_params.get(name) == "1"}
        clear = {} if ticket.clear else {"clear": "1"}
        other = f"{place}/{verb}?{urlencode({**query, **clear, **chosen})}"
        found = playing.unfolded(self._vault, ticket) if ticket.what == "replay" else None
        asked = request.query_params.get("page", "0")
        number = int(asked) if asked.isdecimal() and len(asked) < 5 else 0
        html = self._templates.get_template("apart.html").render(
            ticket=ticket, found=found, number=number, back=f"{place}/view", other=other,
            language=languages.present(), served=bool(self._settings.url), chosen=chosen,
            toggled=lambda name: _toggled(chosen, name, number),
        )  # fmt: skip
        return HTMLResponse(html, headers={**HEADERS, "content-security-policy": FRAME})

    def _file(self, request: Request, ticket: Ticket) -> Response:
        """Give a file of a replay; alone in a tab it is put back into its frame."""
        if request.headers.get("sec-fetch-dest") == "document":
            return RedirectResponse("../", 303, HEADERS)
        found, name = playing.unfolded(self._vault, ticket), request.path_params["name"]
        if name not in found.types:
            return PlainTextResponse("not captured\n", 404, HEADERS)
        kind = found.types[name]
        headers = {
            **HEADERS,
            "access-control-allow-origin": "*",  # fonts: the sandbox's origin is nobody's
            "content-security-policy": LIVE,
            "content-type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
        }
        return FileResponse(found.folder / name, headers=headers)

    def _original(self, request: Request, ticket: Ticket) -> Response:
        """Give sound or film, or the part of it that a player asks for (RFC 9110, 14)."""
        if ticket.what != "media" or request.headers.get("sec-fetch-dest") == "document":
            return RedirectResponse("./", 303, HEADERS)
        with self._desk.session(_NOBODY) as session:
            stream = playing.original(session, ticket)
        size = stream.seek(0, 2)
        start, end = _range(request.headers.get("range", ""), size)
        stream.seek(start)
        headers = {
            **HEADERS,
            "accept-ranges": "bytes",
            "content-disposition": "inline",
            "content-length": str(end - start),
            "content-security-policy": LIVE,
        }
        whole = (start, end) == (0, size) and "range" not in request.headers
        if not whole:
            headers["content-range"] = f"bytes {start}-{max(start, end - 1)}/{size}"
        status = 200 if whole else 206
        return StreamingResponse(_pieces(stream, end - start), status, headers, ticket.type)


def _toggled(chosen: dict[str, str], name: str, page: int) -> str:
    """Return the query of the same page with one choice turned over."""
    other = {key: value for key, value in chosen.items() if key != name}
    other |= {} if name in chosen else {name: "1"}
    return urlencode({**other, "page": page})


def _range(asked: str, size: int) -> tuple[int, int]:
    first, _, last = asked.removeprefix("bytes=").partition("-")
    if not asked.startswith("bytes=") or not first.isdecimal() or len(first) > 18:
        return 0, size
    start = min(int(first), size)
    end = int(last) + 1 if last.isdecimal() and len(last) < 19 else size
    return start, max(start, min(end, size))


def _pieces(stream: BinaryIO, left: int) -> Iterator[bytes]:
    with stream:
        while left and (piece := stream.read(min(_CHUNK, left))):
            left -= len(piece)
            yield piece


def by_port(workbench: ASGIApp, apart: ASGIApp, port: int) -> ASGIApp:
    """Return an application that is the origin apart at `port`, and the workbench elsewhere."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        server = scope.get("server")
        if scope["type"] == "http" and server is not None and server[1] == port:
            await apart(scope, receive, send)
        else:
            await workbench(scope, receive, send)

    return answer
