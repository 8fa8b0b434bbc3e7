"""The record of a request, which every web server's log gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from holdfast.examine.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAccess(Record):
    """One request as the server logged it."""

    KIND: ClassVar[str] = "web.access"

    client: str | None = None
    """Who connected: an address, or a name where the server looked it up."""
    identity: str | None = None
    method: str | None = None
    target: str | None = None
    """The request target; the whole request line where it is no HTTP request."""
    protocol: str | None = None
    status: int | None = None
    size: int | None = None
    """Bytes of the response's body as sent."""
    referrer: str | None = None
    user_agent: str | None = None
    vhost: str | None = None
    extra: str | None = None
