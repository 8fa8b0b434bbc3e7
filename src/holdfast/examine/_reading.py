"""Runs record finders over the records of one item, in a worker: records -> records.

The datasets come as open descriptors, since a worker can't reach the derived folder.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.examine._output import Attempt, Output, broken
from holdfast.examine._walk import EVERY, label
from holdfast.examine.records import untimed
from holdfast.sandbox.confine import allow_cpu

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from holdfast.core.canonical import Json
    from holdfast.examine._position import Page
    from holdfast.examine._roster import Module
    from holdfast.examine.interfaces import RecordFinder
    from holdfast.examine.limits import Limits

_ROWS = 4096


@dataclass(frozen=True)
class Reading:
    """One item's records to go through."""

    item: str
    kinds: list[str]
    """The kind of each dataset, in the order of the descriptors."""
    descriptors: list[int]
    wanted: dict[str, str]
    """Label to key of each record finder to run."""
    skip: dict[tuple[int, str], tuple[int, str]]


def read(
    reading: Reading,
    finders: tuple[tuple[Module, RecordFinder], ...],
    prepared: Callable[[Module, RecordFinder], Any],
    limits: Limits,
    *,
    page: Page,
    out: Path,
) -> Json:
    """Run every wanted finder over the datasets; return what was written, by module.

    Raises:
        BrokenError: what was written isn't whole.
        ScarceError: this machine ran out of something.
    """
    out.mkdir()
    size = sum(os.fstat(descriptor).st_size for descriptor in reading.descriptors)
    modules: dict[str, Json] = {}
    for module, finder in finders:
        name = label(module)
        if name not in reading.wanted:
            continue
        output = Output(out / reading.wanted[name], reading.item, module.name, module.version)
        attempt = Attempt()
        skip = reading.skip.get((0, name)) or reading.skip.get((EVERY, name))
        if skip:
            output.begin("")
            attempt.failed(skip[1])
        else:
            page.at(0, name, size=size)
            allow_cpu(limits.cpu_seconds + size // (1 << 20))
            with attempt:
                given = prepared(module, finder)
                for rows in _rows(reading, finder.KINDS):
                    page.tick()
                    _search(rows, finder, given, output)
        if attempt.reason:
            output.fail(attempt.reason, attempt.words)
            output.end(0, attempt.reason)
        try:
            modules[name] = output.close()
        except (OSError, MemoryError) as error:
            raise broken(error) from error
    return {"enumeration": {}, "modules": modules}


def _search(rows: pa.RecordBatch, finder: RecordFinder, given: Any, output: Output) -> None:
    paths = rows.column("path")
    for at, record in finder.search(rows, given):
        output.turn(paths[at].as_py())
        output.add(record)


def _rows(reading: Reading, kinds: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """Yield the records of these kinds, times as numbers, in the order of the source."""
    for kind, descriptor in zip(reading.kinds, reading.descriptors, strict=True):
        if kind not in kinds:
            continue
        # Arrow may hold on to the map for longer than this loop; it goes with the last of them.
        mapped = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
        file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(mapped)))
        for batch in file.iter_batches(batch_size=_ROWS):
            yield untimed(batch)
