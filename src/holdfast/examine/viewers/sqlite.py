"""SQLite: the rows of one table, a hundred at a time; no view, trigger or virtual table is run."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from holdfast.examine import _cells
from holdfast.examine.record import UnreadableError
from holdfast.examine.view import View

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.parsers._sqlite import Database
    from holdfast.examine.view import Wish

VERSION = 1
DECODERS: tuple[str, ...] = ("python", "sqlite3")
RANK = 3

PAGE = 100
"""Rows of one page."""
_MAGIC = b"SQLite format 3\0"
_WAL = 2


def match(file: EvidenceFile) -> bool:
    """Accept what starts as an SQLite database."""
    return file.head.startswith(_MAGIC)


def render(file: EvidenceFile, wish: Wish) -> View:
    """Show a hundred rows of the table `wish.part`, or of the first one.

    Raises:
        UnreadableError: it is damaged, or has no such table.
    """
    import sqlite3  # noqa: PLC0415 - a decoder

    from holdfast.examine.parsers import _sqlite  # noqa: PLC0415

    try:
        with _sqlite.opened(file) as database:
            tables = database.tables()
            chosen = wish.part or next(iter(tables), "")
            if chosen not in tables and chosen:
                raise UnreadableError("it has no such table")
            columns, rows, more = _rows(database, chosen, wish.page) if chosen else ([], [], False)
    except sqlite3.Error as error:
        raise UnreadableError(_sqlite.reason(error)) from error
    notes = []
    if not columns and chosen:
        notes.append("This table has no rows that can be read in order: virtual or without rowid.")
    if len(file.head) > 19 and file.head[19] == _WAL:
        notes.append(
            "It was written with a write-ahead log, which is another file and isn't applied."
        )
    parts: list[Json] = [*tables]
    content: dict[str, Json] = {"columns": columns, "part": chosen, "parts": parts, "rows": rows}
    return View(kind="table", content=content, notes=notes, more=more)


def _rows(database: Database, table: str, page: int) -> tuple[list[Json], list[Json], bool]:
    from holdfast.examine.parsers import _sqlite  # noqa: PLC0415 - a decoder's

    names = database.ordered_columns(table)
    rowid = database.rowid_name(table, names) if names else None
    if rowid is None:
        return [], [], False
    listed = ", ".join(_sqlite.quoted(name) for name in names)
    query = f"SELECT {rowid}, {listed} FROM {_sqlite.quoted(table)} ORDER BY {rowid}"  # noqa: S608 - names are quoted
    found = list(islice(database.rows(query), page * PAGE, page * PAGE + PAGE + 1))
    rows: list[Json] = [[_cells.cell(one) for one in row] for row in found[:PAGE]]
    return ["rowid", *names], rows, len(found) > PAGE
