"""What the histories of all browsers have in common: the records, and reading odd columns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, ClassVar

from holdfast.examine.record import Record

_1601 = 11_644_473_600_000_000
_2001 = 978_307_200
_INT64 = 2**63


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


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserBookmark(Record):
    """A bookmark, or a folder of them."""

    KIND: ClassVar[str] = "browser.bookmark"

    url: str | None = None
    """None for a folder."""
    title: str | None = None
    folder: str | None = None
    modified_time: int | None = None
    guid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserAnnotation(Record):
    """What Firefox noted about a page."""

    KIND: ClassVar[str] = "browser.annotation"

    url: str | None = None
    name: str | None = None
    content: str | None = None
    modified_time: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserLogin(Record):
    """A site for which a password was kept, or was not to be. The password is never read."""

    KIND: ClassVar[str] = "browser.login"

    url: str | None = None
    """The origin: scheme, host and port."""
    form_url: str | None = None
    realm: str | None = None
    last_used_time: int | None = None
    password_changed_time: int | None = None
    times_used: int | None = None
    never_save: bool | None = None
    guid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserCookie(Record):
    """A cookie, without its value: that is a key to somebody's account. `time`: when it was made.

    The value's length and digest tell whether two browsers hold the same one.
    """

    KIND: ClassVar[str] = "browser.cookie"

    domain: str | None = None
    """The host that gets it; with a dot before it, those below it too."""
    name: str | None = None
    cookie_path: str | None = None
    encrypted: bool
    """The value is encrypted in the file."""
    value_bytes: int | None = None
    """Of the value as it stands there."""
    value_sha256: str | None = None
    """Of the value as it stands there; short values can be found by trying."""
    last_access_time: int | None = None
    until_time: int | None = None
    modified_time: int | None = None
    secure: bool | None = None
    """Sent over TLS alone."""
    http_only: bool | None = None
    """Hidden from scripts."""
    same_site: str | None = None
    """`none`, `lax`, `strict`; `unset` where the server did not say."""
    persistent: bool | None = None
    """It outlives the browser's session."""
    partition: str | None = None
    """The site or container that it is kept apart for."""
    server_port: int | None = None


def cookie(
    value: object, *, encrypted: bool, domain: str | None, name: str | None, **columns: Any
) -> BrowserCookie:
    """Return a cookie's record, with its value as length and digest only."""
    raw = value if isinstance(value, bytes) else (text(value) or "").encode("utf-8", "replace")
    kept = f"cookie {name or '(no name)'} of {domain or '(no host)'}"
    return BrowserCookie(
        message=line(f"{kept}, value encrypted" if encrypted else kept),
        domain=domain,
        name=name,
        encrypted=encrypted,
        value_bytes=len(raw),
        value_sha256=hashlib.sha256(raw).hexdigest() if raw else None,
        **columns,
    )


# SQLite types values, not columns: what stands in a column may be anything.


def whole(value: object) -> int | None:
    """Return a number that fits into 64 bits; None for anything else."""
    fits = isinstance(value, int) and not isinstance(value, bool) and -_INT64 < value < _INT64
    return value if fits and isinstance(value, int) else None


def text(value: object) -> str | None:
    """Return a value as text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return None if value is None else str(value)


def flag(value: object) -> bool | None:
    """Return what a column that holds 0 or 1 says; None where it says nothing."""
    return None if value is None else bool(value)


def line(value: str) -> str:
    """Return text as one line, for a message."""
    return " ".join(value.split()) if "\n" in value or "\r" in value else value


def since_1601(value: object) -> int | None:
    """Return microseconds since 1970 of microseconds since 1601; 0 stands for no time."""
    return value - _1601 if isinstance(value, int) and _1601 - _INT64 <= value != 0 else None


def since_1970(value: object) -> int | None:
    """Return microseconds since 1970 as they are; 0 stands for no time."""
    return whole(value) or None


def seconds(value: object) -> int | None:
    """Return microseconds since 1970 of seconds since then; 0 stands for no time."""
    fits = isinstance(value, int) and 0 < value < _INT64 // 1_000_000
    return value * 1_000_000 if fits and isinstance(value, int) else None


def milliseconds(value: object) -> int | None:
    """Return microseconds since 1970 of milliseconds since then; 0 stands for no time."""
    fits = isinstance(value, int) and 0 < value < _INT64 // 1000
    return value * 1000 if fits and isinstance(value, int) else None


def since_2001(value: object) -> int | None:
    """Return microseconds since 1970 of seconds since 2001, perhaps with a fraction (Cocoa)."""
    if not isinstance(value, int | float) or not -1e12 < value < 1e12 or value == 0:
        return None
    return round((value + _2001) * 1_000_000)


def named(names: tuple[str, ...], number: int | None) -> str | None:
    """Return the name of `number`, or the number itself where a newer browser added one."""
    if number is None:
        return None
    return names[number] if 0 <= number < len(names) else str(number)
