"""How many events when: `index/<case>/timeline/hours.parquet`, made with the timeline.

A row for each hour, item, parser, kind and quality of the time that has events. A picture of a
year is drawn from thousands of rows so, not from the millions of events that they count. The
item is among the columns so that an offset of one source's clock can still be applied, by hours.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import InputError
from holdfast.examine import _duck

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HOURS = "hours.parquet"
UNITS = ("hour", "day", "month", "year")
_ENDS = (-(2**62), 2**62)
_COUNT = """
COPY (SELECT time_bucket(INTERVAL 1 HOUR, time) AS hour, item, parser, kind,
             CASE WHEN time_quality = 'exact' THEN 'recorded' ELSE 'inferred' END AS quality,
             count(*) AS events
      FROM read_parquet($files)
      WHERE time BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00Z' AND TIMESTAMPTZ '9999-12-31 23:59:59Z'
      GROUP BY ALL ORDER BY hour, item, parser, kind, quality)
TO '{target}' (FORMAT parquet, COMPRESSION zstd)
"""
_ASK = """
SELECT epoch_us(date_trunc('{unit}', hour)) AS time, kind, sum(events)::BIGINT AS events
FROM read_parquet($files)
WHERE hour BETWEEN make_timestamptz($start) AND make_timestamptz($end)
  AND ($kinds IS NULL OR list_contains($kinds, kind))
  AND ($items IS NULL OR list_contains($items, item))
GROUP BY ALL ORDER BY time, kind
"""


_CORRECTED = """
SELECT epoch_us(date_trunc('{unit}', make_timestamptz(corrected))) AS time, kind,
       count(*)::BIGINT AS events
FROM (
  SELECT kind, epoch_us(events.time) - coalesce(both_.ahead, item_.ahead, host_.ahead, 0)
         AS corrected
  FROM read_parquet($files) AS events
  LEFT JOIN clocks AS both_ ON both_.item = events.item AND both_.host = lower(events.host)
  LEFT JOIN clocks AS item_ ON item_.item = events.item AND item_.host = ''
  LEFT JOIN clocks AS host_ ON host_.item = '' AND host_.host = lower(events.host)
    AND host_.host <> ''
  WHERE events.time BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00Z'
    AND TIMESTAMPTZ '9999-12-31 23:59:59Z'
    AND ($kinds IS NULL OR list_contains($kinds, kind))
    AND ($items IS NULL OR list_contains($items, events.item))
)
WHERE corrected BETWEEN $start AND $end
GROUP BY ALL ORDER BY time, kind
"""


def build(connection: Any, events: Path, folder: Path) -> None:
    """Count the events of a timeline, by the connection that made it."""
    target = str(folder.resolve() / HOURS).replace("'", "''")
    connection.execute(_COUNT.format(target=target), {"files": [str(events.resolve())]})


def query(
    index_dir: Path,
    unit: str,
    *,
    start: int | None = None,
    end: int | None = None,
    kinds: Sequence[str] | None = None,
    items: Sequence[str] | None = None,
    clocks: Sequence[tuple[str, str, int]] = (),
) -> Iterator[dict[str, object]]:
    """Yield `time` (the unit's first moment, microseconds, UTC), `kind` and `events`, in order.

    Whole hours count: those that begin from `start` to `end`. A unit without events has no row,
    and what lies outside the years 1 to 9999 is not counted. With `clocks` (item and host, either
    may be empty for any, and by how many microseconds it was ahead) the events themselves are
    counted by their corrected times, which takes as long as reading them.

    Raises:
        InputError: there is no timeline, or no such unit.
        IntegrityError: it can't be read.
    """
    if unit not in UNITS:
        raise InputError(f"{unit!r} is no unit", f"choose from {', '.join(UNITS)}")
    folder = index_dir / "timeline"
    if not (folder / "built.json").is_file():
        raise InputError(f"there is no timeline in {index_dir}", "build it first")
    hours = folder / HOURS
    if not hours.is_file():
        return
    values: dict[str, object] = {
        "files": [str(hours.resolve())],
        "start": _ENDS[0] if start is None else start,
        "end": _ENDS[1] if end is None else end,
        "kinds": None if kinds is None else list(kinds),
        "items": None if items is None else list(items),
    }
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-query-") as scratch,
        _duck.connect(Path(scratch), folder) as connection,
    ):
        if not clocks:
            yield from _duck.rows(connection, _ASK.format(unit=unit), values)
            return
        connection.execute("CREATE TABLE clocks (item VARCHAR, host VARCHAR, ahead BIGINT)")
        connection.executemany("INSERT INTO clocks VALUES (?, ?, ?)", [list(one) for one in clocks])
        values["files"] = [str((folder / "events.parquet").resolve())]
        yield from _duck.rows(connection, _CORRECTED.format(unit=unit), values)
