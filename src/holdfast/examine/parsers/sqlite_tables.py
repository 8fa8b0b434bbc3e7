"""Any SQLite database that no other parser knows: one record a row.

Source: sqlite.org, "Database File Format". Only tables are read (views and triggers would run what
the evidence says, virtual tables code of other modules); a table WITHOUT ROWID has no rows that
could be cited and is a failure that says so. What was deleted is not recovered: `sqlite.database`
tells how many free pages may still hold it. A write-ahead log lies beside the database and is
another file of the evidence: it is not applied, and `wal` says that there may have been one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine import interfaces
from holdfast.examine.parsers import _sqlite
from holdfast.examine.parsers._browser import line, text, whole
from holdfast.examine.record import Failure, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

_SHOWN = 200
_VALUE = 65_536
"""Characters or bytes of one value that a record holds."""
_WAL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteDatabase(Record):
    """What the database says of itself, and what is not read of it."""

    KIND: ClassVar[str] = "sqlite.database"

    tables: list[str]
    page_size: int | None = None
    pages: int | None = None
    free_pages: int | None = None
    """Pages in no table: deleted rows may be there, and in the gaps of others. Not recovered."""
    wal: bool | None = None
    """It was written with a write-ahead log; what is in such a log is not in these rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteRow(Record):
    """One row of one table; `row` is its rowid."""

    KIND: ClassVar[str] = "sqlite.row"

    table: str | None = None
    content: str | None = None
    """JSON of column to value: a blob as {"blob": hex}, a value cut short with {"cut": length}."""


VERSION = 1
DECODERS: tuple[str, ...] = ("python", "sqlite3")
RECORDS: tuple[type[Record], ...] = (SqliteDatabase, SqliteRow)


def match(file: EvidenceFile) -> bool:
    """Accept an SQLite file whose schema is none that another parser declares (`SCHEMA`)."""
    if not file.head.startswith(_sqlite.MAGIC):
        return False
    known = (getattr(parser, "SCHEMA", None) for parser in interfaces.parsers())
    return not any(schema and _sqlite.has_tables(file, schema) for schema in known)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield the database's own facts, then every row of every table, by table and rowid.

    Raises:
        sqlite3.DatabaseError: the schema itself can't be read.
        OSError: the file can't be copied.
    """
    with _sqlite.opened(file) as database:
        tables = database.tables()
        yield SqliteDatabase(
            message=line(f"SQLite database of {len(tables)} tables: {', '.join(tables)}")[:_SHOWN],
            offset=0,
            length=min(100, file.size),
            tables=tables,
            page_size=_number(file.head, 16, 2) if _number(file.head, 16, 2) != 1 else 65_536,
            pages=_number(file.head, 28, 4),
            free_pages=_number(file.head, 36, 4),
            wal=len(file.head) > 19 and file.head[19] == _WAL,
        )
    for table in tables:

        def rows(database: _sqlite.Database, table: str = table) -> Iterator[Record]:
            return _rows(database, table)

        yield from _sqlite.each_table(file, {line(table)[:_SHOWN]: rows})


def _number(head: bytes, at: int, size: int) -> int | None:
    found = head[at : at + size]
    return int.from_bytes(found, "big") if len(found) == size else None


def _rows(database: _sqlite.Database, table: str) -> Iterator[Record]:
    names = database.ordered_columns(table)
    if not names:
        reason = "a virtual table, which is not run"
        yield Failure(message=f"table {line(table)[:_SHOWN]}", reason=reason)
        return
    if (rowid := database.rowid_name(table, names)) is None:
        reason = "a table without rowid, whose rows can't be cited"
        yield Failure(message=f"table {line(table)[:_SHOWN]}", reason=reason)
        return
    listed = ", ".join(_sqlite.quoted(name) for name in names)
    query = f"SELECT {rowid}, {listed} FROM {_sqlite.quoted(table)} ORDER BY {rowid}"  # noqa: S608 - names are quoted
    for found in database.rows(query):
        values = {name: _value(one) for name, one in zip(names, found[1:], strict=True)}
        content = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        yield SqliteRow(
            message=line(f"{table}: {content[:_SHOWN]}"), row=whole(found[0]), table=table,
            content=content,
        )  # fmt: skip


def _value(value: object) -> object:
    if isinstance(value, bytes):
        shown: dict[str, object] = {"blob": value[:_VALUE].hex()}
        return shown if len(value) <= _VALUE else {**shown, "cut": len(value)}
    if isinstance(value, str) and len(value) > _VALUE:
        return {"cut": len(value), "text": value[:_VALUE]}
    if isinstance(value, float):
        return value if value - value == 0 else text(value)  # JSON has no infinity
    return value
