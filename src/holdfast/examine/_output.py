"""What one module makes of one item, on its way into a worker's scratch folder."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core import canonical
from holdfast.core.errors import printable
from holdfast.examine.block import Block, places_of
from holdfast.examine.record import Failure, Record, UnreadableError
from holdfast.examine.records import DatasetWriter, UnfitError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO

    from holdfast.core.canonical import Json

_WORDS = 300
_INLINE = 64


class BrokenError(BaseException):
    """What was written is no longer whole: the worker must end, and the item begin again.

    Not an `Exception`, so that no parser's own handling can swallow it.
    """


class ScarceError(BaseException):
    """The machine ran out of room; no fault of the evidence, and no result."""


_ROOM = {errno.ENOSPC, errno.EDQUOT}


class Attempt:
    """Lets foreign code fail: `with attempt:` then ask whether it did, and of what."""

    def __init__(self) -> None:
        self.reason = ""
        """The exception's class, or what an `UnreadableError` says; empty when there was none."""
        self.words = ""
        """Class and text, bounded and printable."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if isinstance(error, OSError) and error.errno in _ROOM:
            raise ScarceError(str(error)) from error
        self.reason = printable(type(error).__name__)[:_WORDS]
        self.words = self.reason
        if isinstance(error, UnreadableError):
            self.reason = self.words = printable(str(error))[:_WORDS]
            return True
        inner = Attempt()
        if not isinstance(error, UnicodeError):  # its text can carry the whole input
            with inner:  # an exception whose text raises is only one more way to be hostile
                self.words = printable(f"{self.reason}: {error}"[:_WORDS])[:_WORDS]
        return True

    def failed(self, reason: str) -> None:
        """Count as failed for a reason of the engine's own."""
        self.reason = self.words = reason


def broken(error: OSError | MemoryError) -> BrokenError | ScarceError:
    """Return what a failure to write means: for the machine, or for this item."""
    if isinstance(error, OSError) and error.errno in _ROOM:
        return ScarceError(str(error))
    return BrokenError(f"{type(error).__name__} while writing records")


class Output:
    """Datasets by kind and outcomes by file, of one module over one item.

    Nothing is created before there is something to write.
    """

    def __init__(self, folder: Path, item: str, name: str, version: int) -> None:
        self._folder = folder
        self._source = (item, name, version)
        self._writers: dict[type[Record], DatasetWriter] = {}
        self._lines: list[Json] = []
        self._outcomes: BinaryIO | None = None
        self._path = ""
        self._seq = 0
        self._seqs: dict[str, int] = {}
        self._failures = 0
        self.records = 0
        self.failures = 0

    def begin(self, path: str) -> None:
        """Turn to the next file: sequence numbers start at 0 again."""
        self._path, self._seq, self._failures = path, 0, 0

    def turn(self, path: str) -> None:
        """Go on with a file, perhaps one that was left before: its numbers go on as well."""
        if path != self._path:
            self._seqs[self._path] = self._seq
            self._path, self._seq = path, self._seqs.get(path, 0)

    def take(self, found: Iterable[Record | Block]) -> None:
        """Take records of the file at hand, alone or in blocks."""
        for one in found:
            if isinstance(one, Block):
                self.add_block(one)
            else:
                self.add(one)

    def add(self, record: Record) -> None:
        """Take a record of the file at hand; one that can't be stored becomes a failure."""
        if not record.KIND:
            raise UnfitError(f"{type(record).__name__} has no KIND")
        try:
            self._put(record)
        except UnfitError as error:
            self.fail("record can't be stored", f"{record.KIND}: {error}")
            return
        if isinstance(record, Failure):
            self._failures += 1
            self.failures += 1
        else:
            self.records += 1

    def add_block(self, block: Block) -> None:
        """Take the records of a block; if any of them can't be stored, one after the other."""
        first, count = self._seq, len(block)
        try:
            ready = [(self._writer(part.kind), part) for part in block.parts]
            arrays = [writer.prepare(part) for writer, part in ready]
            if not _apart(block, count):
                raise UnfitError("two records of a block have one place")
        except UnfitError:
            for record in block.records():
                self.add(record)
            return
        for (writer, part), columns in zip(ready, arrays, strict=True):
            if writer.add_part(self._path, first, part, columns):
                _flush(writer)
            failures = len(part.order) if issubclass(part.kind, Failure) else 0
            self._failures += failures
            self.failures += failures
            self.records += len(part.order) - failures
        self._seq += count

    def fail(self, reason: str, words: str) -> None:
        """Add a failure of the file at hand."""
        self._put(Failure(message=words, reason=reason))
        self._failures += 1
        self.failures += 1

    def end(self, ordinal: int, reason: str) -> None:
        """Write what became of the file at hand; an empty `reason` means it was finished."""
        line: dict[str, Json] = {"file": ordinal, "records": self._seq - self._failures}
        if reason:
            line["failed"] = reason
        if self._failures:
            line["failures"] = self._failures
        self.outcome(line)

    def outcome(self, line: Json) -> None:
        """Take a line of outcomes; few stay in memory, many go to outcomes.jsonl."""
        self._lines.append(line)
        if len(self._lines) > _INLINE:
            self._spill()

    def _spill(self) -> None:
        if self._outcomes is None:
            self._folder.mkdir(exist_ok=True)
            self._outcomes = (self._folder / "outcomes.jsonl").open("wb")
        self._outcomes.write(b"".join(canonical.dumps(line) + b"\n" for line in self._lines))
        self._lines = []

    def close(self) -> dict[str, Json] | None:
        """Finish all files; return totals and few outcomes, None where there is nothing.

        Raises:
            OSError: something could not be written.
        """
        for writer in self._writers.values():
            writer.close()
        facts: dict[str, Json] = {}
        if self._outcomes is not None:
            self._spill()
            self._outcomes.close()
        elif self._lines:
            facts["outcomes"] = self._lines
        elif not self._writers:
            return None
        return facts | {"totals": {"records": self.records, "failures": self.failures}}

    def _put(self, record: Record) -> None:
        writer = self._writer(type(record))
        due = writer.add(self._path, self._seq, record)
        self._seq += 1
        if due:
            _flush(writer)

    def _writer(self, kind: type[Record]) -> DatasetWriter:
        writer = self._writers.get(kind)
        if writer is None:
            item, name, version = self._source
            self._folder.mkdir(exist_ok=True)
            path = self._folder / f"{kind.KIND}.parquet"
            writer = DatasetWriter(path, kind, item=item, parser=name, version=version)
            self._writers[kind] = writer
        return writer


def _apart(block: Block, count: int) -> bool:
    """Say whether no two records of the block have one place."""
    if len(block.parts) == 1 and isinstance(block.parts[0].order, range):
        return True
    orders = [places_of(part.order) for part in block.parts]
    return int(pc.count_distinct(pa.chunked_array(orders, pa.int64())).as_py()) == count


def _flush(writer: DatasetWriter) -> None:
    try:
        writer.flush()
    except (OSError, MemoryError) as error:
        raise broken(error) from error
