"""Mail: mbox files and single messages (RFC 5322, RFC 4155): a record a message, hop and verdict.

`mail.message` comes first, then its `mail.hop`s and `mail.verdict`s from the top of the message
down: the topmost `Received` line is the last hop. What a message says is its sender's claim; only
what the reader's own servers wrote is more than that. Maildir is one message a file.

A message over 64 MiB gives its headers and a `Failure` for the rest. A nested message is an
attachment here; the mail opener hands it out as a file of its own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine import _mbox, _mime
from holdfast.examine.parsers._html import text_of_html
from holdfast.examine.record import EXACT, ZONE_ASSUMED, Failure, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

BODY_LIMIT = 256 << 10
"""Characters of body text that are kept."""
_HTML_LIMIT = 2 << 20
_MAX_LIST = 1000
_LEAP_SECOND = 60  # RFC 5322, 3.3

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_ZONE = "date without a zone, taken as UTC"
_ADDRESS = re.compile(r"[^\s<>@,;:\"'()]{1,128}@[^\s<>@,;:\"'()]{1,255}")
_FROM_HOST = re.compile(r"^from\s+(\S{1,255})")
_BY_HOST = re.compile(r"\bby\s+(\S{1,255})")
_WITH = re.compile(r"\bwith\s+([A-Za-z0-9-]{1,32})")
_IP = re.compile(
    r"[\[(](?:IPv6:)?((?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]{2,45})[\])]"
)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,998}>")
_COMMENT = re.compile(r"\([^()]{0,998}\)")
_VERDICT = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]{0,31})(?:/\d+)?\s*=\s*([A-Za-z]{1,32})\b")
_ABOUT = re.compile(
    r"\b(?:smtp\.mailfrom|smtp\.helo|header\.d|header\.i|header\.from)\s*=\s*"
    r"\"?(?:[^\s;@\"]{0,64}@)?([A-Za-z0-9._-]{1,253})",
    re.IGNORECASE,
)
_ORIGIN = ("x-originating-ip", "x-source-ip", "x-sender-ip", "x-client-ip", "x-real-ip")
_AUTHENTICATION = ("authentication-results", "arc-authentication-results")
_ONCE = ("from", "to", "cc", "date", "subject", "message-id", "reply-to", "sender")  # RFC 5322, 3.6


@dataclass(frozen=True, slots=True, kw_only=True)
class MailMessage(Record):
    """One message: what its headers claim, what it says, what it carries."""

    KIND: ClassVar[str] = "mail.message"

    subject: str | None = None
    from_: str | None = None
    to: list[str] = field(default_factory=list)
    cc: list[str] = field(default_factory=list)
    bcc: list[str] = field(default_factory=list)
    reply_to: str | None = None
    addresses: list[str] = field(default_factory=list)
    """Every address of From, Sender, Reply-To, To, Cc and Bcc once, in lower case."""
    message_id: str | None = None
    in_reply_to: str | None = None
    references: list[str] = field(default_factory=list)
    """The messages that this one follows, the first of the thread first."""
    date_raw: str | None = None
    return_path: str | None = None
    user_agent: str | None = None
    originating_ip: str | None = None
    received: list[str] = field(default_factory=list)
    """The `Received` lines from the top: last hop first."""
    authentication_results: list[str] = field(default_factory=list)
    envelope: str | None = None
    """What the mbox separator line says: sender and date of delivery."""
    attachments: list[str] = field(default_factory=list)
    attachment_sha256: list[str] = field(default_factory=list)
    """Of each attachment's bytes with the transfer encoding undone, in the same order."""
    body_text: str | None = None
    body_truncated: bool = False
    body_from_html: bool = False
    """Whether `body_text` was made from HTML, because there is no plain text."""
    defects: list[str] = field(default_factory=list)
    """Where the message breaks its standards; odd software, or someone hiding something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailHop(Record):
    """One `Received` line with a date: a server that passed the message on."""

    KIND: ClassVar[str] = "mail.hop"

    message_id: str | None = None
    hop: int | None = None
    """From 1, the topmost line, which the last server wrote."""
    from_host: str | None = None
    by_host: str | None = None
    protocol: str | None = None
    client_ip: str | None = None
    """The sending machine's address as the receiving server saw it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailVerdict(Record):
    """One result of an `Authentication-Results` line (RFC 8601): what a server says it checked."""

    KIND: ClassVar[str] = "mail.verdict"

    message_id: str | None = None
    server: str | None = None
    """Who claims to have checked; worth something only where it is the reader's own server."""
    method: str | None = None
    """`spf`, `dkim`, `dmarc`, `arc` and others."""
    result: str | None = None
    """`pass`, `fail`, `softfail`, `none` and others, in lower case."""
    domain: str | None = None
    """The domain it is about: `smtp.mailfrom`, `header.d`, `header.from`."""


VERSION = 2
DECODERS: tuple[str, ...] = ("python",)
RECORDS: tuple[type[Record], ...] = (MailMessage, MailHop, MailVerdict)


def match(file: EvidenceFile) -> bool:
    """Accept what starts with an mbox separator and headers, or with a message's headers."""
    return _mbox.is_mail(file.head)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield each message and its hops."""
    for raw in _mbox.messages(file):
        envelope, start = _mbox.split_envelope(raw)
        headers, body, clean = _mime.read_headers(raw.data, start, len(raw.data))
        if not headers:
            yield _failure(raw, "no header line can be read")
            continue
        defects = [] if clean else ["headers end without a blank line"]
        message = _message(raw, headers, body, envelope, defects)
        yield message
        yield from _told(raw, headers, message.message_id)
        if not raw.whole:
            yield _failure(raw, f"over {_mbox.LIMIT} bytes: headers read, body not")


def _failure(raw: _mbox.RawMessage, reason: str) -> Failure:
    return Failure(
        message=f"message {raw.number} of {raw.length} bytes",
        reason=reason,
        offset=raw.offset,
        length=raw.length,
        row=raw.number,
    )


def _message(
    raw: _mbox.RawMessage,
    headers: list[_mime.Header],
    start: int,
    envelope: str | None,
    defects: list[str],
) -> MailMessage:
    named: dict[str, list[bytes]] = {}
    for header in headers:
        named.setdefault(header.name, []).append(header.value)
    defects += [f"{name} given more than once" for name in _ONCE if len(named.get(name, ())) > 1]

    def one(*names: str) -> str | None:
        return next((_mime.text_of(named[name][0]) for name in names if name in named), None)

    def every(name: str) -> list[str]:
        return [_mime.text_of(value) for value in named.get(name, ())[:_MAX_LIST]]

    def people(name: str) -> list[str]:
        return [person for value in named.get(name, ()) for person in _people(value)][:_MAX_LIST]

    date_raw, time = one("date"), None
    if date_raw is None:
        defects.append("no date")
    else:
        time, note = _time(date_raw)
        defects += [note] if note else []
    quality = None if time is None else ZONE_ASSUMED if _NO_ZONE in defects else EXACT
    subject, sender = one("subject"), one("from")
    to, cc, bcc, reply_to = people("to"), people("cc"), people("bcc"), one("reply-to")
    origin = next((value for value in map(one, _ORIGIN) if value), None)
    content = _Content()
    if raw.whole:
        data = raw.data
        if raw.in_mbox:
            data = data[:start] + _mbox.unquoted(data[start:])
        content = _read(data, start, headers, defects)
    return MailMessage(
        message=subject or f"(no subject) from {sender}",
        time=time,
        time_meaning=None if time is None else "sent",
        time_quality=quality,
        time_original=None if time is None else date_raw,
        offset=raw.offset,
        length=raw.length,
        row=raw.number,
        subject=subject,
        from_=sender,
        to=to,
        cc=cc,
        bcc=bcc,
        reply_to=reply_to,
        addresses=_addresses(sender, one("sender"), reply_to, *to, *cc, *bcc),
        message_id=one("message-id"),
        in_reply_to=one("in-reply-to"),
        references=_MESSAGE_ID.findall(one("references") or "")[:_MAX_LIST],
        date_raw=date_raw,
        return_path=one("return-path"),
        user_agent=one("user-agent", "x-mailer"),
        originating_ip=origin.strip("[] ") if origin else None,
        received=every("received"),
        authentication_results=every("authentication-results"),
        envelope=envelope,
        attachments=content.names,
        attachment_sha256=content.digests,
        body_text=content.text,
        body_truncated=content.truncated,
        body_from_html=content.from_html,
        defects=defects,
    )


@dataclass(slots=True)
class _Content:
    text: str | None = None
    truncated: bool = False
    from_html: bool = False
    names: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)


def _read(data: bytes, start: int, headers: list[_mime.Header], defects: list[str]) -> _Content:
    out = _Content()
    plain: list[str] = []
    rich: list[str] = []
    for part in _mime.parts(data, start, len(data), headers, defects):
        decoded, note = _mime.content(data, part)
        if note:
            defects.append(note)
        if not part.is_body:
            out.names.append(part.filename or f"part-{part.path} ({part.type})")
            out.digests.append(hashlib.sha256(decoded).hexdigest())
            continue
        out.truncated = out.truncated or len(decoded) > _HTML_LIMIT
        text, note = _mime.decode(decoded[:_HTML_LIMIT], part.charset)
        if note:
            defects.append(f"part {part.path}: {note}")
        (plain if part.type == "text/plain" else rich).append(text)
    kept = "\n".join(plain).replace("\r\n", "\n").strip()
    if not kept and rich:
        kept, out.from_html = "\n".join(text_of_html(text) for text in rich), True
    out.truncated = out.truncated or len(kept) > BODY_LIMIT
    out.text = kept[:BODY_LIMIT] or None
    return out


def _hops(
    raw: _mbox.RawMessage, headers: list[_mime.Header], message_id: str | None
) -> Iterator[MailHop]:
    number = 0
    for header in headers:
        if header.name != "received":
            continue
        number += 1
        text = _mime.text_of(header.value)
        before, _, date = text.rpartition(";")
        time, note = _time(date)
        if time is None:
            continue
        found = [p.search(before) for p in (_FROM_HOST, _BY_HOST, _WITH, _IP)]
        source, by, protocol, address = (m[1] if m else None for m in found)
        yield MailHop(
            message=text,
            time=time,
            time_meaning="received",
            time_quality=ZONE_ASSUMED if note == _NO_ZONE else EXACT,
            time_original=date.strip(),
            offset=raw.offset + header.offset,
            length=header.length,
            row=raw.number,
            message_id=message_id,
            hop=number,
            from_host=source,
            by_host=by,
            protocol=protocol,
            client_ip=address,
        )


def _told(
    raw: _mbox.RawMessage, headers: list[_mime.Header], message_id: str | None
) -> Iterator[Record]:
    """Yield what servers wrote into the header, in its order."""
    told = [*_hops(raw, headers, message_id), *_verdicts(raw, headers, message_id)]
    yield from sorted(told, key=lambda record: record.offset or 0)


def _verdicts(
    raw: _mbox.RawMessage, headers: list[_mime.Header], message_id: str | None
) -> Iterator[MailVerdict]:
    lines = [one for one in headers if one.name in _AUTHENTICATION]
    for header in lines[:_MAX_LIST]:
        text = _COMMENT.sub(" ", _mime.text_of(header.value))
        server, *results = text.split(";")
        if "=" in server and header.name.startswith("arc-"):  # i=1 goes before the server
            server, results = results[0] if results else "", results[1:]
        for result in results[:_MAX_LIST]:
            found = _VERDICT.match(result)
            if found is None:
                continue
            method, verdict = found[1].lower(), found[2].lower()
            about = _ABOUT.search(result, found.end())
            yield MailVerdict(
                message=" ".join(f"{method}={verdict} {about[1] if about else ''}".split()),
                offset=raw.offset + header.offset,
                length=header.length,
                row=raw.number,
                message_id=message_id,
                server=server.split()[0][:253] if server.split() else None,
                method=method,
                result=verdict,
                domain=about[1].lower() if about else None,
            )


@lru_cache(maxsize=4096)
def _time(text: str) -> tuple[int | None, str | None]:
    """Return the microseconds of an RFC 5322 date, and a note when it is not one."""
    try:
        parsed = parsedate_tz(text[:200])
        if parsed is None:
            return None, "date can't be read"
        year, month, day, hour, minute, second = parsed[:6]
        leap = second == _LEAP_SECOND
        moment = datetime(year, month, day, hour, minute, 0 if leap else second, tzinfo=UTC)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None, "date can't be read"
    zone = parsed[9]
    shifted = moment - _EPOCH + timedelta(seconds=(60 if leap else 0) - (zone or 0))
    known = zone is not None or "-0000" in text
    return shifted // timedelta(microseconds=1), None if known else _NO_ZONE


def _people(value: bytes) -> list[str]:
    """Split an address list at its commas (RFC 5322, 3.4), each entry decoded."""
    raw = value[: _mime.MAX_VALUE]
    entries: list[bytes] = []
    start, quoted, depth = 0, False, 0
    for found in re.finditer(rb'\\.|["(),<>]', raw):
        mark = found[0]
        if mark == b'"':
            quoted = not quoted
        elif quoted:
            continue
        elif mark in b"(<":
            depth += 1
        elif mark in b")>":
            depth = max(0, depth - 1)
        elif mark == b"," and depth == 0:
            entries.append(raw[start : found.start()])
            start = found.end()
    entries.append(raw[start:])
    return [text for entry in entries if (text := _mime.text_of(entry))]


def _addresses(*texts: str | None) -> list[str]:
    seen: dict[str, None] = {}
    for text in texts:
        if text and "@" in text:
            seen.update(dict.fromkeys(found.lower() for found in _ADDRESS.findall(text)))
    return list(seen)[:_MAX_LIST]
