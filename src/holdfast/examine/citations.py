"""Find the records of a place in a file: what a person cites is looked up first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from holdfast.core.errors import IntegrityError
from holdfast.examine import results

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, order=True)
class Cited:
    """What was made of a place in a file."""

    kind: str
    parser: str
    version: int


def find(derived: Path, item: str, path: str, by: str, at: int) -> list[Cited]:
    """Return which records in force have `by` (`row` or `offset`) `at` in the file at `path`.

    Raises:
        IntegrityError: derived data can't be read.
    """
    found: set[Cited] = set()
    for dataset in results.datasets(derived, [item]):
        try:
            table = pq.read_table(
                dataset.path,
                columns=["kind", "parser", "parser_version"],
                filters=[("path", "=", path), (by, "=", at)],
            )
        except (OSError, ValueError) as error:
            raise _unreadable(item) from error
        found |= {
            Cited(row["kind"], row["parser"], row["parser_version"]) for row in table.to_pylist()
        }
    return sorted(found)


def counts(derived: Path, items: list[str]) -> dict[tuple[str, str], int]:
    """Return how many records in force there are of each (kind, parser), from the datasets' heads.

    Raises:
        IntegrityError: derived data can't be read.
    """
    found: dict[tuple[str, str], int] = {}
    for dataset in results.datasets(derived, items):
        try:
            rows = pq.read_metadata(dataset.path).num_rows
        except (OSError, ValueError) as error:
            raise _unreadable(dataset.item) from error
        key = dataset.kind, dataset.module.rpartition(":")[2]
        found[key] = found.get(key, 0) + rows
    return found


def indicators(derived: Path, items: list[str]) -> Counter[str]:
    """Return how many indicators in force there are of each type.

    Raises:
        IntegrityError: derived data can't be read.
    """
    found: Counter[str] = Counter()
    for dataset in results.datasets(derived, items):
        if dataset.kind != "indicator":
            continue
        try:
            types = pq.read_table(dataset.path, columns=["type"])["type"].value_counts()
        except (OSError, ValueError) as error:
            raise _unreadable(dataset.item) from error
        names, numbers = types.field("values").to_pylist(), types.field("counts").to_pylist()
        for name, number in zip(names, numbers, strict=True):
            found[str(name)] += int(number or 0)
    return found


def _unreadable(item: str) -> IntegrityError:
    return IntegrityError(f"derived data of {item} can't be read", "drop it and examine again")
