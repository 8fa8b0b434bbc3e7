"""Cookies of Firefox and its kin (Thunderbird, Tor Browser): `cookies.sqlite`.

Schema: Firefox's `netwerk/cookie/CookiePersistentStorage.cpp`. Creation, access and change are
microseconds since 1970; the end is in seconds, since schema 16 in milliseconds, told apart by size.
Values stand in the clear, and are never taken over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine.parsers import _sqlite
from holdfast.examine.parsers._browser import (
    BrowserCookie,
    cookie,
    flag,
    milliseconds,
    named,
    seconds,
    since_1970,
    text,
    whole,
)
from holdfast.examine.record import Record, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
DECODERS: tuple[str, ...] = ("sqlite3",)
RECORDS: tuple[type[Record], ...] = (BrowserCookie,)
SCHEMA: dict[str, tuple[str, ...]] = {"moz_cookies": ("name", "host", "expiry", "lastaccessed")}
_COLUMNS = (
    "originattributes", "name", "value", "host", "path", "expiry", "lastaccessed", "creationtime",
    "updatetime", "issecure", "ishttponly", "samesite",
)  # fmt: skip
_SITES = ("none", "lax", "strict")
_UNSET = 256
_MILLISECONDS = 10**11
"""From this on, an end counts milliseconds: in seconds it would be the year 5138."""


def _cookies(database: _sqlite.Database) -> Iterator[Record]:
    for row in database.records("moz_cookies", _COLUMNS):
        site, end = whole(row["samesite"]), whole(row["expiry"])
        fine = end is not None and end >= _MILLISECONDS
        yield cookie(
            row["value"],
            encrypted=False,
            domain=text(row["host"]),
            name=text(row["name"]),
            **timed(since_1970(row["creationtime"]), "cookie made"),
            row=whole(row["rowid"]),
            cookie_path=text(row["path"]),
            last_access_time=since_1970(row["lastaccessed"]),
            until_time=milliseconds(end) if fine else seconds(end),
            modified_time=since_1970(row["updatetime"]),
            secure=flag(row["issecure"]),
            http_only=flag(row["ishttponly"]),
            same_site="unset" if site == _UNSET else named(_SITES, site),
            persistent=True,  # those of a session are in another file
            partition=text(row["originattributes"]) or None,
        )


match, parse = _sqlite.parser(SCHEMA, {"moz_cookies": _cookies})
