"""Where on Earth records of a case point to: coordinates as they stand in the evidence.

Read are the `gps` indicators (decimal degrees, `geo:`) and records with a `position`. How exact a
coordinate is follows from how it was written or from what its device says of it; where neither
says it, it isn't said.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.examine import _duck, results

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from holdfast.examine.unseen import Unseen

KINDS = ("picture.taken",)
"""Kinds of records that have a `position`."""
_GPS = re.compile(r"(?:geo:)?(-?\d{1,2}(?:\.\d+)?)[,;] ?(-?\d{1,3}(?:\.\d+)?)", re.IGNORECASE)
_DEGREE = 111_320
"""Metres of a degree of latitude."""
_INDICATORS = """
SELECT item, path, parser, seq, value AS position, "offset", NULL AS "row", context AS message,
       NULL AS time, 'indicator' AS kind, NULL AS within_
FROM read_parquet($files, union_by_name = true)
WHERE type = 'gps' AND valid ORDER BY item, path, "offset", seq
"""
_RECORDS = """
SELECT item, path, parser, seq, position, "offset", "row", message, epoch_us(time) AS time, kind,
       position_metres AS within_
FROM read_parquet($files, union_by_name = true)
WHERE position IS NOT NULL ORDER BY item, path, seq
"""


@dataclass(frozen=True)
class Position:
    """One place that a record points to."""

    latitude: float
    longitude: float
    written: str
    """As it stands in the evidence."""
    metres: int | None
    """By how much it may be off, either way; None where nothing says so."""
    stated: bool
    """Whether a device said so; else it follows from the decimals alone."""
    item: str
    path: str
    kind: str
    """Of the record."""
    offset: int | None
    row: int | None
    time: int | None
    """Microseconds since the epoch, UTC."""
    message: str


def positions(derived: Path, items: Iterable[str], unseen: Unseen) -> Iterator[Position]:
    """Yield every place that records of `items` point to, records first.

    Raises:
        IntegrityError: derived data can't be read.
    """
    wanted = sorted(set(items))
    found = list(results.datasets(derived, wanted))
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-query-") as name,
        _duck.connect(Path(name), derived) as connection,
    ):
        for query, kinds in ((_RECORDS, KINDS), (_INDICATORS, ("indicator",))):
            for batch in _duck.batches(one.path for one in found if one.kind in kinds):
                for row in _duck.rows(connection, query, {"files": batch}):
                    position = _position(row)
                    if position is not None and not _hidden(position, unseen):
                        yield position


def _hidden(one: Position, unseen: Unseen) -> bool:
    return one.item in unseen.items and unseen.covers(one.item, one.path, one.offset)


def _position(row: dict[str, Any]) -> Position | None:
    read = _GPS.fullmatch(str(row["position"]).strip())
    if read is None:
        return None
    latitude, longitude = float(read[1]), float(read[2])
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    metres = row["within_"]
    return Position(
        latitude, longitude, str(row["position"]),
        _by_decimals(read[1], read[2]) if metres is None and row["kind"] == "indicator" else metres,
        metres is not None, row["item"], row["path"] or "", row["kind"], row["offset"], row["row"],
        row["time"], row["message"] or "",
    )  # fmt: skip


def _by_decimals(*written: str) -> int:
    """Return how far off a coordinate may be by the decimals that it is written with."""
    decimals = min(len(one.partition(".")[2]) for one in written)
    return max(1, round(_DEGREE * 10.0**-decimals / 2))
