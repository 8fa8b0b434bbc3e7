"""The shape of what an examination yields.

A parser declares its record kinds as frozen dataclasses derived from `Record`; their annotated
fields are the typed columns of a Parquet dataset. The common columns come first in every kind,
so one query reads a timeline across all of them. The engine adds where the record came from
(item, path, parser, version, sequence); a parser can't get that wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing derived from evidence.

    A subclass sets `KIND` (`browser.visit`, `mail.message`) and adds fields of the types
    `str | None`, `int | None`, `bool | None` and `list[str]`; a field whose name ends in
    `_time` holds microseconds since 1970-01-01T00:00:00Z, UTC.
    """

    KIND: ClassVar[str] = ""

    message: str
    """What a person should read: one line, as found, not translated."""
    time: int | None = None
    """When it happened: microseconds since the epoch, UTC; None where the source gives no time."""
    time_meaning: str | None = None
    """What the time says: `sent`, `visited`, `requested`."""
    offset: int | None = None
    """First byte of the source in the file, where one exists."""
    length: int | None = None
    """Bytes of the source from `offset`."""
    row: int | None = None
    """Row or record number in the source (SQLite rowid, line number from 1, message from 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Record):
    """A unit that a parser could not read: a malformed line, a broken message, a torn table."""

    KIND: ClassVar[str] = "failure"

    reason: str
    """The cause in the field's terms, without the evidence's own text."""


class UnreadableError(Exception):
    """What an opener or parser raises where a unit can't be read for a reason of its format.

    Its text is the reason in the field's terms (`encrypted`, `CRC-32 does not match`), without
    the evidence's own text: it stands in the ledger as it is.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator(Record):
    """An observable found in bytes: an address, a name, a digest."""

    KIND: ClassVar[str] = "indicator"

    type: str
    """`url`, `domain`, `ipv4` and so on: each finder's page names its kinds; of pages in a web
    archive also `form-target` (where a form sends a secret) and `script-host`."""
    value: str
    """The indicator as found, decoded to text, not normalised."""
    valid: bool
    """Whether it passes its own standard's rules beyond the pattern."""
    context: str | None = None
    """What stands before and after it, with it: one line of printable ASCII."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Many records of one kind at once, in the order of the source: for parsers in a hurry.

    They are the same records as their objects would be, with the same sequence numbers. How many
    a batch holds must depend on the file alone.
    """

    kind: type[Record]
    rows: pa.RecordBatch
    """Columns as `records.own_schema(kind)` names and types them."""
