"""Time as Holdfast writes it: integer microseconds since 1970-01-01T00:00:00Z, shown as RFC 3339.

Integers, because evidence holds times outside the years that `datetime` knows, and because a
sum of microseconds has no rounding.
"""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


_HELD: ContextVar[int | None] = ContextVar("held", default=None)


def now() -> int:
    """Return this host's clock in microseconds since the epoch, UTC."""
    held_at = _HELD.get()
    return time.time_ns() // 1000 if held_at is None else held_at


@contextmanager
def held(at: int) -> Iterator[None]:
    """Let `now` be `at` in this thread: when a person read what they sign a moment later."""
    token = _HELD.set(at)
    try:
        yield
    finally:
        _HELD.reset(token)


def to_text(micros: int, nanos: int | None = None) -> str:
    """Return RFC 3339 in UTC, with as many decimals as the value has (none, six, or nine).

    `nanos` is what a source that is finer than microseconds says beyond them, 0 to 999. Times
    beyond the years 1 to 9999 are given as `@seconds.micros`, which no reader mistakes for a date.
    """
    seconds, rest = divmod(micros, 1_000_000)
    finer = "" if nanos is None else f"{nanos:03d}"
    try:
        text = _second(seconds)
    except OverflowError:
        return f"@{seconds}.{rest:06d}{finer}"
    return f"{text}.{rest:06d}{finer}Z" if rest or finer else f"{text}Z"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()


def from_text(text: str) -> int:
    """Parse an RFC 3339 time, or a date (midnight UTC), to microseconds since the epoch.

    Raises:
        InputError: neither a time with its offset nor a date, or before year 1 or after 9999 in
            UTC: what is read here can always be written by `to_text` and read again.
    """
    moment = None
    try:
        if _DATE.fullmatch(text):
            moment = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        elif (given := datetime.fromisoformat(text)).tzinfo is not None:
            moment = given.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    if moment is None:
        raise InputError(
            f"{text!r} is not a time that can be read",
            "give a date (2026-01-31) or a time with its offset (2026-01-31T09:30:00Z)",
        )
    return (moment - _EPOCH) // timedelta(microseconds=1)


def end_of(text: str) -> int:
    """Parse like `from_text`, a bare date meaning its last microsecond: 'until 31 January'."""
    moment = from_text(text)
    return moment + _DAY - 1 if _DATE.fullmatch(text) else moment
