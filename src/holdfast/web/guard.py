"""What every answer of the workbench carries, and which requests are not heard at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
"""The Content-Security-Policy of our own pages: nothing inline, nothing from elsewhere."""

HEADERS = {
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


class Guard:
    """Refuses what another site's page sends in a person's name; sets the headers of answers."""

    def __init__(self, app: ASGIApp, origins: frozenset[str]) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        # The interface for programs judges by itself (api/door.py), and answers in its own form.
        program = scope["path"].startswith("/api/")
        why = "" if program else refused(scope["method"], headers, self._origins)
        if why:
            await PlainTextResponse(f"{why}\n", 403)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)


def refused(method: str, headers: Headers, origins: frozenset[str]) -> str:
    """Return why a request is not heard; empty: it is.

    Browsers say where a request that changes something comes from: in Origin always, in
    Sec-Fetch-Site where they know it (Fetch Metadata Request Headers, section 2.1). A program
    says neither; it has no cookie of a person's either, so a cookie without Origin is refused.
    """
    if method in SAFE:
        return ""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site not in {None, "same-origin", "none"}:
        return "this was sent by a page of another site"
    if origin is not None and origin not in origins:
        return "this was sent by a page of another site"
    if origin is None and headers.get("cookie") is not None:
        return "a browser says where a change comes from, and this one did not"
    return ""
