"""Web archives (WARC, ARC): exchanges, and of each page its forms, scripts, links and text.

Source: ISO 28500:2017 (WARC 1.1) and RFC 9112. `row` is the number of the record in the archive,
from 1, and the body that the opener unfolds from it has that number in its path. A record and the
request that belongs to it (WARC-Concurrent-To) are one exchange.

What phishing lives on stands out. A form that takes a password is marked where it sends it to
another host than the page's, or unencrypted, and its target is an indicator (`form-target`); a
host that scripts are loaded from, other than the page's own, is one too (`script-host`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, TypedDict

from holdfast.examine import _warc
from holdfast.examine.parsers import _page
from holdfast.examine.parsers._pairs import pair
from holdfast.examine.record import DAY_ONLY, EXACT, Failure, Indicator, Record, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.parsers._pairs import Pairs, Request
    from holdfast.examine.record import Timed
    from holdfast.webarchive.message import Head
    from holdfast.webarchive.reader import Trouble

_SHOWN = 300
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?Z)?", re.ASCII
)
_HTML = ("text/html", "application/xhtml+xml")
_CARD = re.compile(r"card.?n|cc.?n|pan\b|cvv|cvc|iban|\bpin\b|\btan\b|\botp\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebExchange(Record):
    """A request and its response, as far as the archive has both."""

    KIND: ClassVar[str] = "web.exchange"

    url: str | None = None
    host: str | None = None
    method: str | None = None
    status: int | None = None
    """None where the archive holds the request alone."""
    peer_ip: str | None = None
    """The address that answered, as the archive's maker wrote it."""
    protocol: str | None = None
    content_type: str | None = None
    location: str | None = None
    """Where a redirect leads."""
    server: str | None = None
    set_cookies: int | None = None
    referrer: str | None = None
    user_agent: str | None = None
    revisit: bool = False
    """Whether the body is kept elsewhere, under an earlier record."""
    record: str | None = None
    """The WARC-Record-ID of the response; of the request where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPage(Record):
    """A page's text as it was served: what scripts add later is not in it."""

    KIND: ClassVar[str] = "web.page"

    url: str | None = None
    host: str | None = None
    title: str | None = None
    language: str | None = None
    text: str | None = None
    truncated: bool = False
    frames: list[str] = field(default_factory=list)
    refresh: str | None = None
    """Where the page sends its reader by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebForm(Record):
    """A form: where it sends what its reader enters."""

    KIND: ClassVar[str] = "web.form"

    url: str | None = None
    host: str | None = None
    action: str | None = None
    """The absolute URL that it sends to."""
    action_host: str | None = None
    method: str | None = None
    fields: list[str] = field(default_factory=list)
    """`name:type` of each field."""
    marks: list[str] = field(default_factory=list)
    """`password`, `card` (a number of a card or account, a code); then what is suspicious:
    `phishing` (these go to another site), `unencrypted`, `mailto`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebScript(Record):
    """A script that a page loads from elsewhere."""

    KIND: ClassVar[str] = "web.script"

    url: str | None = None
    script: str | None = None
    script_host: str | None = None
    other_host: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebLink(Record):
    """A link on a page."""

    KIND: ClassVar[str] = "web.link"

    url: str | None = None
    target: str | None = None
    target_host: str | None = None
    words: str | None = None


VERSION = 2
DECODERS: tuple[str, ...] = ("python", "brotli", "selectolax", "zstandard")
RECORDS: tuple[type[Record], ...] = (
    WebExchange, WebPage, WebForm, WebScript, WebLink, Indicator,
)  # fmt: skip


class _Place(TypedDict):
    offset: int
    row: int


_LOST = frozenset({"header.too-long", "header.unfinished", "record.end", "record.short"})
"""Troubles that mean that something of a record was not read, or may not be what it says."""


def match(file: EvidenceFile) -> bool:
    """Accept WARC and ARC, gzipped or not."""
    return _warc.is_warc(file.head)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield, record by record, its exchange and then what its page holds."""
    pairs = pair(file)
    troubles: list[Trouble] = []
    held: list[Record] = []
    last: _warc.Stored | None = None
    for stored in _warc.records(file, troubles):
        if last is not None:
            yield from _placed(held, last)
        held, last = list(_of(stored, pairs)), stored
    if last is not None:
        yield from _placed(held, last)
    for one in troubles:
        # Told at the end, since they come between the records: the place is in the words.
        yield Failure(
            message=f"at byte {one.offset}: {_line(one.detail)}",
            reason=f"not readable as a web archive's record ({one.rule})",
        )


def _placed(records: list[Record], stored: _warc.Stored) -> Iterator[Record]:
    """Yield records with the bytes that they come from, which are known by now."""
    length = stored.end - stored.offset
    for one in records:
        yield replace(one, length=length) if length > 0 else one
    for trouble in stored.troubles:
        if trouble.rule in _LOST:
            yield Failure(
                message=_line(f"{stored.type} {stored.url}: {trouble.detail}"),
                reason=f"the record is not whole ({trouble.rule})",
                offset=stored.offset,
                length=max(0, length),
                row=stored.number,
            )


def _of(stored: _warc.Stored, pairs: Pairs) -> Iterator[Record]:
    when = _when(stored.date)
    if stored.http and stored.type in {"response", "revisit"}:
        head, pieces = stored.message()
        yield _exchange(stored, head, pairs.request_of(stored), when)
        content_type = (head.get("content-type") or "").lower()
        if content_type.startswith(_HTML):
            yield from _page_of(stored, _warc.body(head, pieces), content_type, when)
    elif stored.http and stored.type == "request":
        head, _ = stored.message()
        if not pairs.answered(stored):
            yield _exchange(stored, head, pairs.request_of(stored), when)
    elif stored.type in {"resource", "conversion", "response"} and stored.media.startswith(_HTML):
        yield from _page_of(stored, stored.pieces, stored.media, when)


def _exchange(stored: _warc.Stored, head: Head, request: Request, when: Timed) -> WebExchange:
    status = head.status() if stored.type != "request" else None
    asked = head.request() if stored.type == "request" else None
    method = request.method or (asked[0] if asked else "")
    url = _page.plain(stored.url)
    words = f"{method} {url} {status[1] if status else ''}".strip()
    location = head.get("location")
    return WebExchange(
        message=_line(words),
        **when,
        offset=stored.offset,
        row=stored.number,
        url=url,
        host=_page.host_of(url) or None,
        method=method or None,
        status=status[1] if status else None,
        peer_ip=stored.address or None,
        protocol=stored.protocol or (status[0] if status else asked[2] if asked else None),
        content_type=head.get("content-type"),
        location=_page.absolute(url, location) if location else None,
        server=head.get("server"),
        set_cookies=sum(name == "set-cookie" for name, _ in head.fields) or None,
        referrer=request.referrer or (head.get("referer") if asked else None),
        user_agent=request.user_agent or (head.get("user-agent") if asked else None),
        revisit=stored.type == "revisit",
        record=stored.id or None,
    )


def _page_of(
    stored: _warc.Stored, pieces: Iterator[bytes], content_type: str, when: Timed
) -> Iterator[Record]:
    raw, cut = _warc.first_bytes(pieces, _page.HTML_LIMIT)
    place: _Place = {"offset": stored.offset, "row": stored.number}
    if cut:
        yield Failure(
            message=_line(stored.url), reason=f"the page is not read whole: {cut}", **place
        )
    if not raw:
        return
    url = _page.plain(stored.url) if stored.url.lower().startswith(("http:", "https:")) else ""
    host = _page.host_of(url)
    page = _page.read(_page.text_of(raw, content_type), url)
    if page.over:
        yield Failure(
            message=_line(stored.url),
            reason=f"over {_page.MOST} links or forms; the rest not read",
            **place,
        )
    yield WebPage(
        message=_line(page.title or url or "(no title)"),
        url=url or None,
        host=host or None,
        title=page.title or None,
        language=page.language or None,
        text=page.text or None,
        truncated=page.truncated,
        frames=page.frames,
        refresh=page.refresh or None,
        **when,
        **place,
    )
    for form in page.forms:
        yield from _form(form, url, host, when, place)
    hosts: set[str] = set()
    for script in page.scripts:
        other = _page.host_of(script)
        foreign = bool(host and other and not _one_site(other, host))
        yield WebScript(
            message=_line(f"script {script}"), url=url or None, script=script,
            script_host=other or None, other_host=foreign, **place,
        )  # fmt: skip
        if foreign and other not in hosts:
            hosts.add(other)
            yield _indicator("script-host", other, place)
    for target, words in page.links:
        yield WebLink(
            message=_line(target), url=url or None, target=target,
            target_host=_page.host_of(target) or None, words=_line(words) or None, **place,
        )  # fmt: skip


def _form(form: _page.Form, url: str, host: str, when: Timed, place: _Place) -> Iterator[Record]:
    marks = _marks(form, host)
    action_host = _page.host_of(form.action)
    words = f"form on {host or 'a page'} sends {', '.join(marks) or 'input'} to {form.action}"
    yield WebForm(
        message=_line(words),
        url=url or None,
        host=host or None,
        action=form.action or None,
        action_host=action_host or None,
        method=form.method,
        fields=[f"{name}:{kind}" for name, kind in form.fields],
        marks=marks,
        **when,
        **place,
    )
    if {"password", "card"} & set(marks) and form.action:
        yield _indicator("form-target", form.action, place)


def _marks(form: _page.Form, host: str) -> list[str]:
    """Return what is to be known of a form, the suspicious last."""
    marks = []
    if any(kind == "password" for _, kind in form.fields):
        marks.append("password")
    if any(_CARD.search(name) for name, kind in form.fields if kind not in {"submit", "button"}):
        marks.append("card")
    if not marks:
        return []
    other = _page.host_of(form.action)
    if other and host and not _one_site(other, host):
        marks.append("phishing")
    if form.action.lower().startswith("http:"):
        marks.append("unencrypted")
    if form.action.lower().startswith("mailto:"):
        marks += ["phishing", "mailto"]
    return marks


def _one_site(one: str, other: str) -> bool:
    """Say whether two hosts are the same, or one lies below the other."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _indicator(kind: str, value: str, place: _Place) -> Indicator:
    return Indicator(message=_line(value), type=kind, value=value, valid=True, **place)


def _when(text: str) -> Timed:
    """Return what a WARC-Date of any granularity says."""
    shown, found = _line(text)[:64] or None, _DATE.fullmatch(text)
    if found is None:
        return timed(None, "captured", original=shown)
    fraction = found[7] or ""
    nanos = int(fraction.ljust(9, "0")[6:]) if len(fraction) > 6 else None
    quality = DAY_ONLY if found[4] is None else EXACT
    return timed(_time(found), "captured", quality, shown, nanos=nanos)


def _time(found: re.Match[str]) -> int | None:
    """Return its microseconds."""
    year, month, day, hour, minute, second, fraction = found.groups("0")
    try:
        moment = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            min(int(second), 59),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    micros = int((fraction + "000000")[:6]) + (1_000_000 if second == "60" else 0)
    return (moment - _EPOCH) // timedelta(microseconds=1) + micros


def _line(text: str) -> str:
    """Return text as one line that UTF-8 can hold."""
    return _page.plain(" ".join(text.split()))[:_SHOWN]
