"""What stands around places in files: the record that each lies in, and indicators in the same.

A record covers bytes; one of more than `WIDE` is a document, not a record that a person reads, and
says nothing of two values in it. Where none covers a place, what is `NEAR` stands for the record.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.examine import _duck, results

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WIDE, NEAR = 1 << 18, 512
"""Bytes."""
_MOST = 100_000
"""Indicators beside some places that are looked at."""
_SKIPPED = ("indicator", "failure", "similar.text", "similar.picture", "files")
_PLACES = """
CREATE TABLE places AS
SELECT unnest($numbers) AS number, unnest($items) AS item, unnest($paths) AS path,
       unnest($starts) AS start, unnest($ends) AS stop
"""
_AROUND = """
SELECT p.number, r.item, r.path, r.parser, r.parser_version, r.kind, r.seq,
       epoch_us(r.time) AS time, r.time_nanos, r.time_meaning, r.host, r."user", r.message,
       r."offset", r.length, r."row"
FROM read_parquet($files, union_by_name = true) AS r
JOIN places AS p ON r.item = p.item AND r.path = p.path
  AND r."offset" <= p.start AND r."offset" + r.length >= p.stop
WHERE r."offset" <= (SELECT max(start) FROM places)
"""
_BESIDE = """
SELECT DISTINCT p.number, i.item, i.path, i.type, i.value, i.valid, i."offset"
FROM read_parquet($files, union_by_name = true) AS i
JOIN places AS p ON i.item = p.item AND i.path = p.path
  AND i."offset" >= p.start AND i."offset" < p.stop
"""


@dataclass(frozen=True)
class Span:
    """Bytes of a file."""

    item: str
    path: str
    start: int
    stop: int


def records(derived: Path, places: Sequence[Span]) -> dict[int, dict[str, Any]]:
    """Return the record that each place (by its number) lies in, the shortest of several.

    Raises:
        IntegrityError: derived data can't be read.
    """
    found: dict[int, dict[str, Any]] = {}
    for row in _asked(derived, places, _AROUND, indicators=False):
        before = found.get(row["number"])
        if before is None or _order(row) < _order(before):
            found[row["number"]] = row
    return found


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["length"], row["kind"], row["parser"], row["seq"]


def spans(places: Sequence[Span], known: dict[int, dict[str, Any]]) -> list[Span]:
    """Return what counts as one record with each place, each once."""
    found: dict[Span, None] = {}
    for number, place in enumerate(places):
        record = known.get(number)
        if record is not None and record["length"] <= WIDE:
            first, last = record["offset"], record["offset"] + record["length"]
        else:
            first, last = max(0, place.start - NEAR), place.stop + NEAR
        found[Span(place.item, place.path, first, last)] = None
    return [*found]


def indicators(derived: Path, some: Sequence[Span]) -> Iterator[dict[str, Any]]:
    """Yield the indicators that stand in any of `some`, each with the span's `number`.

    Raises:
        IntegrityError: derived data can't be read.
    """
    yield from islice(_asked(derived, some, _BESIDE, indicators=True), _MOST)


def _asked(
    derived: Path, places: Sequence[Span], query: str, *, indicators: bool
) -> Iterator[dict[str, Any]]:
    if not places:
        return
    items = sorted({one.item for one in places})
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-query-") as name,
        _duck.connect(Path(name), derived) as connection,
    ):
        connection.execute(
            _PLACES,
            {
                "numbers": [*range(len(places))],
                "items": [one.item for one in places],
                "paths": [one.path for one in places],
                "starts": [one.start for one in places],
                "ends": [one.stop for one in places],
            },
        )
        for batch in _duck.batches(_paths(derived, items, indicators=indicators)):
            yield from _duck.rows(connection, query, {"files": batch})


def _paths(derived: Path, items: Iterable[str], *, indicators: bool) -> Iterator[Path]:
    for one in results.datasets(derived, items):
        if (one.kind == "indicator") if indicators else (one.kind not in _SKIPPED):
            yield one.path
