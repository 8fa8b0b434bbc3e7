"""What somebody else's tool or table says of a case: its rows, as kinds of their own.

They are never the kinds that our own parsers give: what another team wrote down is a statement, not
something that was read from a machine's traces. docs/formats/imports.md.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from holdfast.examine._shape import storable
from holdfast.examine.record import DAY_ONLY, EXACT, ZONE_ASSUMED, Record, timed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.examine.record import Timed

CONTENT = 1 << 16
"""Characters of a row's content that are kept; a longer one is cut, and says so."""
TEXT = 20_000
"""Characters of one text."""
_SHOWN = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UTC_NAMES = frozenset({"utc", "gmt", "z", "zulu", "+00:00", "utc+0", "utc+00:00", "etc/utc"})
_ISO = re.compile(
    r"(\d{4})[-/](\d\d?)[-/](\d\d?)"
    r"(?:(?:T|\s{1,3})(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_DOTTED = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})(.{0,40})", re.ASCII)
_OFFSET = re.compile(r"(?:UTC|GMT)?\s?([+-])(\d\d?):?(\d\d)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported(Record):
    """A row of another tool's data."""

    place: str | None = None
    """Where the row stands: `Timeline!A7`, `/timeline/3`."""
    reference: str | None = None
    """What the tool itself calls it."""
    content: str | None = None
    """JSON of every column to its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedEvent(Imported):
    """Something that happened, as another tool has it."""

    KIND: ClassVar[str] = "imported.event"

    source: str | None = None
    """What the tool says it read it from."""
    tags: list[str] = field(default_factory=list)
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedIndicator(Imported):
    """An indicator, as another tool has it: neither found nor judged by us."""

    KIND: ClassVar[str] = "imported.indicator"

    type: str | None = None
    """As the tool names it, in lower case."""
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedEntity(Imported):
    """Somebody or something in the case, as another tool has it."""

    KIND: ClassVar[str] = "imported.entity"

    sort: str | None = None
    """`host`, `account` or `device`."""
    name: str | None = None
    identifiers: list[str] = field(default_factory=list)
    """`KIND:VALUE`."""
    details: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedTask(Imported):
    """A task, as another tool has it."""

    KIND: ClassVar[str] = "imported.task"

    title: str | None = None
    details: str | None = None
    state: str | None = None
    assigned: str | None = None
    due: str | None = None
    """As it stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedNote(Imported):
    """A note, or an entry of another tool's list of evidence."""

    KIND: ClassVar[str] = "imported.note"

    title: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFinding(Imported):
    """What others concluded."""

    KIND: ClassVar[str] = "imported.finding"

    title: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRow(Imported):
    """A row that could not be mapped to anything, and why."""

    KIND: ClassVar[str] = "imported.row"

    reason: str | None = None


RECORDS_OF_OTHERS: tuple[type[Record], ...] = (
    ImportedEvent, ImportedIndicator, ImportedEntity, ImportedTask, ImportedNote, ImportedFinding,
    ImportedRow,
)  # fmt: skip


def line(text: str) -> str:
    """Return the start of a text as one line."""
    return storable(" ".join(text[: 4 * _SHOWN].split())[:_SHOWN])


def text(value: object) -> str:
    """Return a value as text a person reads; of lists, one after the other."""
    if value is None:
        return ""
    if isinstance(value, str):
        return storable(value.strip())[:TEXT]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list) and not any(isinstance(one, (list, dict)) for one in value):
        return ", ".join(filter(None, map(text, value)))[:TEXT]
    return whole(value)[:TEXT]


def whole(value: object) -> str:
    """Return a value as JSON, cut where it is too long to be kept beside the rest.

    Raises:
        RecursionError: it is nested too deeply.
    """
    told = storable(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str))
    if len(told) > CONTENT:
        return f"{told[:CONTENT]} … ({len(told)} characters)"
    return told


def told_time(value: str, meaning: str, zone: str = "", *, original: str = "") -> Timed:
    """Return when a row says it was, as certain as it says it.

    A time without a zone is read as UTC and marked `zone assumed`, unless `zone` (a column or a
    heading) names UTC or an offset. A date whose day and month could be exchanged is not read.
    """
    given = value.strip()
    kept = original or given or None
    dotted = _DOTTED.fullmatch(given)
    if dotted is not None:
        given = f"{dotted[3]}-{dotted[2]}-{dotted[1]}{dotted[4]}"
    found = _ISO.fullmatch(given)
    if found is None:
        return timed(None, meaning, original=_cut(kept))
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    part = (found[7] or "").ljust(9, "0")
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        ahead = _ahead(found[8] or zone)
        moment += timedelta(seconds=second - min(second, 59)) - (ahead or timedelta(0))
    except (ValueError, OverflowError):
        return timed(None, meaning, original=_cut(kept))
    quality = EXACT if ahead is not None else ZONE_ASSUMED
    if found[4] is None:
        quality = DAY_ONLY
    micros = (moment - _EPOCH) // timedelta(microseconds=1) + int(part[:6])
    nanos = int(part[6:]) if len(found[7] or "") > 6 else None
    return timed(micros, meaning, quality, _cut(kept), nanos=nanos)


def _ahead(zone: str) -> timedelta | None:
    """Return by how much a zone is ahead of UTC; None where it is not said."""
    name = zone.strip().lower()
    if name in _UTC_NAMES:
        return timedelta(0)
    found = _OFFSET.fullmatch(name)
    if found is None:
        return None
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return ahead if found[1] == "+" else -ahead


def _cut(given: str | None) -> str | None:
    return None if given is None else storable(given[:64])


def first(values: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return the first of some columns that says something."""
    return next((said for name in names if (said := text(values.get(name)))), "")
