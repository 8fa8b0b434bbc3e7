"""Records as Parquet: the schema of a kind, a writer, a reader, and a digest that outlives Parquet.

Formats: docs/formats/records.md. Memory does not grow with the number of records: rows leave in
groups whose size depends on the rows alone, so equal input gives equal bytes.
"""

from __future__ import annotations

import hashlib
import heapq
import tempfile
import typing
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from holdfast.core import canonical
from holdfast.core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from holdfast.core.canonical import Json
    from holdfast.examine.block import Part
    from holdfast.examine.record import Record

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
_BASE = (
    "time", "time_meaning", "time_quality", "time_original", "host", "user", "message", "offset",
    "length", "row",
)  # fmt: skip
_ALIKE = ("item", "path", "parser", "parser_version", "kind", "time_meaning", "time_quality")
"""Columns that say the same for many rows; zstd alone does better and faster on all others."""
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


class Shape:
    """What the writers of one kind share: found out once, not for every item."""

    _known: ClassVar[dict[type[Record], Shape]] = {}

    def __init__(self, kind: type[Record]) -> None:
        self.kind = kind.KIND
        self.columns = columns(kind)
        self.schema = schema(kind)
        self.values = attrgetter(*(name for name, _, _ in self.columns))
        self.texts = tuple(i for i, (_, _, python) in enumerate(self.columns) if str in python)
        self.numbers = tuple(
            (i, _LATEST if arrow == _TIME else _INT64 - 1)
            for i, (_, arrow, python) in enumerate(self.columns)
            if int in python
        )
        self.lists = tuple(i for i, (_, _, python) in enumerate(self.columns) if list in python)
        self.defaults = _defaults(kind)
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

    def prepare(self, part: Part) -> list[pa.Array[pa.Scalar[pa.DataType]]]:
        """Return a block's part as columns for `add_part`.

        Raises:
            UnfitError: a row can't be stored; nothing was taken.
        """
        return _part_arrays(self._shape, part)

    def add_part(
        self, path: str, first: int, part: Part, arrays: list[pa.Array[pa.Scalar[pa.DataType]]]
    ) -> bool:
        """Take the rows of a block whose first record has the number `first`; else as `add`."""
        count = len(part.order)
        if self._rows:
            self._batches.append(self._gathered())
        seqs = pc.add(pa.array(part.order, pa.int64()), first)
        columns_ = [*self._origins(pa.repeat(storable(path), count), seqs), *arrays]
        self._batches.append(pa.RecordBatch.from_arrays(columns_, schema=self._shape.schema))
        self._text += sum(array.nbytes for array in arrays if pa.types.is_string(array.type))
        self._waiting += count
        self.count += count
        return self._due()

    def _due(self) -> bool:
        return self._waiting + len(self._rows) >= ROWS or self._text >= TEXT

    def flush(self) -> None:
        """Write what was taken as one row group.

        Raises:
            OSError: the file can't be written.
        """
        if not self._rows and not self._batches:
            return
        if self._writer is None:
            self._sink = pa.OSFile(str(self._path), "wb")
            self._writer = pq.ParquetWriter(
                self._sink,
                self._shape.schema,
                compression="zstd",
                use_dictionary=[*_ALIKE],  # type: ignore[arg-type]
            )
        batch = self._batch()
        for start in range(0, len(batch), ROWS):
            self._writer.write_batch(batch.slice(start, ROWS))

    def close(self) -> None:
        """Write what is left and the file's end; without any record there is no file.

        Raises:
            OSError: the file can't be written.
        """
        rows = self._waiting + len(self._rows)
        if self._writer is None and rows <= _SMALL_ROWS and self._text <= _SMALL_TEXT:
            self._write_small()
            return
        self.flush()
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
            writer.write_batch(self._batch())

    def _batch(self) -> pa.RecordBatch:
        """Return all that waits as one batch, and forget it."""
        if self._rows:
            self._batches.append(self._gathered())
        batches, self._batches = self._batches, []
        self._waiting = self._text = 0
        if len(batches) == 1:
            return batches[0]
        return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]

    def _gathered(self) -> pa.RecordBatch:
        """Return the records that were taken one by one as a batch."""
        paths, seqs = zip(*self._places, strict=True)
        arrays = self._origins(_array(paths, pa.string()), pa.array(seqs, pa.int64()))
        for (_, arrow, _), values in zip(
            self._shape.columns, zip(*self._rows, strict=True), strict=True
        ):
            arrays.append(_array(values, arrow))
        self._waiting += len(self._rows)
        self._places, self._rows = [], []
        return pa.RecordBatch.from_arrays(arrays, schema=self._shape.schema)

    def _origins(
        self, paths: pa.Array[pa.Scalar[pa.DataType]], seqs: pa.Array[pa.Scalar[pa.DataType]]
    ) -> list[pa.Array[pa.Scalar[pa.DataType]]]:
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


def _defaults(kind: type[Record]) -> dict[str, object]:
    """Return what a field holds that nothing was given for; a field without default is left out."""
    found: dict[str, object] = {}
    for field in fields(kind):
        if field.default is not MISSING:
            found[field.name] = field.default
        elif field.default_factory is not MISSING:
            found[field.name] = field.default_factory()
    return found


def storable(text: str) -> str:
    r"""Return `text` as UTF-8 can hold it: a lone surrogate becomes its escape, \udcff."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _array(values: Sequence[object], arrow: pa.DataType) -> pa.Array[pa.Scalar[pa.DataType]]:
    try:
        return pa.array(values, arrow)
    except UnicodeEncodeError:
        return pa.array([_storable(value) for value in values], arrow)


def _part_arrays(shape: Shape, part: Part) -> list[pa.Array[pa.Scalar[pa.DataType]]]:
    """Return a part's columns, each held to its type.

    Raises:
        UnfitError: a column that is missing, unknown, too short, or holds what it must not.
    """
    count = len(part.order)
    if unknown := {*part.columns, *part.same} - {name for name, _, _ in shape.columns}:
        raise UnfitError(f"{shape.kind} has no column {min(unknown)}")
    arrays = []
    for name, arrow, python in shape.columns:
        values = part.columns.get(name)
        if values is None:
            arrays.append(_repeated(shape, part, name, arrow, python))
            continue
        if len(values) != count or not set(map(type, values)) <= set(python):
            raise UnfitError(f"column {name} holds something else, or not one value a row")
        if list in python and any(type(one) is not str for row in values for one in row):  # type: ignore[attr-defined]
            raise UnfitError(f"column {name} is a list of text")
        try:
            array = _array(values, arrow)
        except (pa.ArrowException, OverflowError, TypeError) as error:
            raise UnfitError(f"column {name}: {type(error).__name__}") from error
        if int in python:
            most = _LATEST if arrow == _TIME else _INT64 - 1
            least, largest = pc.min_max(array.cast(pa.int64())).values()
            if least.is_valid and not (-most <= least.as_py() and largest.as_py() <= most):
                raise UnfitError(f"column {name} holds no number beyond 64 bits")
        arrays.append(array)
    return arrays


def _repeated(
    shape: Shape, part: Part, name: str, arrow: pa.DataType, python: tuple[type, ...]
) -> pa.Array[pa.Scalar[pa.DataType]]:
    """Return a column in which every row holds the same."""
    given = part.same if name in part.same else shape.defaults
    if name not in given:
        raise UnfitError(f"column {name} has no values")
    if type(given[name]) not in python:
        raise UnfitError(f"column {name} holds something else")
    return _array([given[name]] * len(part.order), arrow)


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
                yield from _untimed(batch).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(
            f"{path} can't be read as a dataset: {error}", "drop derived data and examine again"
        ) from error


def _untimed(batch: pa.RecordBatch) -> pa.RecordBatch:
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
