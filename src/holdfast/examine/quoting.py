"""What a cited record says: its time and its line of text, as its parser or finder wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.core import clock
from holdfast.core.errors import IntegrityError
from holdfast.examine import results

if TYPE_CHECKING:
    from pathlib import Path

_COLUMNS = ["kind", "parser", "parser_version", "time", "message"]


@dataclass(frozen=True, order=True)
class Quoted:
    """A record, as far as a reader is told of it."""

    kind: str
    parser: str
    version: str
    time: str
    """RFC 3339 in UTC; empty where it has none."""
    message: str


def quote(derived: Path, item: str, path: str, by: str, at: int) -> list[Quoted]:
    """Return the records in force that have `by` (`row` or `offset`) `at` in the file at `path`.

    Raises:
        IntegrityError: derived data can't be read.
    """
    found: set[Quoted] = set()
    for dataset in results.datasets(derived, [item]):
        try:
            table = pq.read_table(
                dataset.path, columns=_COLUMNS, filters=[("path", "=", path), (by, "=", at)]
            )
        except (OSError, ValueError) as error:
            raise IntegrityError(
                f"derived data of {item} can't be read", "drop it and examine again"
            ) from error
        # As numbers: a time may lie beyond the years that calendars have.
        times = table.column("time").cast(pa.int64()).to_pylist()
        for row, time in zip(table.drop_columns("time").to_pylist(), times, strict=True):
            said = "" if time is None else clock.to_text(time)
            version = str(row["parser_version"])
            found.add(Quoted(row["kind"], row["parser"], version, said, row["message"] or ""))
    return sorted(found)
