"""A page of a timeline: the events that follow a place in it, or precede it, under a filter.

Work is bounded whatever the filter: the counts by hour say how far to read for enough events, and
a filter on words stops after `BUDGET` events and says where, so that the next page goes on there.
"""

from __future__ import annotations

import base64
import binascii
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.core.errors import InputError
from holdfast.examine import _duck
from holdfast.examine.narrowed import QUALITY
from holdfast.examine.rollups import HOURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from holdfast.examine.narrowed import Narrowed

BUDGET = 400_000
"""Events among which one page looks for words."""
CORRECTED = 2_000_000
"""Events that are counted one by one where a clock was wrong."""
LARGEST = 1000
FIRST, LAST = -(2**63) + 2, 2**63 - 2
HOUR = 3_600_000_000
_SLAB = 50_000
"""Events of a slab that are sorted at once; a denser one is read in parts."""
_KEY = ("corrected", "coalesce(time_nanos, -1)", "item", "path", "parser", "kind", "seq")
EVENTS = """
(SELECT e.*, {quality} AS quality FROM (
  SELECT events.*, coalesce(both_.entry, item_.entry, host_.entry) AS stated,
         coalesce(both_.ahead, item_.ahead, host_.ahead, 0) AS ahead,
         coalesce(both_.within_, item_.within_, host_.within_) AS within_,
         CAST(least(greatest(CAST(epoch_us(events.time) AS HUGEINT)
                             - coalesce(both_.ahead, item_.ahead, host_.ahead, 0),
                             -9223372036854775806), 9223372036854775805) AS BIGINT) AS corrected
  FROM read_parquet($files) AS events
  LEFT JOIN clocks AS both_ ON both_.item = events.item AND both_.host = lower(events.host)
  LEFT JOIN clocks AS item_ ON item_.item = events.item AND item_.host = ''
  LEFT JOIN clocks AS host_ ON host_.item = '' AND host_.host = lower(events.host)
    AND host_.host <> ''
  WHERE events.time BETWEEN make_timestamptz($low) AND make_timestamptz($high)) AS e)
"""
PLAIN = """
(SELECT e.*, {quality} AS quality FROM (
  SELECT events.*, NULL::BIGINT AS stated, 0::BIGINT AS ahead, NULL::BIGINT AS within_,
         epoch_us(events.time) AS corrected
  FROM read_parquet($files) AS events
  WHERE events.time BETWEEN make_timestamptz($low) AND make_timestamptz($high)) AS e)
"""
_ALL = ("kind", "parser", "item", "quality", "host", "user", "tag", "text")
_SHOWN = """
item, path, parser, parser_version, kind, seq, epoch_us(time) AS time, time_nanos, time_meaning,
time_quality, time_original, host, "user", message, "offset", length, "row", corrected, ahead,
within_, stated, quality
"""


@dataclass(frozen=True)
class Page:
    """Events in order of time, and where it goes on."""

    rows: list[dict[str, Any]]
    """The common columns; `corrected`, `ahead`, `within_`, `stated` (the entry) and `quality`."""
    earlier: str | None
    """Place to ask `before`; None at the window's start."""
    later: str | None
    """Place to ask `after`; None at its end."""
    stopped: int | None
    """Up to where it looked, where it didn't find a page full: microseconds, UTC."""


@contextmanager
def opened(index_dir: Path, asked: Narrowed) -> Iterator[Reader]:
    """Open a case's timeline for one question.

    Raises:
        InputError: there is none.
        IntegrityError: it can't be read.
    """
    folder = index_dir / "timeline"
    if not (folder / "built.json").is_file():
        raise InputError(f"there is no timeline in {index_dir}", "build it first")
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-query-") as scratch,
        _duck.connect(Path(scratch), folder) as connection,
    ):
        if asked.clocks:
            connection.execute(
                "CREATE TABLE clocks (item VARCHAR, host VARCHAR, ahead BIGINT, within_ BIGINT, "
                "entry BIGINT)"
            )
            connection.executemany(
                "INSERT INTO clocks VALUES (?, ?, ?, ?, ?)",
                [(one.item, one.host, one.ahead, one.within, one.entry) for one in asked.clocks],
            )
        if asked.tagged or any(one.field == "tag" for one in asked.filter.terms):
            connection.execute(
                "CREATE TABLE tagged (tag VARCHAR, item VARCHAR, path VARCHAR, parser VARCHAR, "
                "seq BIGINT)"
            )
            # As lists: a row at a time takes a millisecond each.
            names = ("tag", "item", "path", "parser", "seq")
            columns = ", ".join(f"unnest(${name})" for name in names)
            connection.execute(
                f"INSERT INTO tagged SELECT {columns}",
                {name: [getattr(one, name) for one in asked.tagged] for name in names},
            )
        yield Reader(connection, folder, asked)


class Reader:
    """A timeline that is open for one question."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, asked: Narrowed
    ) -> None:
        self.connection = connection
        self.asked = asked
        self.events, self.hours = folder / "events.parquet", folder / HOURS
        ahead = [one.ahead for one in asked.clocks]
        self.shifts = min(0, *ahead, 0), max(0, *ahead, 0)
        """By how many microseconds recorded times may differ from corrected ones."""
        filter_ = asked.filter
        self.first = FIRST if filter_.start is None else filter_.start
        self.last = LAST if filter_.end is None else filter_.end

    @property
    def relation(self) -> str:
        """The events with their corrected times, as a table of a query."""
        return (EVENTS if self.asked.clocks else PLAIN).format(quality=QUALITY)

    def span(self, first: int, last: int) -> dict[str, object]:
        """Return the values of `relation`, for corrected times from `first` to `last`."""
        return {
            "files": [str(self.events.resolve())],
            "low": max(FIRST, first + self.shifts[0]),
            "high": min(LAST, last + self.shifts[1]),
        }

    def page(self, limit: int, after: str | None = None, before: str | None = None) -> Page:
        """Return up to `limit` events after (or before) a place, else from the window's start.

        Raises:
            InputError: no such place, or too many events for a page.
        """
        if not 1 <= limit <= LARGEST:
            raise InputError(f"a page has 1 to {LARGEST} events, not {limit}")
        back = before is not None
        place = _place(before if back else after)
        if not self.events.is_file():
            return Page([], None, None, None)
        found: list[dict[str, Any]] = []
        stopped: int | None = None
        for first, last, over in self._slabs(place, back=back, enough=limit + 1):
            if over:
                stopped = last if back else first
                break
            found += self._read(first, last, place, back=back, limit=limit + 1 - len(found))
            if len(found) > limit:
                break
        more = len(found) > limit
        rows = found[:limit]
        onward = _cursor(rows[-1]) if more else None
        if stopped is not None:
            onward = _written([stopped])
        home = None
        if rows and place is not None:
            home = _cursor(rows[0])
        elif place is not None:
            home = before if back else after
        if back:
            rows.reverse()
        earlier, later = (onward, home) if back else (home, onward)
        return Page([*map(_shown, rows)], earlier, later, stopped)

    def _read(
        self, first: int, last: int, place: list[Any] | None, *, back: bool, limit: int
    ) -> list[dict[str, Any]]:
        condition, values = self.asked.conditions(_ALL)
        beyond = "true"
        if place is not None and len(place) > 1:
            names = [f"$place_{at}" for at in range(len(place))]
            beyond = f"({', '.join(_KEY)}) {'<' if back else '>'} ({', '.join(names)})"
            values |= {f"place_{at}": one for at, one in enumerate(place)}
        way = "DESC" if back else "ASC"
        order = ", ".join(f"{one} {way}" for one in _KEY)
        query = (
            f"SELECT {_SHOWN} FROM {self.relation} AS e "  # noqa: S608 - only our own text
            f"WHERE corrected BETWEEN $first AND $last AND {condition} AND {beyond} "
            f"ORDER BY {order} LIMIT $limit"
        )
        span = self.span(first, last)
        given = {**values, **span, "first": first, "last": last, "limit": limit}
        return list(_duck.rows(self.connection, query, given))

    def _slabs(
        self, place: list[Any] | None, *, back: bool, enough: int
    ) -> Iterator[tuple[int, int, bool]]:
        """Yield spans one after the other, each with about the events that are still needed.

        The last value says that the budget is used up: that span isn't to be read.
        """
        first, last = self.first, self.last
        if place is not None:
            first, last = (first, min(last, place[0])) if back else (max(first, place[0]), last)
        if first > last:
            return
        wanted, spent = 2 * enough, 0
        bounded = self.asked.reads_text
        most = BUDGET // 4 if bounded else 2 * BUDGET
        edge, held = (last, 0) if back else (first, 0)
        for hour, events in self.by_hour(first, last, back=back):
            held += events
            end = max(first, hour) if back else min(last, hour + HOUR - 1)
            if held < wanted or (edge < end if back else end < edge):
                continue
            for start, stop, many in self._parts(edge, end, held, back=back, dense=events):
                yield start, stop, bounded and spent > max(0, BUDGET - many)
                spent += many
            edge, held = (end - 1, 0) if back else (end + 1, 0)
            wanted = min(8 * wanted, most)
        if first <= edge <= last:
            whole = (first, edge) if back else (edge, last)
            yield *whole, bounded and spent > max(0, BUDGET + _SLAB - held)

    def by_hour(self, first: int, last: int, *, back: bool = False) -> Iterator[tuple[int, int]]:
        """Yield hours that have events of the filter's kinds, parsers and items, and how many."""
        if not self.hours.is_file():
            return
        fields = () if self.asked.clocks else ("kind", "parser", "item", "quality")
        condition, values = self.asked.conditions(fields)
        query = (
            "SELECT epoch_us(hour) AS hour, sum(events)::BIGINT AS events FROM "  # noqa: S608
            f"read_parquet($files) AS e WHERE hour BETWEEN make_timestamptz($low) AND "
            f"make_timestamptz($high) AND {condition} GROUP BY ALL "
            f"ORDER BY hour {'DESC' if back else 'ASC'}"
        )
        low = max(FIRST, first + self.shifts[0] - HOUR)
        given = {**values, "files": [str(self.hours.resolve())], "low": low,
                 "high": min(LAST, last + self.shifts[1])}  # fmt: skip
        for row in _duck.rows(self.connection, query, given):
            yield int(str(row["hour"])), int(str(row["events"]))

    def _parts(
        self, edge: int, end: int, held: int, *, back: bool, dense: int
    ) -> Iterator[tuple[int, int, int]]:
        """Yield a slab, or its parts where an hour of it is dense: first, last, events."""
        while dense > 2 * _SLAB and held > 2 * _SLAB:
            span = self.span(*((end, edge) if back else (edge, end)))
            query = (
                "SELECT epoch_us(time) FROM read_parquet($files) WHERE time BETWEEN "  # noqa: S608
                "make_timestamptz($low) AND make_timestamptz($high) "
                f"ORDER BY time {'DESC' if back else 'ASC'} LIMIT 1 OFFSET {_SLAB}"
            )
            row = self.connection.execute(query, span).fetchone()
            if row is None:
                break
            cut = int(row[0]) - self.shifts[0 if back else 1]
            if not (end < cut < edge if back else edge < cut < end):
                break
            yield *((cut, edge) if back else (edge, cut)), _SLAB
            edge, held = (cut - 1, held - _SLAB) if back else (cut + 1, held - _SLAB)
        yield *((end, edge) if back else (edge, end)), held


def named(place: str) -> tuple[str, str, str, str, int]:
    """Return the record that a place names: item, path, parser, kind, seq.

    Raises:
        InputError: it names none.
    """
    record = (_place(place) or [])[2:]
    if not record:
        raise InputError("that place is no event's", "take it from a row of the timeline")
    item, path, parser, kind, seq = record
    return item, path, parser, kind, seq


def find(index_dir: Path, place: str) -> int | None:
    """Return the version of the parser that gave the record at a place; None where there is none.

    Clocks may have been corrected since the place was shown, so the record is looked for by what
    it is, in all of the timeline.
    """
    item, path, parser, kind, seq = named(place)
    events = index_dir / "timeline" / "events.parquet"
    if not events.is_file():
        return None
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-query-") as scratch,
        _duck.connect(Path(scratch), events.parent) as connection,
    ):
        row = connection.execute(
            "SELECT parser_version FROM read_parquet($files) WHERE item = $item AND path = $path "
            "AND parser = $parser AND kind = $kind AND seq = $seq LIMIT 1",
            {"files": [str(events.resolve())], "item": item, "path": path, "parser": parser,
             "kind": kind, "seq": seq},
        ).fetchone()  # fmt: skip
    return None if row is None else int(row[0])


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "place": _cursor(row)}


def _cursor(row: dict[str, Any]) -> str:
    nanos = -1 if row["time_nanos"] is None else row["time_nanos"]
    names = ("item", "path", "parser", "kind", "seq")
    return _written([row["corrected"], nanos, *(row[name] for name in names)])


def _written(place: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _place(text: str | None) -> list[Any] | None:
    """Read a place back, which anybody may have written.

    Raises:
        InputError: it is none.
    """
    if text is None:
        return None
    try:
        place = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        place = None
    kinds = (int, int, str, str, str, str, int)
    if (
        not isinstance(place, list)
        or len(place) not in {1, len(kinds)}
        or any(type(one) is not kind for one, kind in zip(place, kinds, strict=False))
        or not FIRST <= place[0] <= LAST
    ):
        raise InputError("that is no place in a timeline", "begin again at its first page")
    return place
