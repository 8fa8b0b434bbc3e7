"""Browsing history of Chromium and its kin (Chrome, Edge, Brave, Opera): the `History` database.

Schema: Chromium's `components/history/core/browser/` (`url_database.cc`, `visit_database.cc`,
`download_database.cc`); transition types: `ui/base/page_transition_types.h`. Columns have come
and gone since 2008: one that is missing gives null. Times are microseconds since 1601, but for
downloads of the first schemas (with a `full_path`), which are seconds since 1970.

A visit with source `synced` was made on another device of the same account.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine.parsers import _sqlite
from holdfast.examine.record import EXACT, Failure, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.examine.file import EvidenceFile

_1601 = 11_644_473_600_000_000
_INT64 = 2**63

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


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserVisit(Record):
    """One visit of one page."""

    KIND: ClassVar[str] = "browser.visit"

    url: str | None = None
    title: str | None = None
    transition: str | None = None
    """How the visit began: `link`, `typed`, `reload` ..."""
    qualifiers: list[str] = field(default_factory=list)
    duration: int | None = None
    """Microseconds the page was shown; 0 where the browser didn't say."""
    from_visit: int | None = None
    """Row of the visit that led here; None where there was none."""
    referrer: str | None = None
    """URL of that visit, or of the outside page that led here."""
    visit_count: int | None = None
    """Visits of the URL in all, as the browser counted."""
    typed_count: int | None = None
    source: str | None = None
    """`browsed` on this device, `synced` from another, imported or by an extension."""
    originator: str | None = None
    """The other device's id (`originator_cache_guid`) of a synced visit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserDownload(Record):
    """One download."""

    KIND: ClassVar[str] = "browser.download"

    url: str | None = None
    """Where the bytes came from: the last URL of the redirect chain."""
    url_chain: list[str] = field(default_factory=list)
    target_path: str | None = None
    tab_url: str | None = None
    referrer: str | None = None
    end_time: int | None = None
    received_bytes: int | None = None
    total_bytes: int | None = None
    state: str | None = None
    danger: str | None = None
    interrupt_reason: int | None = None
    """Chromium's code (`download_interrupt_reason_values.h`); 0 is none."""
    mime_type: str | None = None
    opened: bool | None = None
    last_access_time: int | None = None
    guid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSearchTerm(Record):
    """What was searched for, and the page of results."""

    KIND: ClassVar[str] = "browser.search_term"

    term: str | None = None
    url: str | None = None


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


def match(file: EvidenceFile) -> bool:
    """Accept an SQLite file whose schema has Chromium's `urls` and `visits`."""
    return _sqlite.has_tables(
        file,
        {"urls": ("last_visit_time", "typed_count"), "visits": ("visit_time", "from_visit")},
    )


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield visits, downloads, search terms; a table that breaks off gives a `Failure`.

    Raises:
        sqlite3.DatabaseError: the schema itself can't be read.
        OSError: the file can't be copied.
    """
    with _sqlite.opened(file) as database:
        for table, read in (
            ("visits", _visits),
            ("downloads", _downloads),
            ("keyword_search_terms", _search_terms),
        ):
            last: int | None = None
            try:
                for record in read(database):
                    last = record.row
                    yield record
            except sqlite3.Error as error:
                after = "before its first row" if last is None else f"after row {last}"
                yield Failure(
                    message=f"table {table} breaks off {after}",
                    reason=_sqlite.reason(error),
                    row=last,
                )


def _select(wanted: tuple[str, ...], have: set[str], alias: str) -> str:
    return ", ".join(f'{alias}."{name}"' if name in have else "NULL" for name in wanted)


def _visits(database: _sqlite.Database) -> Iterator[Record]:
    visits, urls = database.columns("visits"), database.columns("urls")
    sources = database.columns("visit_source")
    if "url" not in visits:
        return
    by_source = "LEFT JOIN visit_source s ON s.rowid = v.rowid" if "source" in sources else ""
    before = "LEFT JOIN visits p ON p.rowid = v.from_visit LEFT JOIN urls r ON r.rowid = p.url"
    known_before = "from_visit" in visits and "url" in urls
    query = (
        f"SELECT v.rowid, {_select(_VISIT_COLUMNS, visits, 'v')}, "  # noqa: S608 - fixed names only
        f"{_select(_URL_COLUMNS, urls, 'u')}, {'s.source' if by_source else 'NULL'}, "
        f"{'r.url' if known_before else 'NULL'} "
        f"FROM visits v LEFT JOIN urls u ON u.rowid = v.url {by_source} "
        f"{before if known_before else ''} ORDER BY v.rowid"
    )
    for row in database.rows(query):
        rowid, time, from_visit, transition, duration, outside, originator = row[:7]
        url, title, visit_count, typed_count, source, referrer = row[7:]
        when, shown, kind = _time(time), _text(url), _int(transition)
        yield BrowserVisit(
            message=f"{_text(title) or ''} {shown or '(URL is gone)'}".strip(),
            time=when,
            time_meaning=None if when is None else "visited",
            time_quality=None if when is None else EXACT,
            row=_int(rowid),
            url=shown,
            title=_text(title),
            transition=None if kind is None else _named(_CORE, kind & 0xFF),
            qualifiers=[name for bit, name in _QUALIFIERS.items() if (kind or 0) & bit],
            duration=_int(duration),
            from_visit=_int(from_visit) or None,
            referrer=_text(referrer) or _text(outside) or None,
            visit_count=_int(visit_count),
            typed_count=_int(typed_count),
            # Only visits that were not plain browsing have a row in visit_source.
            source=_named(_SOURCES, 1 if source is None else _int(source)) if sources else None,
            originator=_text(originator) or None,
        )


def _downloads(database: _sqlite.Database) -> Iterator[Record]:
    have = database.columns("downloads")
    if "start_time" not in have:
        return
    chains = {"id", "chain_index", "url"} <= database.columns("downloads_url_chains")
    to_time: Callable[[object], int | None] = _seconds if "full_path" in have else _time
    query = (
        f"SELECT d.rowid, {_select(_DOWNLOAD_COLUMNS, have, 'd')} "  # noqa: S608 - fixed names only
        "FROM downloads d ORDER BY d.rowid"
    )
    for row in database.rows(query):
        rowid, *values = row
        one = dict(zip(_DOWNLOAD_COLUMNS, values, strict=True))
        chain = [_text(url) or "" for url in database.values(_CHAIN, rowid)] if chains else []
        when = to_time(one["start_time"])
        url = _text(one["url"]) or (chain[-1] if chain else None)
        path = _text(one["target_path"]) or _text(one["full_path"]) or _text(one["current_path"])
        opened = _int(one["opened"])
        yield BrowserDownload(
            message=f"{path or '(no path)'} from {url or '(no URL)'}",
            time=when,
            time_meaning=None if when is None else "download started",
            time_quality=None if when is None else EXACT,
            row=_int(rowid),
            url=url,
            url_chain=chain,
            target_path=path,
            tab_url=_text(one["tab_url"]) or None,
            referrer=_text(one["referrer"]) or None,
            end_time=to_time(one["end_time"]),
            received_bytes=_int(one["received_bytes"]),
            total_bytes=_int(one["total_bytes"]),
            state=_named(_STATES, _int(one["state"])),
            danger=_named(_DANGERS, _int(one["danger_type"])),
            interrupt_reason=_int(one["interrupt_reason"]),
            mime_type=_text(one["mime_type"]) or None,
            opened=None if opened is None else bool(opened),
            last_access_time=_time(one["last_access_time"]),
            guid=_text(one["guid"]) or None,
        )


def _search_terms(database: _sqlite.Database) -> Iterator[Record]:
    have, urls = database.columns("keyword_search_terms"), database.columns("urls")
    if not {"url_id", "term"} <= have:
        return
    query = (
        f"SELECT k.rowid, k.term, {_select(('url', 'last_visit_time'), urls, 'u')} "  # noqa: S608 - fixed names only
        "FROM keyword_search_terms k LEFT JOIN urls u ON u.rowid = k.url_id ORDER BY k.rowid"
    )
    for rowid, term, url, time in database.rows(query):
        when = _time(time)
        yield BrowserSearchTerm(
            message=f"searched for: {_text(term) or ''}",
            time=when,
            time_meaning=None if when is None else "last visited",
            time_quality=None if when is None else EXACT,
            row=_int(rowid),
            term=_text(term),
            url=_text(url),
        )


# SQLite types values, not columns: what stands in a column may be anything.


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return None if value is None else str(value)


def _time(value: object) -> int | None:
    """Return microseconds since 1970 of microseconds since 1601; 0 stands for no time."""
    return value - _1601 if isinstance(value, int) and _1601 - _INT64 <= value != 0 else None


def _seconds(value: object) -> int | None:
    fits = isinstance(value, int) and 0 < value < _INT64 // 1_000_000
    return value * 1_000_000 if fits and isinstance(value, int) else None


def _named(names: tuple[str, ...], number: int | None) -> str | None:
    """Return the name of `number`, or the number itself where a newer browser added one."""
    if number is None:
        return None
    return names[number] if 0 <= number < len(names) else str(number)
