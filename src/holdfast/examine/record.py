"""The shape of what an examination yields.

A parser declares its record kinds as frozen dataclasses derived from `Record`; their annotated
fields are the typed columns of a Parquet dataset. The common columns come first in every kind,
so one query reads a timeline across all of them. The engine adds where the record came from
(item, path, parser, version, sequence); a parser can't get that wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypedDict

EXACT, ZONE_ASSUMED, YEAR_ASSUMED, DAY_ONLY = "exact", "zone assumed", "year assumed", "day only"
TIME_QUALITIES = (EXACT, ZONE_ASSUMED, YEAR_ASSUMED, DAY_ONLY)
"""`year assumed`: the source gives neither the year nor the zone. `zone assumed`: the source gives
local time, which is read as UTC. `day only`: the time is the day's first moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing derived from evidence.

    A subclass sets `KIND` (`browser.visit`, `mail.message`) and adds fields of the types
    `str | None`, `int | None`, `bool | None` and `list[str]`; a field whose name ends in
    `_time` holds microseconds since 1970-01-01T00:00:00Z, UTC.
    """

    KIND: ClassVar[str] = ""

    message: str
    """What a person should read: one line, as found, not translated."""
    time: int | None = None
    """When it happened: microseconds since the epoch, UTC; None where the source gives no time."""
    time_nanos: int | None = None
    """Nanoseconds beyond `time`, 0 to 999; None where the source is no finer than microseconds."""
    time_meaning: str | None = None
    """What the time says: `sent`, `visited`, `requested`."""
    time_quality: str | None = None
    """How certain the time is: one of `TIME_QUALITIES`; None where the parser doesn't say."""
    time_original: str | None = None
    """The time as the source writes it, where it is text or `time` needed an assumption."""
    host: str | None = None
    """The machine that the record is about, as the source names it."""
    user: str | None = None
    """The account that acted, as the source names it."""
    offset: int | None = None
    """First byte of the source in the file, where one exists."""
    length: int | None = None
    """Bytes of the source from `offset`."""
    row: int | None = None
    """Row or record number in the source (SQLite rowid, line number from 1, message from 1)."""


class Timed(TypedDict):
    """The columns of a record that say when."""

    time: int | None
    time_nanos: int | None
    time_meaning: str | None
    time_quality: str | None
    time_original: str | None


def timed(
    time: int | None, meaning: str, quality: str = EXACT, original: str | None = None, *,
    nanos: int | None = None,
) -> Timed:  # fmt: skip
    """Return the columns that say when; all but the original are empty where there is no time."""
    if time is None:
        meant: Timed = {"time": None, "time_nanos": None, "time_meaning": None,
                        "time_quality": None, "time_original": original}  # fmt: skip
        return meant
    return {"time": time, "time_nanos": nanos, "time_meaning": meaning, "time_quality": quality,
            "time_original": original}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Record):
    """A unit that a parser could not read: a malformed line, a broken message, a torn table."""

    KIND: ClassVar[str] = "failure"

    reason: str
    """The cause in the field's terms, without the evidence's own text."""


class UnreadableError(Exception):
    """What an opener or parser raises where a unit can't be read for a reason of its format.

    Its text is the reason in the field's terms (`encrypted`, `CRC-32 does not match`), without
    the evidence's own text: it stands in the ledger as it is.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator(Record):
    """An observable found in bytes: an address, a name, a digest."""

    KIND: ClassVar[str] = "indicator"

    type: str
    """`url`, `domain`, `ipv4` and so on: each finder's page names its kinds; of pages in a web
    archive also `form-target` (where a form sends a secret) and `script-host`."""
    value: str
    """The indicator as found, decoded to text, not normalised."""
    valid: bool
    """Whether it passes its own standard's rules beyond the pattern."""
    context: str | None = None
    """What stands before and after it, with it: one line of printable ASCII."""
