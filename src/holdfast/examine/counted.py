"""Counts of a timeline under a filter: a histogram at any zoom, and facets that follow it.

Both come from the counts by hour as long as the filter asks for kinds, parsers, items and qualities
alone; the events themselves are read at the window's two ends, which are no whole hours, and for
what only they know. A facet is counted under all other terms of the filter but its own field's, so
that it shows what choosing another of its values would give.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.examine import _duck
from holdfast.examine.narrowed import FACETS
from holdfast.examine.windows import BUDGET, CORRECTED, FIRST, HOUR, LAST

if TYPE_CHECKING:
    from holdfast.examine.windows import Reader

SHOWN = 50
"""Values of a facet that are counted one by one, the most frequent ones."""
_SECOND = 1_000_000
_STEPS = tuple(
    _SECOND * one
    for one in (
        *(1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600),
        *(86_400, 7 * 86_400, 28 * 86_400, 91 * 86_400, 365 * 86_400, 3650 * 86_400),
        36_500 * 86_400,
    )
)
_BARS = 120
_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 to 9999, which the counts by hour have."""
_SCANNED = ("host", "user", "tag", "text")
_BY_HOUR = """
SELECT epoch_us(hour) // $step * $step AS bar, item, parser, kind, quality,
       sum(events)::BIGINT AS events
FROM read_parquet($hours) AS e
WHERE hour BETWEEN make_timestamptz($from_hour) AND make_timestamptz($to_hour)
  AND NOT list_contains($uncounted, item) GROUP BY ALL
"""
_BY_EVENT = """
SELECT corrected // $step * $step AS bar, item, parser, kind, quality, count(*)::BIGINT AS events
FROM {relation} AS e WHERE corrected BETWEEN $first AND $last AND {condition}
  AND NOT list_contains($uncounted, item) GROUP BY ALL
"""


@dataclass(frozen=True)
class Counted:
    """How many events, when and of what."""

    total: int = 0
    step: int = HOUR
    """Width of a bar: microseconds."""
    bars: list[tuple[int, int]] = field(default_factory=list)
    """First moment of a bar, UTC, and its events; bars without any are left out."""
    first: int | None = None
    """The window that is counted, microseconds; None where there is no event."""
    last: int | None = None
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    """By field: value and events, the most frequent first."""
    counted_to: int | None = None
    """Up to where words were looked for, where the window has more events than that allows."""


def count(reader: Reader, bars: int = _BARS) -> Counted:
    """Count the window that the filter names, in about `bars` bars."""
    if not reader.hours.is_file():
        return Counted()
    ends = _ends(reader)
    if ends is None:
        return Counted()
    first, last = ends
    step = next((one for one in _STEPS if (last - first) // one < bars), _STEPS[-1])
    to, last = last, _reach(reader, first, last)
    _cube(reader, first, last, step)
    every, values = reader.asked.conditions(FACETS)
    run = reader.connection.execute
    drawn = run(
        f"SELECT bar, sum(events)::BIGINT FROM cube AS e WHERE {every} GROUP BY bar ORDER BY bar",  # noqa: S608
        values,
    ).fetchall()
    facets = {name: _facet(reader, name) for name in FACETS}
    if reader.asked.tagged:
        facets["tag"] = _tags(reader, first, last)
    shown = [(int(bar), int(events)) for bar, events in drawn]
    return Counted(
        sum(events for _, events in shown), step, shown, first, to, facets,
        last if last < to else None,
    )  # fmt: skip


def _ends(reader: Reader) -> tuple[int, int] | None:
    """Return the window: as the filter names it, else from the first hour to the last."""
    low = max(reader.first + reader.shifts[0], FIRST)
    high = min(reader.last + reader.shifts[1], LAST)
    row = reader.connection.execute(
        "SELECT epoch_us(min(hour)), epoch_us(max(hour)) FROM read_parquet($hours) WHERE hour "
        "BETWEEN make_timestamptz($low) AND make_timestamptz($high)",
        {"hours": [str(reader.hours.resolve())], "low": max(low - HOUR, FIRST), "high": high},
    ).fetchone()
    if row is None or row[0] is None:
        return None
    first = int(row[0]) - reader.shifts[1] if reader.first == FIRST else reader.first
    last = int(row[1]) + HOUR - 1 - reader.shifts[0] if reader.last == LAST else reader.last
    first, last = max(first, _EARLIEST), min(last, _LATEST)
    return (first, last) if first <= last else None


def _reach(reader: Reader, first: int, last: int) -> int:
    """Return up to where events can be read at once: all, unless there are too many."""
    asked = reader.asked
    if not asked.reads_text and not asked.clocks:
        return last
    held, most = 0, BUDGET if asked.reads_text else CORRECTED
    for hour, events in reader.by_hour(first, last):
        held += events
        if held > most and hour > first:
            return min(hour - 1, last)
    return last


def _cube(reader: Reader, first: int, last: int, step: int) -> None:
    """Count by bar and facets, for all values of the facets."""
    spans, apart = [(first, last)], [*reader.asked.uncounted]
    run = reader.connection.execute
    run(
        "CREATE OR REPLACE TEMP TABLE cube (bar BIGINT, item VARCHAR, parser VARCHAR, "
        "kind VARCHAR, quality VARCHAR, events BIGINT)"
    )
    from_hour, to_hour = -(-first // HOUR) * HOUR, (last + 1) // HOUR * HOUR - HOUR
    if reader.asked.by_hours and step >= HOUR and from_hour <= to_hour:
        hours = [str(reader.hours.resolve())]
        given = {
            "hours": hours,
            "from_hour": from_hour,
            "to_hour": to_hour,
            "step": step,
            "uncounted": apart,
        }
        run(f"INSERT INTO cube {_BY_HOUR}", given)
        spans = [(first, from_hour - 1), (to_hour + HOUR, last)]
    condition, more = reader.asked.conditions(_SCANNED)
    query = _BY_EVENT.format(relation=reader.relation, condition=condition)
    for start, end in spans:
        if start <= end and reader.events.is_file():
            span = reader.span(start, end)
            given = {"step": step, "first": start, "last": end, "uncounted": apart}
            run(f"INSERT INTO cube {query}", {**more, **span, **given})


def _facet(reader: Reader, name: str) -> list[tuple[str, int]]:
    condition, values = reader.asked.conditions([one for one in FACETS if one != name])
    query = (
        f"SELECT {name}, sum(events)::BIGINT FROM cube AS e WHERE {condition} "  # noqa: S608
        "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $shown"
    )
    found = reader.connection.execute(query, {**values, "shown": SHOWN}).fetchall()
    return [(str(value), int(events)) for value, events in found]


def _tags(reader: Reader, first: int, last: int) -> list[tuple[str, int]]:
    """Count the tagged events under all terms but those of tags."""
    condition, values = reader.asked.conditions([*FACETS, "host", "user", "text"])
    query = (
        "SELECT tagged.tag, count(*) AS many FROM (SELECT e.item, e.path, e.parser, e.seq "  # noqa: S608
        f"FROM {reader.relation} AS e WHERE corrected BETWEEN $first AND $last AND {condition} "
        "AND NOT list_contains($uncounted, item)) "
        "AS found JOIN tagged USING (item, path, parser, seq) GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    given = {
        **values,
        **reader.span(first, last),
        "first": first,
        "last": last,
        "uncounted": [*reader.asked.uncounted],
    }
    found = _duck.rows(reader.connection, query, given)
    return [(str(row["tag"]), int(str(row["many"]))) for row in found]
