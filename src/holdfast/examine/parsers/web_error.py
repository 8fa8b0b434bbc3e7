"""Error logs of web servers: Apache httpd (2.2, 2.4) and nginx.

Sources: Apache httpd `core`, "ErrorLogFormat" and its default; nginx `ngx_log.c` and
`ngx_http_request.c`. Both write local time without a zone, which is read as UTC and marked
`zone assumed`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine.block import Rows, block
from holdfast.examine.parsers._lines import Failures, lines
from holdfast.examine.parsers._sniff import APACHE_ERROR, NGINX_ERROR, is_web_error
from holdfast.examine.parsers._syslog import minute, month_number
from holdfast.examine.record import ZONE_ASSUMED, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.block import Block
    from holdfast.examine.file import EvidenceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class WebError(Record):
    """What a web server complained of."""

    KIND: ClassVar[str] = "web.error"

    severity: str | None = None
    module: str | None = None
    pid: int | None = None
    tid: int | None = None
    """Thread."""
    connection: int | None = None
    """nginx: the connection's number."""
    code: str | None = None
    """Apache: the message's number, such as AH00037."""
    client: str | None = None
    client_port: int | None = None
    vhost: str | None = None
    """nginx: the `server` that answered."""
    request: str | None = None
    referrer: str | None = None


VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RECORDS: tuple[type[Record], ...] = (WebError,)

_COLUMNS = (
    "message", "time", "time_original", "offset", "length", "row", "severity", "module", "pid",
    "tid", "connection", "code", "client", "client_port", "vhost", "request", "referrer",
)  # fmt: skip
_CODE = re.compile(r"(AH\d{5}): ", re.ASCII)
_PORT = re.compile(r"(.*):(\d{1,5})", re.ASCII)
# nginx appends these to a message, in this order, each only where it is known.
_TAIL = re.compile(
    r"(?:, client: (?P<client>[^\s,]++))?(?:, server: (?P<server>[^\s,]*+))?"
    r'(?:, request: "(?P<request>[^"]*+)")?(?:, (?:subrequest|upstream): "[^"]*+")*+'
    r'(?:, host: "(?P<host>[^"]*+)")?(?:, referrer: "(?P<referrer>[^"]*+)")?'
)


def match(file: EvidenceFile) -> bool:
    """Accept a file most of whose first lines begin as one of the two error logs does."""
    return is_web_error(file.head)


def parse(file: EvidenceFile) -> Iterator[Block]:
    """Yield one record a line; what does not begin as one (a script's own output) is a failure."""
    for found in lines(file):
        same: dict[str, object] = {"time_meaning": "logged", "time_quality": ZONE_ASSUMED}
        good, bad, place = Rows(WebError, *_COLUMNS, **same), Failures(), 0
        for at, line in enumerate(found.text):
            row = None if found.long else _apache(line) or _nginx(line)
            if row is None:
                if not line.strip():
                    continue
                bad.add(found, at, place, "line is of no error log's format")
            else:
                message, time, original, *rest = row
                source = (found.offsets[at], found.lengths[at], found.row + at)
                good.order.append(place)
                good.rows.append((message, time, original, *source, *rest))
            place += 1
        if (whole := block(good.part(), bad.part())) is not None:
            yield whole


def _apache(line: str) -> tuple[object, ...] | None:
    found = APACHE_ERROR.fullmatch(line)
    if found is None:
        return None
    original, name, day, clock, second, fraction, year, module, severity, pid, tid, client, text = (
        found.groups()
    )
    at = minute(int(year), month_number(name), int(day), clock)
    if at is None:
        return None
    code = _CODE.match(text)
    address, number = _client(client) if client else (None, None)
    time = at + int(second) * 1_000_000 + _micros(fraction)
    return (
        text, time, original, severity, module, _int(pid), _int(tid), None,
        code[1] if code else None, address, number, None, None, None,
    )  # fmt: skip


def _nginx(line: str) -> tuple[object, ...] | None:
    found = NGINX_ERROR.fullmatch(line)
    if found is None:
        return None
    original, year, month, day, clock, second, severity, pid, tid, connection, text = found.groups()
    at = minute(int(year), int(month), int(day), clock)
    if at is None:
        return None
    start = text.rfind(", client: ")
    tail = _TAIL.fullmatch(text, start) if start >= 0 else None
    client, server, request, _, referrer = tail.groups() if tail else (None,) * 5
    return (
        text, at + int(second) * 1_000_000, original, severity, None, _int(pid), _int(tid),
        _int(connection), None, client, None, server or None, request, referrer,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _client(text: str) -> tuple[str, int | None]:
    """Return address and port; an IPv6 address stands bare, with the port behind a colon or not."""
    found = _PORT.fullmatch(text)
    if found is None:
        return text, None
    address = found[1].removeprefix("[").removesuffix("]")
    try:
        ip_address(address)
    except ValueError:
        return text, None
    return address, int(found[2])


def _int(text: str | None) -> int | None:
    return int(text) if text and len(text) <= 18 else None


def _micros(fraction: str | None) -> int:
    return int(fraction.ljust(6, "0")) if fraction else 0
