"""Times as each source writes them. English names by hand, since `strftime` follows the locale.

Everything happens before 29 March 2026, so local time in the story is +01:00 throughout.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

CHROMIUM_EPOCH = 11_644_473_600 * SECOND
"""Microseconds from 1601-01-01, where Chromium's times begin, to 1970-01-01."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CET = timezone(timedelta(hours=1))
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def march(day: int, hour: int = 0, minute: int = 0) -> int:
    """Return a local time in March 2026 as microseconds since the epoch, UTC."""
    moment = datetime(2026, 3, day, hour, minute, tzinfo=_CET)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def local(micros: int) -> datetime:
    """Return the local time of the story (+01:00)."""
    return (_EPOCH + timedelta(microseconds=micros)).astimezone(_CET)


def midnight(micros: int) -> int:
    """Return the start of the local day that `micros` lies in."""
    return (micros + HOUR) // DAY * DAY - HOUR


def mail(micros: int) -> str:
    """Return an RFC 5322 date: `Tue, 10 Mar 2026 09:12:03 +0100`."""
    t = local(micros)
    return f"{_DAYS[t.weekday()]}, {t.day} {_MONTHS[t.month - 1]} {t.year} {t:%H:%M:%S} +0100"


def mbox(micros: int) -> str:
    """Return the date of an mbox From line, in UTC: `Tue Mar 10 08:12:03 2026`."""
    t = _EPOCH + timedelta(microseconds=micros)
    return f"{_DAYS[t.weekday()]} {_MONTHS[t.month - 1]} {t.day:2d} {t:%H:%M:%S} {t.year}"


def clf(micros: int) -> str:
    """Return the date of Apache's common log format: `10/Mar/2026:09:12:03 +0100`."""
    t = local(micros)
    return f"{t.day:02d}/{_MONTHS[t.month - 1]}/{t.year}:{t:%H:%M:%S} +0100"


def syslog(micros: int) -> str:
    """Return an RFC 3164 timestamp, local and without a year: `Mar  9 09:12:03`."""
    t = local(micros)
    return f"{_MONTHS[t.month - 1]} {t.day:2d} {t:%H:%M:%S}"


def http(micros: int) -> str:
    """Return an HTTP date, as in Last-Modified: `Tue, 10 Mar 2026 08:12:03 GMT`."""
    t = _EPOCH + timedelta(microseconds=micros)
    return f"{_DAYS[t.weekday()]}, {t.day:02d} {_MONTHS[t.month - 1]} {t.year} {t:%H:%M:%S} GMT"


def iso(micros: int) -> str:
    """Return an RFC 3339 local time with microseconds: `2026-03-10T09:12:03.000250+01:00`."""
    return local(micros).isoformat(timespec="microseconds")


def whole_second(micros: int) -> int:
    """Return `micros` cut to its second, as a log that writes seconds keeps it."""
    return micros // SECOND * SECOND


def chromium(micros: int) -> int:
    """Return microseconds since 1601-01-01, UTC."""
    return micros + CHROMIUM_EPOCH
