r"""Web server access logs: Common and Combined Log Format (Apache, nginx), with or without vhost.

Source: Apache httpd `mod_log_config`, "Custom Log Formats"; nginx `log_format combined`. Fields
that a site appends after these are kept unread in `extra`.

Escapes are decoded into what was sent where that can be shown: `\"`, `\\` and `\xNN` of UTF-8
letters. Control characters stay escaped, so a record is one line and can't drive a terminal;
bytes that are not UTF-8 are shown as `\xNN`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine.parsers._sniff import ACCESS_LINE, ACCESS_TEXT, is_access_log
from holdfast.examine.record import Failure, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

LINE_LIMIT = 1 << 16
"""Bytes of one line that are read; the servers' own limit on a request line is 8 KiB."""
_SHOWN = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEWLINE = 0x0A
_MONTHS = {
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6,
    "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12,
}  # fmt: skip
_ESCAPES = re.compile(rb'\\(?:x[89a-fA-F][0-9a-fA-F]|["\\]|x(?:22|5[cC]))+')
_ESCAPE = re.compile(rb'\\(?:x([0-9a-fA-F]{2})|(["\\]))')
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]*[:.][0-9A-Fa-f:.]+|[A-Za-z0-9.-]+\.[A-Za-z]{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAccess(Record):
    """One request as the server logged it."""

    KIND: ClassVar[str] = "web.access"

    client: str | None = None
    """Who connected: an address, or a name where the server looked it up."""
    identity: str | None = None
    user: str | None = None
    method: str | None = None
    target: str | None = None
    """The request target; the whole request line where it is no HTTP request."""
    protocol: str | None = None
    status: int | None = None
    size: int | None = None
    """Bytes of the response's body as sent."""
    referrer: str | None = None
    user_agent: str | None = None
    vhost: str | None = None
    extra: str | None = None


VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RECORDS: tuple[type[Record], ...] = (WebAccess,)


def match(file: EvidenceFile) -> bool:
    """Accept a file most of whose first lines are access lines."""
    return is_access_log(file.head)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield one record a line; blank lines are passed over."""
    offset = row = 0
    with file.open() as stream:
        while line := stream.readline(LINE_LIMIT):
            row += 1
            length = len(line)
            if length == LINE_LIMIT and line[-1] != _NEWLINE:
                while more := stream.readline(LINE_LIMIT):
                    length += len(more)
                    if more[-1] == _NEWLINE:
                        break
                yield _failure(line, f"line is over {LINE_LIMIT} bytes", offset, length, row)
            elif (record := _record(line, offset, length, row)) is not None:
                yield record
            offset += length


def _failure(line: bytes, reason: str, offset: int, length: int, row: int) -> Failure:
    shown = line[:_SHOWN].rstrip(b"\r\n").decode("utf-8", "backslashreplace")
    return Failure(message=shown, reason=reason, offset=offset, length=length, row=row)


def _record(line: bytes, offset: int, length: int, row: int) -> Record | None:
    fields = _fields(line)
    if fields is None:
        reason = "line is not in Common or Combined Log Format"
        return _failure(line, reason, offset, length, row) if line.strip() else None
    client, identity, user, minute, second, zone, asked, status, size, referrer, agent, extra = (
        fields
    )
    time = _minute(minute, zone)
    if time is None:
        return _failure(line, "the time is no time", offset, length, row)
    vhost = None
    if " " in user and _ADDRESS.fullmatch(identity):
        # Five words before the time: a vhost goes before the client. Otherwise the user's name
        # has a space.
        vhost, client = client, identity
        identity, _, user = user.partition(" ")
    method, _, rest = asked.partition(" ")
    target, _, protocol = rest.rpartition(" ")
    if not target or not protocol.startswith("HTTP/"):
        method, target, protocol = _odd_request(asked)
    return WebAccess(
        message=f"{client} {asked} {status}",
        time=time + int(second) * 1_000_000,
        time_meaning="requested",
        offset=offset,
        length=length,
        row=row,
        client=None if client == "-" else client,
        identity=None if identity == "-" else identity,
        user=None if user == "-" else user,
        method=method or None,
        target=target or None,
        protocol=protocol or None,
        status=None if status == "-" else int(status),
        size=None if size == "-" else int(size),
        referrer=None if referrer == "-" else referrer or None,
        user_agent=None if agent == "-" else agent or None,
        vhost=vhost,
        extra=extra or None,
    )


def _fields(line: bytes) -> tuple[str, ...] | None:
    """Return the line's twelve fields, decoded; an absent one is empty."""
    if b"\\" not in line and line.isascii():
        quick = ACCESS_TEXT.fullmatch(line.decode("ascii").rstrip("\r\n"))
        return None if quick is None else quick.groups("")
    found = ACCESS_LINE.fullmatch(line.rstrip(b"\r\n"))
    return None if found is None else tuple(_text(raw) for raw in found.groups(b""))


def _odd_request(asked: str) -> tuple[str, str, str]:
    method, _, target = asked.partition(" ")
    if method.isascii() and method.isalpha() and method.isupper() and target and " " not in target:
        return method, target, ""  # HTTP/0.9 names no version
    return "", "" if asked == "-" else asked, ""


@lru_cache(maxsize=4096)
def _minute(stamp: str, zone: str) -> int | None:
    """Return the microseconds of `10/Oct/2000:13:55` in a zone such as `-0700`."""
    try:
        moment = datetime(
            int(stamp[7:11]), _MONTHS[stamp[3:6]], int(stamp[:2]),
            int(stamp[12:14]), int(stamp[15:17]), tzinfo=UTC,
        )  # fmt: skip
    except (KeyError, ValueError):
        return None
    shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
    since = moment - _EPOCH
    return (since + shift if zone[0] == "-" else since - shift) // timedelta(microseconds=1)


def _text(raw: bytes) -> str:
    if b"\\" in raw:
        raw = _ESCAPES.sub(_unescape, raw)
    return raw.decode("utf-8", "backslashreplace")


def _unescape(found: re.Match[bytes]) -> bytes:
    raw = _ESCAPE.sub(lambda one: bytes.fromhex(one[1].decode()) if one[1] else one[2], found[0])
    return raw.decode("utf-8", "backslashreplace").encode()
