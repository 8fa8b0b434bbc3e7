"""An answer for programs that work on whole columns: Arrow's stream format, a batch at a time.

It is made of the very lines that the answer is as JSON, so that it shows the same and no more.
The schema's metadata says how many rows follow (`holdfast.rows`): a stream that was cut off
between two batches looks whole to Arrow's own readers, so whoever reads one counts.
docs/formats/records.md.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.json

from holdfast.core import clock
from holdfast.core.errors import InputError, IntegrityError
from holdfast.examine._arrow import pa as loose
from holdfast.examine._arrow import pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from holdfast.examine._arrow import Array

MEDIA_TYPE = "application/vnd.apache.arrow.stream"
NAME = "arrow"
ROWS, DIGEST = b"holdfast.rows", b"holdfast.sha256"
"""Metadata: how many rows follow, and the SHA-256 of the answer's JSON lines, as in its entry."""
BATCH_ROWS, BATCH_BYTES = 16_384, 4 << 20
"""A batch is closed by whichever comes first."""
IN_MEMORY = 4 << 20
_TIMES = ("time", "time_recorded")
_NANOS = "time_nanos"
_TIME = pa.timestamp("us", "UTC")


def _fields(*names: str, kind: pa.DataType | None = None) -> list[pa.Field[Any]]:
    return [pa.field(name, kind or pa.string()) for name in names]


_SOURCE = _fields("exhibit", "item", "path", "inside", "parser")
_PLACE = _fields("offset", "length", "row", kind=pa.int64())
SCHEMAS: dict[str, pa.Schema] = {
    "timeline": pa.schema(
        [
            pa.field("time", _TIME),
            pa.field(_NANOS, pa.int16()),
            *_fields("time_meaning", "time_quality", "time_original", "kind", "host", "user"),
            *_fields("message"),
            *_SOURCE,
            *_PLACE,
            *_fields("parser_version", "seq", kind=pa.int64()),
            pa.field("time_recorded", _TIME),
            *_fields("clock_ahead"),
            *_fields("clock_entry", kind=pa.int64()),
        ]
    ),
    "indicators": pa.schema(
        [
            *_fields("kind", "value"),
            pa.field("valid", pa.bool_()),
            *_fields("context"),
            *_SOURCE,
            *_PLACE,
            *_fields("known_good", "known_bad", kind=pa.list_(pa.string())),
        ]
    ),
    "search": pa.schema(
        [
            pa.field("time", _TIME),
            pa.field(_NANOS, pa.int16()),
            *_fields("time_meaning", "kind", "message"),
            pa.field("marks", pa.list_(pa.list_(pa.int64()))),
            *_SOURCE,
            *_PLACE,
            pa.field("time_recorded", _TIME),
            *_fields("clock_ahead"),
            *_fields("clock_entry", kind=pa.int64()),
        ]
    ),
}
"""The columns of each answer that can be had so, by its act: always all of them, in this order."""


def stream(act: str, lines: Iterable[bytes], rows: int, sha256: str) -> Iterator[bytes]:
    """Yield an answer of `act` as an Arrow stream, of which no more than a batch is held.

    Raises:
        IntegrityError: it has other columns than are promised, or not as many rows as it said.
    """
    schema = SCHEMAS[act].with_metadata({ROWS: str(rows).encode(), DIGEST: sha256.encode()})
    sink = _Sink()
    told = 0
    writer = pa.ipc.new_stream(sink, schema)
    yield sink.taken()
    for data, count in _gathered(lines):
        told += count
        writer.write_batch(_batch(data, schema))
        yield sink.taken()
    if told != rows:
        # No end of the stream is written: what was sent is not the answer.
        raise IntegrityError(f"{told} of {rows} rows of the answer were there", "ask again")
    writer.close()
    yield sink.taken()


@contextmanager
def counted(lines: Iterable[bytes], folder: Path) -> Iterator[tuple[BinaryIO, int, str]]:
    """Give the lines again, with their number and SHA-256; a nameless file holds them."""
    hasher, count = hashlib.sha256(), 0
    with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(folder)) as held:
        for line in lines:
            hasher.update(line)
            held.write(line)
            count += 1
        held.seek(0)
        yield cast("BinaryIO", held), count, hasher.hexdigest()


class _Sink(io.RawIOBase):
    """What Arrow writes into; it is taken out after every batch."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(memoryview(data))  # type: ignore[arg-type]
        self._parts.append(part)
        return len(part)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _gathered(lines: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if len(held) == BATCH_ROWS or size >= BATCH_BYTES:
            yield b"".join(held), len(held)
            held, size = [], 0
    if held:
        yield b"".join(held), len(held)


def _batch(data: bytes, schema: pa.Schema) -> pa.RecordBatch:
    asked = pa.schema(
        [pa.field(one.name, pa.string()) if one.name in _TIMES else one for one in schema]
    )
    try:
        table = pyarrow.json.read_json(
            io.BytesIO(data),
            pyarrow.json.ReadOptions(use_threads=False, block_size=len(data) + 1),
            pyarrow.json.ParseOptions(asked, unexpected_field_behavior="error"),
        )
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0][:200]
        raise IntegrityError(f"the answer is not as its columns: {reason}", "report it") from error
    columns: dict[str, Array] = {name: table[name].combine_chunks() for name in table.column_names}
    for name in _TIMES:
        if name in columns:
            columns[name], finer = _times(columns[name])
            if name == "time" and finer is not None:
                columns[_NANOS] = finer
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _times(texts: Array) -> tuple[Array, Array | None]:
    """Return times as microseconds, and what is finer than that; None where nothing is."""
    try:
        return pc.cast(texts, _TIME), None
    except pa.ArrowInvalid:
        pairs = [(None, None) if text is None else _exact(text) for text in texts.to_pylist()]
        micros = loose.array([one[0] for one in pairs], pa.int64())
        return micros.cast(_TIME), loose.array([one[1] for one in pairs], pa.int16())


def _exact(text: str) -> tuple[int | None, int | None]:
    """Return microseconds and nanoseconds of what `clock.to_text` wrote."""
    if text.startswith("@"):
        seconds, _, part = text[1:].partition(".")
        return int(seconds) * 1_000_000 + int(part[:6]), int(part[6:]) if part[6:] else None
    head, point, part = text.removesuffix("Z").partition(".")
    try:
        micros = clock.from_text(f"{head}{point}{part[:6]}Z")
    except InputError as error:
        raise IntegrityError(f"{text[:40]!r} is no time", "report it") from error
    return micros, int(part[6:]) if len(part) > 6 else None
