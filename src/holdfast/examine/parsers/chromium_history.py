"""Browsing history of Chromium and its kin (Chrome, Edge, Brave, Opera): the `History` database.

Schema: Chromium's `components/history/core/browser/` (`url_database.cc`, `visit_database.cc`,
`download_database.cc`); transition types: `ui/base/page_transition_types.h`. Columns have come
and gone since 2008: one that is missing gives null. Times are microseconds since 1601, but for
downloads of the first schemas (with a `full_path`), which are seconds since 1970.

A visit with source `synced` was made on another device of the same account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine.parsers import _sqlite
from holdfast.examine.parsers._browser import (
    BrowserDownload,
    BrowserSearchTerm,
    BrowserVisit,
    named,
    seconds,
    since_1601,
    text,
    whole,
)
from holdfast.examine.record import Record, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_CORE = (
    "link", "typed", "auto_bookmark", "auto_subframe", "manual_subframe", "generated",
    "auto_toplevel", "form_submit", "reload", "keyword", "keyword_generated",
)  # fmt: skip
_QUALIFIERS = {
    0x0020_0000: "from_api_3",
    0x0040_0000: "from_api_2",
    0x0080_0000: "blocked",
    0x0100_0000: "forward_back",
    0x0200_0000: "from_address_bar",
    0x0400_0000: "home_page",
    0x0800_0000: "from_api",
    0x1000_0000: "chain_start",
    0x2000_0000: "chain_end",
    0x4000_0000: "client_redirect",
    0x8000_0000: "server_redirect",
}
_SOURCES = ("synced", "browsed", "extension", "firefox_imported", "ie_imported", "safari_imported")
_STATES = ("in_progress", "complete", "cancelled", "interrupted", "interrupted")
_DANGERS = (
    "not_dangerous", "dangerous_file", "dangerous_url", "dangerous_content",
    "maybe_dangerous_content", "uncommon_content", "user_validated", "dangerous_host",
    "potentially_unwanted", "allowlisted_by_policy", "async_scanning",
    "blocked_password_protected", "blocked_too_large", "sensitive_content_warning",
    "sensitive_content_block", "deep_scanned_safe", "deep_scanned_opened_dangerous",
    "prompt_for_scanning", "blocked_unsupported_filetype", "dangerous_account_compromise",
    "deep_scanned_failed", "prompt_for_local_password_scanning",
)  # fmt: skip


VERSION = 2
DECODERS: tuple[str, ...] = ("sqlite3",)
RECORDS: tuple[type[Record], ...] = (BrowserVisit, BrowserDownload, BrowserSearchTerm)

_CHAIN = "SELECT url FROM downloads_url_chains WHERE id = ? ORDER BY chain_index LIMIT 100"
_VISIT_COLUMNS = ("visit_time", "from_visit", "transition", "visit_duration",
                  "external_referrer_url", "originator_cache_guid")  # fmt: skip
_URL_COLUMNS = ("url", "title", "visit_count", "typed_count")
_DOWNLOAD_COLUMNS = (
    "start_time", "end_time", "full_path", "target_path", "current_path", "url", "tab_url",
    "referrer", "received_bytes", "total_bytes", "state", "danger_type", "interrupt_reason",
    "mime_type", "opened", "last_access_time", "guid",
)  # fmt: skip


SCHEMA: dict[str, tuple[str, ...]] = {
    "urls": ("last_visit_time", "typed_count"),
    "visits": ("visit_time", "from_visit"),
}


def _visits(database: _sqlite.Database) -> Iterator[Record]:
    visits, urls = database.columns("visits"), database.columns("urls")
    sources = database.columns("visit_source")
    if "url" not in visits:
        return
    by_source = "LEFT JOIN visit_source s ON s.rowid = v.rowid" if "source" in sources else ""
    before = "LEFT JOIN visits p ON p.rowid = v.from_visit LEFT JOIN urls r ON r.rowid = p.url"
    known_before = "from_visit" in visits and "url" in urls
    query = (
        f"SELECT v.rowid, {_sqlite.select(_VISIT_COLUMNS, visits, 'v')}, "  # noqa: S608 - fixed names only
        f"{_sqlite.select(_URL_COLUMNS, urls, 'u')}, {'s.source' if by_source else 'NULL'}, "
        f"{'r.url' if known_before else 'NULL'} "
        f"FROM visits v LEFT JOIN urls u ON u.rowid = v.url {by_source} "
        f"{before if known_before else ''} ORDER BY v.rowid"
    )
    for row in database.rows(query):
        rowid, time, from_visit, transition, duration, outside, originator = row[:7]
        url, title, visit_count, typed_count, source, referrer = row[7:]
        when, shown, kind = since_1601(time), text(url), whole(transition)
        yield BrowserVisit(
            message=f"{text(title) or ''} {shown or '(URL is gone)'}".strip(),
            **timed(when, "visited"),
            row=whole(rowid),
            url=shown,
            title=text(title),
            transition=None if kind is None else named(_CORE, kind & 0xFF),
            qualifiers=[name for bit, name in _QUALIFIERS.items() if (kind or 0) & bit],
            duration=whole(duration),
            from_visit=whole(from_visit) or None,
            referrer=text(referrer) or text(outside) or None,
            visit_count=whole(visit_count),
            typed_count=whole(typed_count),
            # Only visits that were not plain browsing have a row in visit_source.
            source=named(_SOURCES, 1 if source is None else whole(source)) if sources else None,
            originator=text(originator) or None,
        )


def _downloads(database: _sqlite.Database) -> Iterator[Record]:
    have = database.columns("downloads")
    if "start_time" not in have:
        return
    chains = {"id", "chain_index", "url"} <= database.columns("downloads_url_chains")
    to_time: Callable[[object], int | None] = seconds if "full_path" in have else since_1601
    for one in database.records("downloads", _DOWNLOAD_COLUMNS):
        chain = [text(url) or "" for url in database.values(_CHAIN, one["rowid"])] if chains else []
        when = to_time(one["start_time"])
        url = text(one["url"]) or (chain[-1] if chain else None)
        path = text(one["target_path"]) or text(one["full_path"]) or text(one["current_path"])
        opened = whole(one["opened"])
        yield BrowserDownload(
            message=f"{path or '(no path)'} from {url or '(no URL)'}",
            **timed(when, "download started"),
            row=whole(one["rowid"]),
            url=url,
            url_chain=chain,
            target_path=path,
            tab_url=text(one["tab_url"]) or None,
            referrer=text(one["referrer"]) or None,
            end_time=to_time(one["end_time"]),
            received_bytes=whole(one["received_bytes"]),
            total_bytes=whole(one["total_bytes"]),
            state=named(_STATES, whole(one["state"])),
            danger=named(_DANGERS, whole(one["danger_type"])),
            interrupt_reason=whole(one["interrupt_reason"]),
            mime_type=text(one["mime_type"]) or None,
            opened=None if opened is None else bool(opened),
            last_access_time=since_1601(one["last_access_time"]),
            guid=text(one["guid"]) or None,
        )


def _search_terms(database: _sqlite.Database) -> Iterator[Record]:
    have, urls = database.columns("keyword_search_terms"), database.columns("urls")
    if not {"url_id", "term"} <= have:
        return
    query = (
        f"SELECT k.rowid, k.term, {_sqlite.select(('url', 'last_visit_time'), urls, 'u')} "  # noqa: S608 - fixed names only
        "FROM keyword_search_terms k LEFT JOIN urls u ON u.rowid = k.url_id ORDER BY k.rowid"
    )
    for rowid, term, url, time in database.rows(query):
        when = since_1601(time)
        yield BrowserSearchTerm(
            message=f"searched for: {text(term) or ''}",
            **timed(when, "last visited"),
            row=whole(rowid),
            term=text(term),
            url=text(url),
        )


match, parse = _sqlite.parser(
    SCHEMA, {"visits": _visits, "downloads": _downloads, "keyword_search_terms": _search_terms}
)
