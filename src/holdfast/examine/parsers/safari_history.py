"""Browsing history of Safari: `History.db`.

Schema: as Safari 8 to 18 create it (Apple publishes none). Times are seconds since 2001, with a
fraction. `origin` 1 is a visit that iCloud brought from another device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine.parsers import _sqlite
from holdfast.examine.parsers._browser import BrowserVisit, line, named, since_2001, text, whole
from holdfast.examine.record import Record, timed

if TYPE_CHECKING:
    from collections.abc import Iterator


VERSION = 1
DECODERS: tuple[str, ...] = ("sqlite3",)
RECORDS: tuple[type[Record], ...] = (BrowserVisit,)
SCHEMA: dict[str, tuple[str, ...]] = {
    "history_items": ("url", "visit_count"), "history_visits": ("history_item", "visit_time"),
}  # fmt: skip
_VISIT = ("visit_time", "title", "redirect_source", "origin")
_ITEM = ("url", "visit_count")


def _visits(database: _sqlite.Database) -> Iterator[Record]:
    visits, items = database.columns("history_visits"), database.columns("history_items")
    if "history_item" not in visits:
        return
    redirected = "redirect_source" in visits and "url" in items
    query = (
        f"SELECT v.rowid, {_sqlite.select(_VISIT, visits, 'v')}, "  # noqa: S608 - fixed names only
        f"{_sqlite.select(_ITEM, items, 'i')}, {'r.url' if redirected else 'NULL'} "
        "FROM history_visits v LEFT JOIN history_items i ON i.rowid = v.history_item "
        + ("LEFT JOIN history_visits b ON b.rowid = v.redirect_source "
           "LEFT JOIN history_items r ON r.rowid = b.history_item " if redirected else "")
        + "ORDER BY v.rowid"
    )  # fmt: skip
    for rowid, time, title, source, origin, url, count, referrer in database.rows(query):
        when = since_2001(time)
        yield BrowserVisit(
            message=line(f"{text(title) or ''} {text(url) or '(URL is gone)'}".strip()),
            **timed(when, "visited"),
            row=whole(rowid),
            url=text(url),
            title=text(title),
            transition="redirect" if source is not None else None,
            from_visit=whole(source),
            referrer=text(referrer),
            visit_count=whole(count),
            source=named(("browsed", "synced"), whole(origin)),
        )


match, parse = _sqlite.parser(SCHEMA, {"history_visits": _visits})
