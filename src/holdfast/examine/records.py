"""Records as Parquet: the schema of a kind, a writer, a reader, and a digest that outlives Parquet.

Formats: docs/formats/records.md. Memory does not grow with the number of records: rows leave in
groups whose size depends on the rows alone, so equal input gives equal bytes.
"""

from __future__ import annotations

import hashlib
import heapq
import tempfile
import typing
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from holdfast.core import canonical
from holdfast.core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from holdfast.core.canonical import Json
    from holdfast.examine.record import Batch, Record

    _Array = pa.Array[pa.Scalar[pa.DataType]]

ROWS = 16_384
"""Rows of a row group, at most."""
TEXT = 16 << 20
"""Characters of text that close a row group early."""
_SMALL_ROWS, _SMALL_TEXT = 64, 1 << 16
_RUN = 1 << 18
_INT64 = 2**63
_EXACT = 2**53
_LATEST = _INT64 - 2
"""DuckDB takes the last number for infinity."""

_TIME = pa.timestamp("us", tz="UTC")
_ORIGIN: tuple[tuple[str, pa.DataType], ...] = (
    ("item", pa.string()), ("path", pa.string()), ("parser", pa.string()),
    ("parser_version", pa.int64()), ("kind", pa.string()), ("seq", pa.int64()),
)  # fmt: skip
_BASE = ("time", "time_meaning", "message", "offset", "length", "row")
COMMON = (*(name for name, _ in _ORIGIN), *_BASE)
"""The columns every kind has, in this order, before its own."""

_TYPES: dict[object, tuple[pa.DataType, tuple[type, ...]]] = {
    str: (pa.string(), (str,)),
    int: (pa.int64(), (int,)),
    bool: (pa.bool_(), (bool,)),
    str | None: (pa.string(), (str, type(None))),
    int | None: (pa.int64(), (int, type(None))),
    bool | None: (pa.bool_(), (bool, type(None))),
    list[str]: (pa.list_(pa.string()), (list,)),
}


class UnfitError(ValueError):
    """A record that its own kind has no room for; what is said holds no evidence."""


def columns(kind: type[Record]) -> tuple[tuple[str, pa.DataType, tuple[type, ...]], ...]:
    """Return the name, Arrow type and Python types of each column after the origin's.

    Raises:
        TypeError: a field of another type than `Record` allows.
    """
    hints = typing.get_type_hints(kind)
    names = (*_BASE, *(field.name for field in fields(kind) if field.name not in _BASE))
    found = []
    for name in names:
        if hints[name] not in _TYPES:
            raise TypeError(f"{kind.__name__}.{name} is of no type that a column can have")
        arrow, python = _TYPES[hints[name]]
        timed = arrow == pa.int64() and (name == "time" or name.endswith("_time"))
        found.append((name, _TIME if timed else arrow, python))
    return tuple(found)


def schema(kind: type[Record]) -> pa.Schema:
    """Return the Arrow schema of a kind's dataset: the common columns, then its own."""
    return pa.schema([*_ORIGIN, *((name, arrow) for name, arrow, _ in columns(kind))])


def own_schema(kind: type[Record]) -> pa.Schema:
    """Return the schema of a `Batch`: as `schema`, without the columns that the engine adds."""
    return pa.schema([(name, arrow) for name, arrow, _ in columns(kind)])


def unfold(batch: Batch) -> Iterator[Record]:
    """Yield the records of a batch one by one, as objects."""
    for row in untimed(batch.rows).to_pylist():
        yield batch.kind(**row)


class Shape:
    """What the writers of one kind share: found out once, not for every item."""

    _known: ClassVar[dict[type[Record], Shape]] = {}

    def __init__(self, kind: type[Record]) -> None:
        self.kind = kind.KIND
        self.columns = columns(kind)
        self.schema = schema(kind)
        self.own = own_schema(kind)
        self.values = attrgetter(*(name for name, _, _ in self.columns))
        self.texts = tuple(i for i, (_, _, python) in enumerate(self.columns) if str in python)
        self.numbers = tuple(
            (i, _LATEST if arrow == _TIME else _INT64 - 1)
            for i, (_, arrow, python) in enumerate(self.columns)
            if int in python
        )
        self.lists = tuple(i for i, (_, _, python) in enumerate(self.columns) if list in python)
        self._fitting: set[tuple[type, ...]] = set()

    @classmethod
    def of(cls, kind: type[Record]) -> Shape:
        """Return the shape of `kind`."""
        if kind not in cls._known:
            cls._known[kind] = cls(kind)
        return cls._known[kind]

    def check(self, values: tuple[object, ...]) -> int:
        """Return the characters of text in `values`.

        Raises:
            UnfitError: a value of the wrong type, or a number beyond 64 bits.
        """
        signature = tuple(map(type, values))
        if signature not in self._fitting:
            for (name, _, python), found in zip(self.columns, signature, strict=True):
                if found not in python:
                    raise UnfitError(f"column {name} holds no {found.__name__}")
            self._fitting.add(signature)
        for index, most in self.numbers:
            number = values[index]
            if number is not None and not -most <= number <= most:  # type: ignore[operator]
                raise UnfitError(f"column {self.columns[index][0]} holds no number beyond 64 bits")
        text = 0
        for index in self.lists:
            members: list[object] = values[index]  # type: ignore[assignment]
            if any(type(member) is not str for member in members):
                raise UnfitError(f"column {self.columns[index][0]} is a list of text")
            text += sum(map(len, members))  # type: ignore[arg-type]
        for index in self.texts:
            if values[index] is not None:
                text += len(values[index])  # type: ignore[arg-type]
        return text


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
        self._text = 0
        self._batches: list[pa.RecordBatch] = []
        self._batched = 0
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
        return self._batched + len(self._rows) >= ROWS or self._text >= TEXT

    def add_batch(self, path: str, seq: int, rows: pa.RecordBatch) -> bool:
        """Take records that are columns already, the first of them numbered `seq`; as `add`.

        Raises:
            UnfitError: they are not columns of this kind; nothing was taken.
        """
        if rows.schema != self._shape.own:
            raise UnfitError("the batch's columns are not those of its kind")
        for column in rows.columns:
            if column.type == _TIME and column.null_count < len(column):
                ends: dict[str, int] = pc.min_max(column.cast(pa.int64())).as_py()  # type: ignore[assignment]
                if not -_LATEST <= ends["min"] <= ends["max"] <= _LATEST:
                    raise UnfitError("a time of the batch is no number that a column holds")
        self._settle()
        count = rows.num_rows
        self._batches.append(self.placed(path, seq, rows))
        self._batched += count
        self._text += rows.nbytes
        self.count += count
        return self._batched >= ROWS or self._text >= TEXT

    def placed(self, path: str, seq: int, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch with the columns that say where its records come from."""
        paths = pa.repeat(pa.scalar(path, pa.string()), rows.num_rows)
        seqs = pa.array(range(seq, seq + rows.num_rows), pa.int64())
        origin = self._origin_columns(paths, seqs)
        return pa.RecordBatch.from_arrays([*origin, *rows.columns], schema=self._shape.schema)

    def flush(self) -> None:
        """Write what was taken as one row group.

        Raises:
            OSError: the file can't be written.
        """
        self._settle()
        if not self._batches:
            return
        if self._writer is None:
            self._sink = pa.OSFile(str(self._path), "wb")
            self._writer = pq.ParquetWriter(self._sink, self._shape.schema, compression="zstd")
        for rows in self._groups():
            self._writer.write_table(rows, row_group_size=ROWS)
        self._batches, self._batched, self._text = [], 0, 0

    def close(self) -> None:
        """Write what is left and the file's end; without any record there is no file.

        Raises:
            OSError: the file can't be written.
        """
        rows = self._batched + len(self._rows)
        if self._writer is None and rows <= _SMALL_ROWS and self._text <= _SMALL_TEXT:
            self._write_small()
            return
        self.flush()
        if self._writer is not None and self._sink is not None:
            self._writer.close()
            self._sink.close()

    def _write_small(self) -> None:
        """Write a few rows plainly: dictionaries and zstd would cost twice the time."""
        self._settle()
        if not self._batches:
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
            for rows in self._groups():
                writer.write_table(rows)
        self._batches, self._batched, self._text = [], 0, 0

    def _groups(self) -> Iterator[pa.Table]:
        """Yield what is to be written as tables of one row group each, at most."""
        whole = pa.Table.from_batches(self._batches)
        for start in range(0, whole.num_rows, ROWS):
            yield whole.slice(start, ROWS).combine_chunks()

    def _settle(self) -> None:
        """Turn the records that were taken one by one into columns."""
        if self._rows:
            self._batches.append(self._batch())
            self._batched += len(self._rows)
            self._places, self._rows = [], []

    def _origin_columns(self, paths: _Array, seqs: _Array) -> list[_Array]:
        item, parser, version = self._origin
        count = len(paths)
        return [
            pa.repeat(pa.scalar(item, pa.string()), count),
            paths,
            pa.repeat(pa.scalar(parser, pa.string()), count),
            pa.repeat(pa.scalar(version, pa.int64()), count),
            pa.repeat(pa.scalar(self._shape.kind, pa.string()), count),
            seqs,
        ]

    def _batch(self) -> pa.RecordBatch:
        paths, seqs = zip(*self._places, strict=True)
        arrays = self._origin_columns(_array(paths, pa.string()), pa.array(seqs, pa.int64()))
        for (_, arrow, _), values in zip(
            self._shape.columns, zip(*self._rows, strict=True), strict=True
        ):
            arrays.append(_array(values, arrow))
        return pa.RecordBatch.from_arrays(arrays, schema=self._shape.schema)


def storable(text: str) -> str:
    r"""Return `text` as UTF-8 can hold it: a lone surrogate becomes its escape, \udcff."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _array(values: tuple[object, ...], arrow: pa.DataType) -> _Array:
    try:
        return pa.array(values, arrow)
    except UnicodeEncodeError:
        return pa.array([_storable(value) for value in values], arrow)


def _storable(value: object) -> object:
    if isinstance(value, str):
        return storable(value)
    return [storable(text) for text in value] if isinstance(value, list) else value


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
