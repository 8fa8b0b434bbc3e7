"""Records as Parquet: the schema of a kind, a writer, a reader, and a digest that outlives Parquet.

Formats: docs/formats/records.md. Memory does not grow with the number of records: rows leave in
groups whose size depends on the rows alone, so equal input gives equal bytes.
"""

from __future__ import annotations

import hashlib
import heapq
import tempfile
import typing
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from holdfast.core import canonical
from holdfast.core.errors import IntegrityError
from holdfast.examine._shape import (
    COMMON,
    Shape,
    UnfitError,
    column_of,
    columns,
    part_arrays,
    schema,
    storable,
)
from holdfast.examine.block import places_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from holdfast.core.canonical import Json
    from holdfast.examine._shape import Array
    from holdfast.examine.block import Part
    from holdfast.examine.record import Record

__all__ = [
    "COMMON", "ROWS", "TEXT", "DatasetWriter", "Shape", "UnfitError", "columns", "read",
    "record_digest", "schema", "storable", "untimed",
]  # fmt: skip

ROWS = 16_384
"""Rows of a row group, at most."""
TEXT = 16 << 20
"""Characters of text that close a row group early."""
_SMALL_ROWS, _SMALL_TEXT = 64, 1 << 16
_RUN = 1 << 18
_EXACT = 2**53
_ALIKE = ("item", "path", "parser", "parser_version", "kind", "time_meaning", "time_quality")
"""Columns that say the same for many rows; zstd alone does better and faster on all others."""


class DatasetWriter:
    """Writes the records of one kind, of one parser, of one item to a Parquet file."""

    def __init__(
        self, path: Path, kind: type[Record], *, item: str, parser: str, version: int
    ) -> None:
        self._path = path
        self._shape = Shape.of(kind)
        self._origin = (item, parser, version)
        self._places: list[tuple[str, int]] = []
        self._rows: list[tuple[object, ...]] = []
        self._batches: list[pa.RecordBatch] = []
        self._waiting = 0
        self._text = 0
        self._sink: pa.NativeFile | None = None
        self._writer: pq.ParquetWriter | None = None
        self.count = 0

    def add(self, path: str, seq: int, record: Record) -> bool:
        """Take a record, and say whether a row group is due: `flush` writes it.

        Raises:
            UnfitError: the record can't be stored; nothing was taken.
        """
        values = self._shape.values(record)
        self._text += self._shape.check(values)
        self._places.append((path, seq))
        self._rows.append(values)
        self.count += 1
        return self._due()

    def prepare(self, part: Part) -> list[Array]:
        """Return a block's part as columns for `add_part`.

        Raises:
            UnfitError: a row can't be stored; nothing was taken.
        """
        return part_arrays(self._shape, part)

    def add_part(self, path: str, first: int, part: Part, arrays: list[Array]) -> bool:
        """Take the rows of a block whose first record has the number `first`; else as `add`."""
        count = len(part.order)
        if self._rows:
            self._batches.append(self._gathered())
        self._batches.append(self.placed(path, first, part, arrays))
        self._text += sum(array.nbytes for array in arrays if pa.types.is_string(array.type))
        self._waiting += count
        self.count += count
        return self._due()

    def placed(self, path: str, first: int, part: Part, arrays: list[Array]) -> pa.RecordBatch:
        """Return a block's part with the columns that say where its records come from."""
        seqs = pc.add(places_of(part.order), first)
        paths = pa.repeat(storable(path), len(part.order))
        return pa.RecordBatch.from_arrays(
            [*self._origins(paths, seqs), *arrays], schema=self._shape.schema
        )

    def _due(self) -> bool:
        return self._waiting + len(self._rows) >= ROWS or self._text >= TEXT

    def flush(self) -> None:
        """Write what was taken as row groups; of blocks, what fills none yet stays.

        Raises:
            OSError: the file can't be written.
        """
        self._write(last=self._text >= TEXT)

    def _write(self, *, last: bool) -> None:
        if not self._rows and not self._batches:
            return
        if self._writer is None:
            self._sink = pa.OSFile(str(self._path), "wb")
            self._writer = pq.ParquetWriter(
                self._sink,
                self._shape.schema,
                compression="zstd",
                use_dictionary=[*_ALIKE],  # type: ignore[arg-type]
                write_statistics=self._shape.counted,
                column_encoding=dict.fromkeys(self._shape.counted, "DELTA_BINARY_PACKED"),
            )
        text = self._text
        table = self._table()
        end = len(table) if last else len(table) // ROWS * ROWS
        if end:
            self._writer.write_table(table.slice(0, end), ROWS)
        if end < len(table):
            left = table.slice(end)
            self._batches, self._waiting = left.to_batches(), len(left)
            self._text = text * len(left) // len(table)

    def close(self) -> None:
        """Write what is left and the file's end; without any record there is no file.

        Raises:
            OSError: the file can't be written.
        """
        rows = self._waiting + len(self._rows)
        if self._writer is None and rows <= _SMALL_ROWS and self._text <= _SMALL_TEXT:
            self._write_small()
            return
        self._write(last=True)
        if self._writer is not None and self._sink is not None:
            self._writer.close()
            self._sink.close()

    def _write_small(self) -> None:
        """Write a few rows plainly: dictionaries and zstd would cost twice the time."""
        if not self._rows and not self._batches:
            return
        with (
            pa.OSFile(str(self._path), "wb") as sink,
            pq.ParquetWriter(
                sink,
                self._shape.schema,
                compression="none",
                use_dictionary=False,
                write_statistics=False,
                store_schema=False,
            ) as writer,  # fmt: skip
        ):
            writer.write_table(self._table())

    def _table(self) -> pa.Table:
        """Return all that waits, and forget it."""
        if self._rows:
            self._batches.append(self._gathered())
        batches, self._batches = self._batches, []
        self._waiting = self._text = 0
        return pa.Table.from_batches(batches, self._shape.schema)

    def _gathered(self) -> pa.RecordBatch:
        """Return the records that were taken one by one as a batch."""
        paths, seqs = zip(*self._places, strict=True)
        arrays = self._origins(column_of(paths, pa.string()), pa.array(seqs, pa.int64()))
        for (_, arrow, _), values in zip(
            self._shape.columns, zip(*self._rows, strict=True), strict=True
        ):
            arrays.append(column_of(values, arrow))
        self._waiting += len(self._rows)
        self._places, self._rows = [], []
        return pa.RecordBatch.from_arrays(arrays, schema=self._shape.schema)

    def _origins(self, paths: Array, seqs: Array) -> list[Array]:
        item, parser, version = self._origin
        count = len(seqs)
        return [
            pa.repeat(item, count),
            paths,
            pa.repeat(parser, count),
            pa.repeat(version, count),
            pa.repeat(self._shape.kind, count),
            seqs,
        ]


def read(path: Path) -> Iterator[dict[str, object]]:
    """Yield the rows of a dataset in order, times as integer microseconds.

    Raises:
        IntegrityError: not a Parquet file, or a torn one.
    """
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=4096):
                yield from untimed(batch).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(
            f"{path} can't be read as a dataset: {error}", "drop derived data and examine again"
        ) from error


def untimed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the rows with times as integer microseconds."""
    arrays = [
        array.cast(pa.int64()) if pa.types.is_timestamp(array.type) else array
        for array in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def record_digest(paths: Iterable[Path]) -> str:
    """Return the digest of all rows in `paths`, whatever their files, order or encoding.

    SHA-256, in hex, over `holdfast-records/1`, a newline, and the SHA-256 of every row's
    canonical JSON in ascending order. Memory is bounded: digests are sorted in runs on disk.

    Raises:
        IntegrityError: a file that can't be read.
    """
    runs: list[BinaryIO] = []
    run: list[bytes] = []
    hasher = hashlib.sha256(b"holdfast-records/1\n")
    try:
        for path in paths:
            for row in read(path):
                run.append(hashlib.sha256(canonical.dumps(_plain(row))).digest())
                if len(run) == _RUN:
                    runs.append(_spill(run))
                    run = []
        run.sort()
        for digest in heapq.merge(run, *(_digests(stored) for stored in runs)):
            hasher.update(digest)
    finally:
        for stored in runs:
            stored.close()
    return hasher.hexdigest()


def _plain(row: dict[str, object]) -> Json:
    """Leave out what is null, and write as text the integers JSON readers would round."""
    return {
        name: str(value) if type(value) is int and not -_EXACT < value < _EXACT else value  # type: ignore[misc]
        for name, value in row.items()
        if value is not None
    }


def _spill(run: list[bytes]) -> BinaryIO:
    stored = typing.cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - the caller closes it
    stored.write(b"".join(sorted(run)))
    stored.seek(0)
    return stored


def _digests(stored: BinaryIO) -> Iterator[bytes]:
    while digest := stored.read(32):
        yield digest


def count(path: Path) -> int:
    """Return the number of records in a dataset.

    Raises:
        IntegrityError: it can't be read as one.
    """
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise IntegrityError(f"{path} is no dataset: {error}") from error
