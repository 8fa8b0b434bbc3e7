"""Reading SQLite files that may be hostile: private copy, read only, nothing of theirs runs.

A database file can hold views, triggers, expressions and page trees made to run for ever
(sqlite.org, "Defense Against The Dark Arts"). So only tables are read, column by column as
`table_info` lists them (which leaves generated columns out), in rowid order that must rise, with
limits on what one value may take and on the work one row may need. A write-ahead log that lay
beside the file is another file of the evidence and isn't applied.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from holdfast.examine.record import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Record

MAGIC = b"SQLite format 3\0"
VALUE_LIMIT = 16 << 20
"""Bytes of the largest value that is read."""

_OPS = 20_000
_OPS_BETWEEN_ROWS = 2_500  # times _OPS: seconds of work for one row, which needs microseconds
_LEAF, _INTERIOR = 13, 5
_SCHEMA_PAGES = 64
_FEW = 1000


class _Budget:
    """Stops a statement that works without yielding rows."""

    def __init__(self) -> None:
        self.used = 0

    def __call__(self) -> int:
        self.used += 1
        return self.used > _OPS_BETWEEN_ROWS


class Database:
    """One open file: its tables and their rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._budget = _Budget()
        connection.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
        connection.set_progress_handler(self._budget, _OPS)
        for limit, value in (
            (sqlite3.SQLITE_LIMIT_LENGTH, VALUE_LIMIT),
            (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 1 << 20),
            (sqlite3.SQLITE_LIMIT_COLUMN, 500),
            (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 100),
            (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
            (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 0),
            (sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0),
        ):
            connection.setlimit(limit, value)
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "query_only=ON"):
            connection.execute(f"PRAGMA {pragma}")

    def columns(self, table: str) -> set[str]:
        """Return the columns of `table` in lower case; none where it is no ordinary table.

        Raises:
            sqlite3.DatabaseError: the schema can't be read.
        """
        found = self.values(
            "SELECT sql FROM sqlite_master WHERE type='table' AND lower(name)=?", table
        )
        if not found or not isinstance(found[0], str) or _virtual(found[0]):
            return set()
        listed = self.values("SELECT name FROM pragma_table_info(?)", table)
        return {str(name).lower() for name in listed}

    def tables(self) -> list[str]:
        """Return the names of the tables by name, SQLite's own left out, 1,000 at most.

        Raises:
            sqlite3.DatabaseError: the schema can't be read.
        """
        found = self.values(
            "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite~_%' "
            "ESCAPE '~' ORDER BY name"
        )
        return [str(name) for name in found]

    def ordered_columns(self, table: str) -> list[str]:
        """Return the columns of `table` as they stand; none where it is no ordinary table.

        Raises:
            sqlite3.DatabaseError: the schema can't be read.
        """
        if not self.columns(table.lower()):
            return []
        return [str(name) for name in self.values("SELECT name FROM pragma_table_info(?)", table)]

    def rowid_name(self, table: str, names: list[str]) -> str | None:
        """Return the name under which the rowid of `table` is read; None where it has none.

        Raises:
            sqlite3.DatabaseError: the schema can't be read.
        """
        taken = {name.lower() for name in names}
        for name in ("rowid", "_rowid_", "oid"):
            if name not in taken:
                try:
                    self._connection.execute(f"SELECT {name} FROM {quoted(table)} LIMIT 0")  # noqa: S608 - quoted
                except sqlite3.OperationalError:
                    return None
                return name
        return None

    def values(self, query: str, *given: object) -> list[object]:
        """Return the first column of the rows of a small query, 1,000 at most.

        Raises:
            sqlite3.DatabaseError: as `rows`.
        """
        with self._errors():
            return [row[0] for row in self._connection.execute(query, given).fetchmany(_FEW)]

    def rows(self, query: str) -> Iterator[tuple[object, ...]]:
        """Yield the rows of `query`, whose first column is a rowid that rises.

        Raises:
            sqlite3.DatabaseError: a torn page, a loop of pages, a value over the limit.
        """
        last: int | None = None
        with self._errors():
            for row in self._connection.execute(query):
                self._budget.used = 0
                rowid = row[0]
                if not isinstance(rowid, int) or (last is not None and rowid <= last):
                    raise sqlite3.DatabaseError("rows are out of order: the pages form a loop")
                last = rowid
                yield row

    def records(self, table: str, wanted: tuple[str, ...]) -> Iterator[dict[str, object]]:
        """Yield the rows of `table` by name, with `rowid`; None for columns it does not have.

        Raises:
            sqlite3.DatabaseError: as `rows`.
        """
        query = (
            f"SELECT t.rowid, {select(wanted, self.columns(table), 't')} "  # noqa: S608 - fixed names only
            f"FROM {table} t ORDER BY t.rowid"
        )
        for row in self.rows(query):
            yield dict(zip(("rowid", *wanted), row, strict=True))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        self._budget.used = 0
        try:
            yield
        except UnicodeDecodeError:
            # SQLite quotes a damaged name in its error message, and Python can't read that.
            raise sqlite3.DatabaseError("a name in the schema is damaged") from None


def quoted(name: str) -> str:
    """Return a name of the evidence's as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def reason(error: sqlite3.Error) -> str:
    """Return why a table can't be read, without SQLite's text, which may quote the evidence."""
    name = getattr(error, "sqlite_errorname", None)
    return f"SQLite reports {name}" if name else str(error)


@contextmanager
def opened(file: EvidenceFile) -> Iterator[Database]:
    """Open a private copy of `file`, read only and without its journal.

    Raises:
        sqlite3.DatabaseError: it is no database that can be read.
        OSError: it can't be copied.
    """
    path = file.copy()
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            yield Database(connection)
    finally:
        path.unlink(missing_ok=True)


Reader = Callable[[Database], "Iterator[Record]"]
Match = Callable[["EvidenceFile"], bool]
Parse = Callable[["EvidenceFile"], "Iterator[Record]"]


def parser(schema: dict[str, tuple[str, ...]], tables: dict[str, Reader]) -> tuple[Match, Parse]:
    """Return `match` and `parse` of a parser that knows its file by `schema` and reads `tables`."""

    def match(file: EvidenceFile) -> bool:
        """Accept an SQLite file whose schema has these tables and columns."""
        return has_tables(file, schema)

    def parse(file: EvidenceFile) -> Iterator[Record]:
        """Yield each table's records; a table that breaks off gives a `Failure`.

        Raises:
            sqlite3.DatabaseError: the schema itself can't be read.
            OSError: the file can't be copied.
        """
        yield from each_table(file, tables)

    return match, parse


def each_table(file: EvidenceFile, tables: dict[str, Reader]) -> Iterator[Record]:
    """Yield what each reader makes of its table; a table that breaks off gives a `Failure`.

    Raises:
        sqlite3.DatabaseError: the schema itself can't be read.
        OSError: the file can't be copied.
    """
    with opened(file) as database:
        for table, read in tables.items():
            last: int | None = None
            try:
                for record in read(database):
                    last = record.row
                    yield record
            except sqlite3.Error as error:
                after = "before its first row" if last is None else f"after row {last}"
                yield Failure(
                    message=f"table {table} breaks off {after}", reason=reason(error), row=last
                )


def select(wanted: tuple[str, ...], have: set[str], alias: str) -> str:
    """Return the columns of a query, NULL for those that this version's table does not have."""
    return ", ".join(f'{alias}."{name}"' if name in have else "NULL" for name in wanted)


def has_tables(file: EvidenceFile, tables: dict[str, tuple[str, ...]]) -> bool:
    """Say whether the schema pages of `file` create `tables` with these columns; runs no SQL.

    The schema is the b-tree of page 1 (SQLite file format, 2.6); of a deep one up to 64 pages
    are looked at.
    """
    if not file.head.startswith(MAGIC):
        return False
    text = b"\n".join(_schema_pages(file)).lower()
    for table, columns in tables.items():
        name = re.escape(table.encode())
        made = re.search(rb"create\s+table\s+(?:if not exists\s+)?[\"'`\[]?" + name + rb"\b", text)
        if made is None:
            return False
        definition = text[made.end() : made.end() + 4096]
        if not all(column.encode() in definition for column in columns):
            return False
    return True


def _schema_pages(file: EvidenceFile) -> Iterator[bytes]:
    size = int.from_bytes(file.head[16:18], "big")
    size = 65536 if size == 1 else size
    if size < 512 or size & (size - 1):
        return
    with file.open() as stream:
        queue, seen = [1], {1}
        while queue and len(seen) <= _SCHEMA_PAGES:
            number = queue.pop(0)
            stream.seek((number - 1) * size)
            page = stream.read(size)
            header = 100 if number == 1 else 0
            if len(page) < header + 12:
                continue
            if page[header] == _LEAF:
                yield page
            elif page[header] == _INTERIOR:
                cells = int.from_bytes(page[header + 3 : header + 5], "big")
                at = [
                    int.from_bytes(page[i : i + 2], "big")
                    for i in range(header + 12, min(header + 12 + 2 * cells, size - 1), 2)
                ]
                children = [int.from_bytes(page[i : i + 4], "big") for i in at]
                children.append(int.from_bytes(page[header + 8 : header + 12], "big"))
                for child in children:
                    if child not in seen and len(seen) < _SCHEMA_PAGES:
                        seen.add(child)
                        queue.append(child)


def _virtual(sql: str) -> bool:
    return re.match(r"\s*create\s+virtual", sql, re.IGNORECASE) is not None
