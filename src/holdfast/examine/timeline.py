"""The timeline of a case, and queries over its records and indicators.

`index/<case>/timeline/events.parquet` holds the common columns of every record that has a time,
sorted by time; docs/formats/records.md. What a user gives is bound as a parameter, never made
part of a query's text.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError
from holdfast.examine import _duck, results, rollups

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from holdfast.examine.results import Dataset

_EVENTS, _BUILT = "events.parquet", "built.json"
_FIRST, _LAST = -(2**63) + 2, 2**63 - 2  # the two ends are DuckDB's infinities
_NO_LIMIT = 2**62

_STAGE = """
COPY (SELECT item, path, parser, parser_version, kind, seq, time, time_nanos, time_meaning,
             time_quality, time_original, host, "user", message, "offset", length, "row"
      FROM read_parquet($files) WHERE time IS NOT NULL)
TO '{target}' (FORMAT parquet, COMPRESSION zstd)
"""
_SORT = """
COPY (SELECT * FROM read_parquet($files)
      ORDER BY time, time_nanos NULLS FIRST, item, path, parser, kind, seq)
TO '{target}' (FORMAT parquet, COMPRESSION zstd)
"""
_QUERY = """
SELECT {columns}
FROM read_parquet($files) AS events
WHERE events.time BETWEEN make_timestamptz($start) AND make_timestamptz($end)
  AND ($kinds IS NULL OR list_contains($kinds, kind))
  AND ($items IS NULL OR list_contains($items, item))
  AND ($parsers IS NULL OR list_contains($parsers, parser))
  AND ($text IS NULL OR contains(lower(message), lower($text)))
LIMIT $limit
"""
_CORRECTED = """
SELECT {columns}, corrected, ahead, within_, stated
FROM (
  SELECT events.*,
         coalesce(both_.entry, item_.entry, host_.entry) AS stated,
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
  WHERE events.time BETWEEN make_timestamptz($start) AND make_timestamptz($end)
    AND ($kinds IS NULL OR list_contains($kinds, kind))
    AND ($items IS NULL OR list_contains($items, events.item))
    AND ($parsers IS NULL OR list_contains($parsers, parser))
    AND ($text IS NULL OR contains(lower(message), lower($text)))
)
WHERE corrected BETWEEN $first AND $last
ORDER BY corrected, time_nanos NULLS FIRST, item, path, parser, kind, seq
LIMIT $limit
"""
_RECORDS = """
SELECT {columns}
FROM read_parquet($files, union_by_name = true)
WHERE ($parsers IS NULL OR list_contains($parsers, parser))
  AND ($text IS NULL OR contains(lower(message), lower($text)))
LIMIT $limit
"""
_INDICATORS = """
SELECT {columns}
FROM read_parquet($files, union_by_name = true)
WHERE ($types IS NULL OR list_contains($types, type))
  AND (NOT $valid_only OR valid)
  AND ($text IS NULL OR contains(lower(value), lower($text)))
LIMIT $limit
"""


@dataclass(frozen=True)
class Clock:
    """By how much the clock of a source was wrong."""

    item: str
    """SHA-256 of the item; empty for any."""
    host: str
    """The machine as records name it, in lower case; empty for any."""
    ahead: int
    """Microseconds that it was ahead of true time."""
    within: int
    """Microseconds by which that may be wrong."""
    entry: int
    """The entry that states it."""


def build(derived: Path, items: Iterable[str], index_dir: Path) -> int:
    """Build the timeline of `items` anew and put it in the old one's place; return its events.

    Memory is bounded: sorting goes to disk. Equal records give an equal order.

    Raises:
        IntegrityError: derived data can't be read.
        ResourceError: no room.
    """
    index_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".timeline-", dir=index_dir) as name:
        scratch = Path(name)
        stage, fresh = scratch / "stage", scratch / "timeline"
        stage.mkdir()
        fresh.mkdir()
        sources: list[str] = []
        count = 0
        with _duck.connect(scratch / "tmp", derived, scratch) as connection:
            paths = _noted(results.datasets(derived, items), sources)
            for number, batch in enumerate(_duck.batches(paths)):
                target = stage / f"{number:06d}.parquet"
                connection.execute(_STAGE.format(target=_quoted(target)), {"files": batch})
            if sources:
                staged = [str(path.resolve()) for path in sorted(stage.iterdir())]
                target = fresh / _EVENTS
                connection.execute(_SORT.format(target=_quoted(target)), {"files": staged})
                counted = connection.execute(
                    "SELECT count(*) FROM read_parquet($files)", {"files": [str(target.resolve())]}
                ).fetchone()
                count = int(counted[0]) if counted else 0
                rollups.build(connection, target, fresh)
        built: canonical.Json = {
            "format": "holdfast-timeline/1",
            "events": count,
            "sources": sha256_hex("".join(sorted(sources)).encode()),
        }
        (fresh / _BUILT).write_bytes(canonical.dumps(built))
        swap(fresh, index_dir / "timeline")
    return count


def query(
    index_dir: Path,
    *,
    start: int | None = None,
    end: int | None = None,
    kinds: Sequence[str] | None = None,
    items: Sequence[str] | None = None,
    parsers: Sequence[str] | None = None,
    text: str | None = None,
    limit: int | None = None,
    clocks: Sequence[Clock] = (),
) -> Iterator[dict[str, object]]:
    """Yield events in order of time, as they are read; times in microseconds since the epoch.

    `start` and `end` are included. `text` is looked for in the message, in any case. With `clocks`,
    order and bounds are those of the corrected times, and each event has besides `corrected`,
    `ahead`, `within_` and `stated` (the entry; null where its clock counts as right).

    Raises:
        InputError: there is no timeline, or a time outside 64 bits.
        IntegrityError: it can't be read.
    """
    events = index_dir / "timeline" / _EVENTS
    if not (events.parent / _BUILT).is_file():
        raise InputError(f"there is no timeline in {index_dir}", "build it first")
    if not events.is_file():
        return  # a case without any record
    first, last = _FIRST if start is None else start, _LAST if end is None else end
    if not (-(2**63) <= first < 2**63 and -(2**63) <= last < 2**63):
        raise InputError("a time is outside of what a timeline can hold")
    values: dict[str, object] = {
        "files": [str(events.resolve())],
        "start": first,
        "end": last,
        "kinds": _list(kinds),
        "items": _list(items),
        "parsers": _list(parsers),
        "text": text,
        "limit": _NO_LIMIT if limit is None else limit,
    }
    with _scratch() as scratch, _duck.connect(scratch, events.parent) as connection:
        columns = _duck.all_columns(connection, [str(events.resolve())])
        if clocks:
            connection.execute(
                "CREATE TABLE clocks (item VARCHAR, host VARCHAR, ahead BIGINT, within_ BIGINT, "
                "entry BIGINT)"
            )
            connection.executemany(
                "INSERT INTO clocks VALUES (?, ?, ?, ?, ?)",
                [(one.item, one.host, one.ahead, one.within, one.entry) for one in clocks],
            )
            shifts = (0, *(one.ahead for one in clocks))
            values |= {
                "first": first, "last": last,
                "start": max(_FIRST, first + min(shifts)), "end": min(_LAST, last + max(shifts)),
            }  # fmt: skip
            query_ = _CORRECTED.format(columns=columns)
            yield from _duck.rows(connection, query_, values)
            return
        yield from _duck.rows(connection, _QUERY.format(columns=columns), values)


def records(
    derived: Path,
    items: Iterable[str],
    *,
    kind: str,
    parsers: Sequence[str] | None = None,
    text: str | None = None,
    limit: int | None = None,
) -> Iterator[dict[str, object]]:
    """Yield the records of one kind with all their columns, by item, in the order of the source.

    Raises:
        IntegrityError: derived data can't be read.
    """
    values: dict[str, object] = {"parsers": _list(parsers), "text": text}
    yield from _over(derived, items, kind, template=_RECORDS, values=values, limit=limit)


def indicators(
    derived: Path,
    items: Iterable[str],
    *,
    types: Sequence[str] | None = None,
    valid_only: bool = False,
    text: str | None = None,
    limit: int | None = None,
) -> Iterator[dict[str, object]]:
    """Yield indicators, by item, in the order of the source; `text` is looked for in the value.

    Raises:
        IntegrityError: derived data can't be read.
    """
    values: dict[str, object] = {"types": _list(types), "valid_only": valid_only, "text": text}
    yield from _over(derived, items, "indicator", template=_INDICATORS, values=values, limit=limit)


def swap(fresh: Path, target: Path) -> None:
    """Put the folder `fresh` in the place of `target`; what was there is removed."""
    old = fresh.with_name(f"{fresh.name}.old")
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    if old.exists():
        shutil.rmtree(old)


def _over(
    derived: Path, items: Iterable[str], kind: str, *, template: str, values: dict[str, object],
    limit: int | None,
) -> Iterator[dict[str, object]]:  # fmt: skip
    left = _NO_LIMIT if limit is None else limit
    paths = (found.path for found in results.datasets(derived, items) if found.kind == kind)
    with _scratch() as scratch, _duck.connect(scratch, derived) as connection:
        for batch in _duck.batches(paths):
            query_ = template.format(columns=_duck.all_columns(connection, batch))
            for row in _duck.rows(connection, query_, {**values, "files": batch, "limit": left}):
                left -= 1
                yield row
            if left <= 0:
                return


def _noted(datasets: Iterable[Dataset], sources: list[str]) -> Iterator[Path]:
    for dataset in datasets:
        sources.append(f"{dataset.item}/{dataset.path.parent.name}/{dataset.kind}\n")
        yield dataset.path


def _list(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="holdfast-query-") as name:
        yield Path(name)


def _quoted(path: Path) -> str:
    return str(path.parent.resolve() / path.name).replace("'", "''")
