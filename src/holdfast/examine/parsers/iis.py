"""Logs of Microsoft IIS in the W3C Extended Log File Format.

Source: W3C WD-logfile; Microsoft, "W3C Logging" (IIS). The `#Fields` line names the columns and may
come again with others. Times are UTC. A log without the column `date` has it from the `#Date` line
before. IIS writes `+` for a blank inside a value; values are kept as found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine.block import Rows, block
from holdfast.examine.parsers._lines import Failures, lines
from holdfast.examine.parsers._sniff import is_iis
from holdfast.examine.parsers._syslog import minute
from holdfast.examine.parsers._web import WebAccess
from holdfast.examine.record import EXACT, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.block import Block
    from holdfast.examine.file import EvidenceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class IisAccess(WebAccess):
    """One request as IIS logged it; `host` is the server."""

    KIND: ClassVar[str] = "web.iis"

    site: str | None = None
    server_ip: str | None = None
    server_port: int | None = None
    query: str | None = None
    substatus: int | None = None
    win32_status: int | None = None
    received_bytes: int | None = None
    milliseconds: int | None = None
    """Time that the request took."""


VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RECORDS: tuple[type[Record], ...] = (IisAccess,)

_TEXTS = {
    "c-ip": "client", "cs-username": "user", "cs-method": "method", "cs-uri-stem": "target",
    "cs-version": "protocol", "cs(referer)": "referrer", "cs(user-agent)": "user_agent",
    "cs-host": "vhost", "s-computername": "host", "s-sitename": "site", "s-ip": "server_ip",
    "cs-uri-query": "query",
}  # fmt: skip
_NUMBERS = {
    "sc-status": "status", "sc-bytes": "size", "s-port": "server_port",
    "sc-substatus": "substatus", "sc-win32-status": "win32_status", "cs-bytes": "received_bytes",
    "time-taken": "milliseconds",
}  # fmt: skip
_SHOWN = ("c-ip", "cs-method", "cs-uri-stem", "sc-status")
_NAMES = (*_TEXTS.values(), *_NUMBERS.values())
_COMMON = ("message", "time", "time_original", "offset", "length", "row", "extra")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_CLOCK = re.compile(r"([0-2]\d:[0-5]\d):([0-5]\d|60)(?:\.(\d{1,6})\d*+)?", re.ASCII)


class _Layout:
    """What the `#` lines above have said of the lines that follow."""

    def __init__(self) -> None:
        self.fields: list[str] = []
        self.day = ""
        self._at: dict[str, int] = {}

    def directive(self, line: str) -> None:
        """Take a `#` line."""
        name, _, rest = line[1:].partition(":")
        if name.strip().lower() == "fields":
            self.fields = rest.lower().split()
            self._at = {field: at for at, field in enumerate(self.fields)}
        elif name.strip().lower() == "date":
            self.day = rest.strip()[:10]

    def row(self, line: str) -> tuple[object, ...] | None:
        """Return a line's message, time, original, extra, and the values of `_NAMES`."""
        values = line.split(" ")
        while len(values) > len(self.fields) and not values[-1]:
            values.pop()
        if len(values) != len(self.fields) or "time" not in self._at:
            return None
        at = self._at
        given = {field: None if value == "-" else value for field, value in zip(
            self.fields, values, strict=True)}  # fmt: skip
        day, clock = given["date"] if "date" in at else self.day, given["time"]
        time = _time(day or "", clock or "")
        if time is None:
            return None
        texts = [given.get(field) for field in _TEXTS]
        numbers = [_number(given.get(field)) for field in _NUMBERS]
        known = {"date", "time", *_TEXTS, *_NUMBERS}
        extra = " ".join(f"{f}={v}" for f, v in given.items() if f not in known and v is not None)
        query = f"?{given['cs-uri-query']}" if given.get("cs-uri-query") else ""
        named = [given.get(field) or "-" for field in _SHOWN]
        named[2] += query
        original = f"{day} {clock}" if "date" in at else clock
        return " ".join(named), time, original, extra or None, *texts, *numbers


def match(file: EvidenceFile) -> bool:
    """Accept a file whose first lines name W3C fields of a web server."""
    return is_iis(file.head)


def parse(file: EvidenceFile) -> Iterator[Block]:
    """Yield one record a line; a line that does not have the fields announced is a failure."""
    layout = _Layout()
    for found in lines(file):
        same: dict[str, object] = {"time_meaning": "requested", "time_quality": EXACT}
        good, bad, place = Rows(IisAccess, *_COMMON, *_NAMES, **same), Failures(), 0
        for at, line in enumerate(found.text):
            if line.startswith("#") and not found.long:
                layout.directive(line)
                continue
            if not line.strip(" \0"):
                continue
            row = None if found.long else layout.row(line)
            if row is None:
                bad.add(found, at, place, "line does not have the fields that #Fields announced")
            else:
                message, time, original, *rest = row
                source = (found.offsets[at], found.lengths[at], found.row + at)
                good.order.append(place)
                good.rows.append((message, time, original, *source, *rest))
            place += 1
        if (whole := block(good.part(), bad.part())) is not None:
            yield whole


def _time(day: str, clock: str) -> int | None:
    date, found = _DATE.fullmatch(day), _CLOCK.fullmatch(clock)
    if date is None or found is None:
        return None
    at = minute(int(date[1]), int(date[2]), int(date[3]), found[1])
    if at is None:
        return None
    return at + int(found[2]) * 1_000_000 + (int(found[3].ljust(6, "0")) if found[3] else 0)


def _number(text: str | None) -> int | None:
    fits = text is not None and text.isascii() and text.isdigit() and len(text) <= 18
    return int(text) if fits and text else None
