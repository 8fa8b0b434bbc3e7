"""What a module in `parsers/`, `finders/` or `openers/` offers; discovery holds it to this.

The three are modules, not classes: one file, one format, and `match` alone decides which files
it takes. They know no vault, case or network, and none imports another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, cast

from holdfast.core.registry import modules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import BinaryIO

    import pyarrow as pa

    from holdfast.core.canonical import Json
    from holdfast.examine.block import Block
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Record
    from holdfast.examine.view import View, Wish


class Parser(Protocol):
    """Reads one format into records."""

    __name__: str
    VERSION: int
    """Raised whenever the same bytes would give other records."""
    DECODERS: tuple[str, ...]
    """Distributions, or `sqlite3`/`python`, whose versions may change the records."""
    RECORDS: tuple[type[Record], ...]
    """The record kinds this parser yields; each becomes a dataset."""

    def match(self, file: EvidenceFile) -> bool:
        """Judge by content whether this parser reads `file`; cheap, never raises."""

    def parse(self, file: EvidenceFile) -> Iterator[Record | Block]:
        """Yield records in source order, a `Failure` for each unit that can't be read.

        Where a file holds millions, many may come at once as a `Block`.

        An exception ends the file: it is counted as failed, with what came before kept.
        """


class Finder(Protocol):
    """Looks for patterns in any file's bytes."""

    __name__: str
    VERSION: int
    DECODERS: tuple[str, ...]

    def find(self, file: EvidenceFile) -> Iterator[Record | Block]:
        """Yield indicators, or records of the finder's own kinds, in order of their offset.

        Alone, or many as a `Block`.
        """

    # One that is told something beyond the file also has `use(settings: Json) -> None`, called
    # once in a worker before the first item, with None where it was told nothing.


class RecordFinder(Protocol):
    """Looks for something in records that parsers gave: records -> records.

    It stands in `finders/` like a finder of bytes, and offers `search` where that offers `find`.
    It runs when an item's parsers are done, over what is in force, and without the evidence.
    """

    __name__: str
    VERSION: int
    DECODERS: tuple[str, ...]
    KINDS: tuple[str, ...]
    """The kinds of records it reads."""
    RECORDS: tuple[type[Record], ...]

    def prepare(self, settings: Json) -> Any:
        """Return what `search` needs of the settings; called once in a worker."""

    def search(self, rows: pa.RecordBatch, prepared: Any) -> Iterator[tuple[int, Record]]:
        """Yield each record found with the row in `rows` that it is about; times are integers."""


class Second(Protocol):
    """Reads what a parser reads by other means, so that the two can be held against each other.

    It stands in `seconds/`, makes no records of its own, and runs only for `--cross-check`.
    """

    __name__: str
    VERSION: int
    DECODERS: tuple[str, ...]
    OF: str
    """The parser that it is a second opinion of."""
    KEY: tuple[str, ...]
    """Names of the values by which what both say of one thing is found."""

    def match(self, file: EvidenceFile) -> bool:
        """Judge by content whether both read `file`; cheap, never raises."""

    def said(self, record: Record) -> dict[str, Json] | None:
        """Return what the parser's record says, by name; None where there is nothing to compare.

        The names of `KEY` among it, and `error` where the record says that something can't be read.
        """

    def read(self, file: EvidenceFile) -> Iterator[dict[str, Json]]:
        """Yield the same of everything in `file`, as the second reader has it, in its order."""


@dataclass(frozen=True)
class Member:
    """A file found inside another."""

    path: str
    """Its place inside the container, unique there; no leading slash."""
    name: str
    """Its own name, a hint."""
    content: BinaryIO
    """Its bytes; read once, before the next member is asked for."""


class Opener(Protocol):
    """Unfolds a container into the files inside it."""

    __name__: str
    VERSION: int
    DECODERS: tuple[str, ...]

    def match(self, file: EvidenceFile) -> bool:
        """Judge by content whether `file` is such a container; cheap, never raises."""

    def unfold(self, file: EvidenceFile) -> Iterator[Member]:
        """Yield each member, in the container's order."""


class Viewer(Protocol):
    """Shows one format to a person: evidence -> text, rows, pictures made anew.

    It stands in `viewers/`, runs for one page at a time, and loads its decoder when it renders, so
    that the house can name it, with its version, without loading a decoder.
    """

    __name__: str
    VERSION: int
    DECODERS: tuple[str, ...]
    RANK: int
    """Of those that match, the highest shows a file first: 0 any bytes, 1 text, 2 what a text may
    be, 3 a format of its own."""

    def match(self, file: EvidenceFile) -> bool:
        """Judge by content whether this viewer shows `file`; cheap, never raises."""

    def render(self, file: EvidenceFile, wish: Wish) -> View:
        """Show one page.

        Raises:
            UnreadableError: it can't be, for a reason of the format.
        """


@cache
def viewers() -> tuple[Viewer, ...]:
    """Return every viewer."""
    return cast("tuple[Viewer, ...]", modules("holdfast.examine.viewers", "holdfast.viewers"))


@cache
def parsers() -> tuple[Parser, ...]:
    """Return every parser: the files of `parsers/`, then those of other distributions."""
    return cast("tuple[Parser, ...]", modules("holdfast.examine.parsers", "holdfast.parsers"))


@cache
def finders() -> tuple[Finder, ...]:
    """Return every finder of bytes."""
    return cast("tuple[Finder, ...]", tuple(m for m in _finders() if hasattr(m, "find")))


@cache
def record_finders() -> tuple[RecordFinder, ...]:
    """Return every finder of records."""
    return cast("tuple[RecordFinder, ...]", tuple(m for m in _finders() if hasattr(m, "search")))


def _finders() -> tuple[ModuleType, ...]:
    return modules("holdfast.examine.finders", "holdfast.finders")


@cache
def openers() -> tuple[Opener, ...]:
    """Return every opener."""
    return cast("tuple[Opener, ...]", modules("holdfast.examine.openers", "holdfast.openers"))


@cache
def seconds() -> tuple[Second, ...]:
    """Return every second opinion.

    Raises:
        ImportError: a library for it is not installed.
    """
    return cast("tuple[Second, ...]", modules("holdfast.examine.seconds", "holdfast.seconds"))


def name_of(module: Parser | Finder | RecordFinder | Opener | Second | Viewer) -> str:
    """Return the module's own name, which is the parser's name everywhere a person reads it."""
    return module.__name__.rpartition(".")[2]
