"""A visit and a download on their way into the history, before they have rows."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.testing.scenario import chromium


@dataclass(eq=False)
class Visit:
    """A visit before it has a row: rows are numbered in the order of time."""

    time: int
    url: str
    title: str
    transition: int
    before: Visit | None = None
    """The visit it came from."""
    stay: int = 0
    role: str = ""
    words: str = ""
    synced: bool = False
    rowid: int = 0
    segment: int = 0


@dataclass(frozen=True)
class Download:
    """A file the browser fetched, with the bytes it got."""

    time: int
    chain: tuple[str, ...]
    """The URLs from the one that was asked for to the one the bytes came from."""
    tab_url: str
    """The page it was asked for on."""
    name: str
    mime: str
    data: bytes
    role: str = ""
    state: int = chromium.COMPLETE
