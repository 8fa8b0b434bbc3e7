"""What a syslog line says about its time: formats, and the year that RFC 3164 leaves out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.examine.file import EvidenceFile

SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
)  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBER = {name: number for number, name in enumerate(_MONTHS, 1)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_BLOCK = 1 << 20
_LATE_DAY = 25
_DATED = re.compile(
    rb"^(?:<\d{1,3}>(?:\d{1,2} )?)?(?:(" + "|".join(_MONTHS).encode() + rb") ([ 0123]\d) \d\d:"
    rb"|(\d{4})-([01]\d)-([0-3]\d)T)",
    re.MULTILINE,
)
_INSIDE = re.compile(
    rb"^(?:<\d{1,3}>)?(" + "|".join(_MONTHS).encode() + rb") ([ 0123]\d) \d\d:[^\n]{0,2000}?"
    rb"\b((?:19|20)\d\d)-([01]\d)-([0-3]\d)\b",
    re.MULTILINE,
)


class Years:
    """Gives each line of a file its year, in order: a month that goes back is the next year's."""

    def __init__(self, first: int | None) -> None:
        self._year, self._month = first, 0

    def of(self, month: int, day: int) -> int | None:
        """Return the year of the next line."""
        if self._year is not None:
            self._year += _turns(self._month, month, day)
        if not _stray(self._month, month, day):
            self._month = month
        elif self._year is not None and month > self._month:
            return self._year - 1  # the old year's last seconds, written in the new one
        return self._year


def _stray(before: int, month: int, day: int) -> bool:
    """Say whether a line is only a little out of order: the end of the month before."""
    return (month == before - 1 or (before == 1 and month == 12)) and day >= _LATE_DAY


def _turns(before: int, month: int, day: int) -> int:
    return int(month < before and not _stray(before, month, day))


def first_year(file: EvidenceFile) -> int | None:
    """Return the year of the file's first line, as far as it can be told.

    From a line that carries its year; else from a message that spells out its own line's day in
    full; else from the time it was collected: its last line is of the year that ended there.
    """
    month = turns = 0
    day = 0
    spelt: int | None = None
    with file.open() as stream:
        held, start = b"", True
        while chunk := stream.read(_BLOCK):
            held += chunk
            end = held.rfind(b"\n") + 1 or len(held)
            block, held = held[:end], held[end:]
            for name, number, year, *_ in _DATED.findall(block):
                if year:
                    return int(year) - turns  # the nearest line before it is of this year
                found = _NUMBER[name.decode()]
                day = int(number)
                turns += _turns(month, found, day)
                if not _stray(month, found, day):
                    month = found
            if start:
                spelt = _spelt(block)
                start = False
    if spelt is not None:
        return spelt
    if file.latest is None or not month:
        return None
    changed = _EPOCH + file.latest * _MICRO
    last = changed.year if (month, day) <= (changed + timedelta(days=1)).timetuple()[1:3] else (
        changed.year - 1
    )  # fmt: skip
    return last - turns


def _spelt(block: bytes) -> int | None:
    """Return the first line's year by a message that names its own day with the year."""
    for found in _INSIDE.finditer(block):
        name, number, year, month, day = found.groups()
        if (_NUMBER[name.decode()], int(number)) == (int(month), int(day)):
            before = Years(0)
            for one in _DATED.finditer(block, 0, found.end(2) + 5):
                if one[1]:
                    turned = before.of(_NUMBER[one[1].decode()], int(one[2]))
            return int(year) - (turned or 0)
    return None


def month_number(name: str) -> int:
    """Return 1 for `Jan`."""
    return _NUMBER[name]


@lru_cache(maxsize=4096)
def minute(year: int, month: int, day: int, clock: str) -> int | None:
    """Return the microseconds of a minute (`09:39`), UTC; None where there is no such time."""
    try:
        moment = datetime(year, month, day, int(clock[:2]), int(clock[3:5]), tzinfo=UTC)
    except ValueError:
        return None
    return (moment - _EPOCH) // _MICRO


@lru_cache(maxsize=4096)
def iso_minute(stamp: str, zone: str) -> int | None:
    """Return the microseconds of `2020-05-31T00:00` in `Z` or `+02:00`."""
    at = minute(int(stamp[:4]), int(stamp[5:7]), int(stamp[8:10]), stamp[11:16])
    if at is None or zone in {"Z", "z"}:
        return at
    shift = (int(zone[1:3]) * 60 + int(zone[4:6])) * 60_000_000
    return at + shift if zone[0] == "-" else at - shift


def micros(fraction: str | None) -> int:
    """Return the microseconds that the digits of a fraction of a second stand for."""
    return int(fraction.ljust(6, "0")) if fraction else 0
