"""What a visit is asked to do, and what came of it: plain values, without I/O."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holdfast.collect.web.behaviour import Limits
from holdfast.core import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.collect.web.refusals import Refusal
    from holdfast.collect.web.state import Stored
    from holdfast.collect.web.views import View


@dataclass(frozen=True)
class Plan:
    """What is to be visited, and for how long."""

    url: str
    timeout: float = 60.0
    """Seconds until the page must have loaded and been scrolled."""
    settle: float = 3.0
    """Seconds that it may go on loading after that, at most."""
    scroll: Limits | None = field(default_factory=Limits)
    cookies: tuple[dict[str, Any], ...] = ()
    stored: tuple[Stored, ...] = ()
    """What the browser is signed in with."""
    refuses: Callable[[str], Refusal | None] = lambda _url: None
    """Why a main page's URL may not be loaded; None where it may."""


@dataclass
class Page:
    """A page that the browser has open."""

    session: str
    target: str
    url: str = ""
    opener: str | None = None
    frame: str = ""
    loaded: asyncio.Event = field(default_factory=asyncio.Event)
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    crashed: bool = False

    def owns(self, frame: str) -> bool:
        """Say whether a frame is this page's own, and none in it."""
        return frame in {self.frame, self.target}


@dataclass
class Seen:
    """What came of a visit."""

    events: list[dict[str, Any]] = field(default_factory=list)
    """Dialogs, pop-ups, downloads, pages out of scope: each with its time."""
    behaviours: list[dict[str, Any]] = field(default_factory=list)
    losses: list[dict[str, Any]] = field(default_factory=list)
    """Lines for the loss ledger, without their numbers."""
    views: list[View] = field(default_factory=list)
    version: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    """Where the main page ended."""
    title: str = ""
    error: str | None = None
    """Why the main page did not load, in the browser's words."""
    links: list[str] = field(default_factory=list)

    def lost(self, kind: str, what: str, why: str) -> None:
        """Enter something that is missing."""
        self.losses.append({"exchange": None, "kind": kind, "what": what, "why": why})

    def refused(self, refusal: Refusal) -> tuple[str, ...]:
        """Return the main pages that were not loaded for this reason."""
        return tuple(str(one["url"]) for one in self.events if one["event"] == refusal.event)

    def happened(self, event: str, /, **facts: Any) -> None:
        """Enter something that happened."""
        self.events.append({"event": event, "time": clock.to_text(clock.now()), **facts})
