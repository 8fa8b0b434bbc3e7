"""Cookies of Chromium and its kin (Chrome, Edge, Brave, Opera): the `Cookies` database.

Schema: Chromium's `net/extras/sqlite/sqlite_persistent_cookie_store.cc`. Times are microseconds
since 1601. Values are encrypted (`encrypted_value`) on all systems since 2014 but some Linux ones;
a value is never taken over, encrypted or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine.parsers import _sqlite
from holdfast.examine.parsers._browser import (
    BrowserCookie,
    cookie,
    flag,
    named,
    since_1601,
    text,
    whole,
)
from holdfast.examine.record import Record, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
DECODERS: tuple[str, ...] = ("sqlite3",)
RECORDS: tuple[type[Record], ...] = (BrowserCookie,)
SCHEMA: dict[str, tuple[str, ...]] = {
    "cookies": ("creation_utc", "host_key", "expires_utc", "last_access_utc")
}
_COLUMNS = (
    "creation_utc", "host_key", "top_frame_site_key", "name", "value", "encrypted_value", "path",
    "expires_utc", "is_secure", "secure", "is_httponly", "httponly", "last_access_utc",
    "last_update_utc", "is_persistent", "persistent", "samesite", "source_port",
)  # fmt: skip
_SITES = ("none", "lax", "strict")
_UNSET = -1


def _cookies(database: _sqlite.Database) -> Iterator[Record]:
    for row in database.records("cookies", _COLUMNS):
        sealed = row["encrypted_value"]
        encrypted = bool(sealed) and not row["value"]
        persistent = _either(row, "is_persistent", "persistent")
        site, port = whole(row["samesite"]), whole(row["source_port"])
        yield cookie(
            sealed if encrypted else row["value"],
            encrypted=encrypted,
            domain=text(row["host_key"]),
            name=text(row["name"]),
            **timed(since_1601(row["creation_utc"]), "cookie made"),
            row=whole(row["rowid"]),
            cookie_path=text(row["path"]),
            last_access_time=since_1601(row["last_access_utc"]),
            until_time=since_1601(row["expires_utc"]),
            modified_time=since_1601(row["last_update_utc"]),
            secure=_either(row, "is_secure", "secure"),
            http_only=_either(row, "is_httponly", "httponly"),
            same_site="unset" if site == _UNSET else named(_SITES, site),
            persistent=persistent,
            partition=text(row["top_frame_site_key"]) or None,
            server_port=None if port is None or port < 0 else port,
        )


def _either(row: dict[str, object], new: str, old: str) -> bool | None:
    """Return a flag by its name of today, or that of before 2018."""
    return flag(row[old] if row[new] is None else row[new])


match, parse = _sqlite.parser(SCHEMA, {"cookies": _cookies})
