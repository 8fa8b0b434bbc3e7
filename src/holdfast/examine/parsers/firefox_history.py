"""Browsing history of Firefox and its kin (Thunderbird, Tor Browser): `places.sqlite`.

Schema: Firefox's `toolkit/components/places/nsPlacesTables.h`; visit types:
`nsINavHistoryService.idl`. Times are microseconds since 1970. Downloads are annotations of their
page (`downloads/destinationFileURI`, `downloads/metaData`); before Firefox 26 they had a database.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from holdfast.examine.parsers import _sqlite
from holdfast.examine.parsers._browser import (
    BrowserAnnotation,
    BrowserBookmark,
    BrowserDownload,
    BrowserVisit,
    line,
    milliseconds,
    named,
    since_1970,
    text,
    whole,
)
from holdfast.examine.record import Record, timed

if TYPE_CHECKING:
    from collections.abc import Iterator


VERSION = 1
DECODERS: tuple[str, ...] = ("python", "sqlite3")
RECORDS: tuple[type[Record], ...] = (
    BrowserVisit, BrowserBookmark, BrowserAnnotation, BrowserDownload,
)  # fmt: skip
SCHEMA: dict[str, tuple[str, ...]] = {
    "moz_places": ("url",), "moz_historyvisits": ("place_id", "visit_date", "visit_type"),
}  # fmt: skip

_TYPES = (
    "0", "link", "typed", "bookmark", "embed", "redirect_permanent", "redirect_temporary",
    "download", "framed_link", "reload",
)  # fmt: skip
_SOURCES = ("organic", "sponsored", "bookmarked", "searched")
_STATES = {0: "in_progress", 1: "complete", 2: "interrupted", 3: "cancelled", 4: "paused"}
_DESTINATION = "downloads/destinationFileURI"
_META = "downloads/metaData"
_PLACE = ("url", "title", "visit_count", "typed")
_VISIT = ("visit_date", "visit_type", "from_visit", "source")
_ANNOTATION = ("content", "dateadded", "lastmodified")
_BOOKMARK = ("title", "dateadded", "lastmodified", "guid")


def _visits(database: _sqlite.Database) -> Iterator[Record]:
    places, visits = database.columns("moz_places"), database.columns("moz_historyvisits")
    if not {"place_id", "visit_date"} <= visits:
        return
    before = "from_visit" in visits
    query = (
        f"SELECT v.rowid, {_sqlite.select(_VISIT, visits, 'v')}, "  # noqa: S608 - fixed names only
        f"{_sqlite.select(_PLACE, places, 'p')}, {'r.url' if before else 'NULL'} "
        "FROM moz_historyvisits v LEFT JOIN moz_places p ON p.rowid = v.place_id "
        + ("LEFT JOIN moz_historyvisits b ON b.rowid = v.from_visit "
           "LEFT JOIN moz_places r ON r.rowid = b.place_id " if before else "")
        + "ORDER BY v.rowid"
    )  # fmt: skip
    for row in database.rows(query):
        rowid, date, kind, from_visit, source, url, title, count, typed, referrer = row
        when = since_1970(date)
        shown = text(url) or "(URL is gone)"
        yield BrowserVisit(
            message=line(f"{text(title) or ''} {shown}".strip()),
            **timed(when, "visited"),
            row=whole(rowid),
            url=text(url),
            title=text(title),
            transition=named(_TYPES, whole(kind)),
            from_visit=whole(from_visit) or None,
            referrer=text(referrer),
            visit_count=whole(count),
            typed_count=whole(typed),
            source=named(_SOURCES, whole(source)),
        )


def _bookmarks(database: _sqlite.Database) -> Iterator[Record]:
    have, places = database.columns("moz_bookmarks"), database.columns("moz_places")
    if not {"fk", "parent", "type"} <= have or "url" not in places:
        return
    query = (
        f"SELECT b.rowid, {_sqlite.select(_BOOKMARK, have, 'b')}, p.url, "  # noqa: S608 - fixed names only
        f"{'f.title' if 'title' in have else 'NULL'} FROM moz_bookmarks b "
        "LEFT JOIN moz_places p ON p.rowid = b.fk "
        "LEFT JOIN moz_bookmarks f ON f.rowid = b.parent ORDER BY b.rowid"
    )
    for rowid, title, added, modified, guid, url, folder in database.rows(query):
        when = since_1970(added)
        yield BrowserBookmark(
            message=line(f"{text(title) or ''} {text(url) or '(folder)'}".strip()),
            **timed(when, "bookmarked"),
            row=whole(rowid),
            url=text(url),
            title=text(title),
            folder=text(folder) or None,
            modified_time=since_1970(modified),
            guid=text(guid),
        )


def _annotations(database: _sqlite.Database) -> Iterator[Record]:
    have, names = database.columns("moz_annos"), database.columns("moz_anno_attributes")
    if not {"place_id", "anno_attribute_id"} <= have or "name" not in names:
        return
    query = (
        f"SELECT a.rowid, {_sqlite.select(_ANNOTATION, have, 'a')}, n.name, p.url, a.place_id "  # noqa: S608 - fixed names only
        "FROM moz_annos a LEFT JOIN moz_anno_attributes n ON n.rowid = a.anno_attribute_id "
        "LEFT JOIN moz_places p ON p.rowid = a.place_id ORDER BY a.rowid"
    )
    for rowid, content, added, modified, name, url, place in database.rows(query):
        when = since_1970(added)
        if name == _DESTINATION:
            meta = database.values(
                "SELECT a.content FROM moz_annos a JOIN moz_anno_attributes n "
                "ON n.rowid = a.anno_attribute_id WHERE a.place_id = ? AND n.name = ? LIMIT 1",
                place,
                _META,
            )
            yield _download(whole(rowid), text(url), text(content), when, meta)
            continue
        yield _annotation(rowid, content, added, modified, name, url)


def _item_annotations(database: _sqlite.Database) -> Iterator[Record]:
    """Yield what was noted about bookmarks (before Firefox 66)."""
    have, names = database.columns("moz_items_annos"), database.columns("moz_anno_attributes")
    items = database.columns("moz_bookmarks")
    if not {"item_id", "anno_attribute_id"} <= have or "name" not in names or "fk" not in items:
        return
    query = (
        f"SELECT a.rowid, {_sqlite.select(_ANNOTATION, have, 'a')}, n.name, p.url "  # noqa: S608 - fixed names only
        "FROM moz_items_annos a LEFT JOIN moz_anno_attributes n ON n.rowid = a.anno_attribute_id "
        "LEFT JOIN moz_bookmarks b ON b.rowid = a.item_id "
        "LEFT JOIN moz_places p ON p.rowid = b.fk ORDER BY a.rowid"
    )
    for rowid, content, added, modified, name, url in database.rows(query):
        yield _annotation(rowid, content, added, modified, name, url)


def _annotation(*values: object) -> Record:
    rowid, content, added, modified, name, url = values
    when = since_1970(added)
    return BrowserAnnotation(
        message=line(f"{text(name) or ''} {text(url) or ''}".strip()),
        **timed(when, "noted"),
        row=whole(rowid),
        url=text(url),
        name=text(name),
        content=text(content),
        modified_time=since_1970(modified),
    )


def _download(
    rowid: int | None, url: str | None, place: str | None, when: int | None, meta: list[object]
) -> Record:
    facts: dict[str, Any] = {}
    if meta and isinstance(meta[0], str):
        try:
            found = json.loads(meta[0])
            facts = found if isinstance(found, dict) else {}
        except (ValueError, RecursionError):
            pass  # the annotation itself is a record, with its text as it is
    path = unquote(place, errors="backslashreplace") if place else None
    state = whole(facts.get("state"))
    return BrowserDownload(
        message=line(f"{path or '(no path)'} from {url or '(no URL)'}"),
        **timed(when, "download started"),
        row=rowid,
        url=url,
        target_path=path,
        end_time=milliseconds(facts.get("endTime")),
        total_bytes=whole(facts.get("fileSize")),
        state=None if state is None else _STATES.get(state, str(state)),
    )


match, parse = _sqlite.parser(
    SCHEMA,
    {
        "moz_historyvisits": _visits,
        "moz_bookmarks": _bookmarks,
        "moz_annos": _annotations,
        "moz_items_annos": _item_annotations,
    },
)
