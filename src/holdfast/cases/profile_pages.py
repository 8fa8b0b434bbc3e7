"""Which pages are a person's profile, and which of them were approved: plain values, without I/O.

A pattern is `HOST/PATH`, where `*` in the path stands for anything, at least one character:

    facebook.com/*      any page of that host, or of a host below it, but its front page
    linkedin.com/in/*   those below /in/ alone

What is approved is a page's address: that very page and what lies below it, on the same host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from holdfast.cases.web_scope import Place
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTING = "web.profiles"
DEFAULT = (
    "bsky.app/profile/*",
    "facebook.com/*",
    "fb.com/*",
    "github.com/*",
    "instagram.com/*",
    "linkedin.com/in/*",
    "ok.ru/profile/*",
    "pinterest.com/*",
    "reddit.com/u/*",
    "reddit.com/user/*",
    "snapchat.com/add/*",
    "t.me/*",
    "threads.net/@*",
    "tiktok.com/@*",
    "twitter.com/*",
    "vk.com/*",
    "wa.me/*",
    "weibo.com/u/*",
    "x.com/*",
    "youtube.com/@*",
)
"""What a unit begins with. A page that stands on no list is captured like any other: keep it."""
_PATTERN = re.compile(r"([a-z0-9-]+(?:\.[a-z0-9-]+)+)(/[!-~]*)")
_FRONTS = ("www.", "m.", "mobile.", "old.", "mbasic.", "web.")
"""Other doors to the same pages."""


@dataclass(frozen=True)
class Patterns:
    """The pages that a unit marks as profiles."""

    texts: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Patterns:
        """Read patterns.

        Raises:
            InputError: one is none.
        """
        found = tuple(sorted({text.strip().lower() for text in texts}))
        for text in found:
            if not _PATTERN.fullmatch(text) or "**" in text:
                raise InputError(
                    f"{text[:200]!r} is no pattern of pages", "give HOST/PATH: social.example/u/*"
                )
        return cls(found)

    def marks(self, url: str) -> bool:
        """Say whether a URL is a person's profile, or lies below one."""
        try:
            place = Place.parse(url)
        except InputError:
            return False
        return any(_matches(text, place) for text in self.texts)


def _matches(text: str, place: Place) -> bool:
    found = _PATTERN.fullmatch(text)
    if found is None:
        return False
    host, path = found.groups()
    if place.host != host and not place.host.endswith(f".{host}"):
        return False
    wanted = ".+".join(re.escape(piece) for piece in path.split("*"))
    # Below it, too: what lies under a profile is the person's as well.
    return re.fullmatch(f"{wanted}(/.*)?", place.path.lower(), re.DOTALL) is not None


@dataclass(frozen=True)
class ProfilePage:
    """The address of one profile."""

    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    """Some networks name the person here (`profile.php?id=…`), so it must be the same."""

    @classmethod
    def parse(cls, url: str) -> ProfilePage:
        """Take a profile's address apart.

        Raises:
            InputError: it is no address of a web page, or of a whole network.
        """
        place = Place.parse(url)
        query = tuple(sorted(parse_qsl(urlsplit(url.strip()).query, keep_blank_values=True)))
        path = place.path.rstrip("/").lower()
        if not path and not query:
            raise InputError(f"{url[:200]!r} names a network, not a person's page")
        host = place.host
        for front in _FRONTS:
            host = host.removeprefix(front)
        return cls(host, path, query)

    def covers(self, url: str) -> bool:
        """Say whether `url` is this page, or lies below it."""
        try:
            other = ProfilePage.parse(url)
        except InputError:
            return False
        below = not self.query and other.path.startswith(f"{self.path}/")
        return (
            self.host == other.host
            and (self.path == other.path or below)
            and self.query == other.query
        )
