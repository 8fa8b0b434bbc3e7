"""What an erased field leaves in a row: the same, whether the body was there when it was folded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from holdfast.vault import casework, tables

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

ERASED = "(erased)"
"""What stands in a row where the log's text was erased by order."""

_BLANKS: dict[str, tuple[Table, dict[str, Any]]] = {
    "path": (tables.exhibits, {"path": ERASED}),
    "record": (tables.exhibits, {"changed": 0}),
    "stored": (tables.exhibits, {"object": "", "size": 0, "wrapped": None}),
    "title": (tables.cases, {"title": ERASED}),
    "lead": (tables.cases, {"lead": ERASED}),
}
"""What an erased field leaves in its row: what folding the entry without the field gives."""


def blank(connection: Connection, erased: int, names: dict[str, list[int]]) -> None:
    """Put into the rows of `names`' entries what folding them without these fields gives."""
    known, cases, held = tables.entries, tables.cases, tables.exhibits
    casework.blank(connection, names)
    for name, entries in names.items():
        for at in range(0, len(entries), 500):
            some = entries[at : at + 500]
            if name == "reason":
                closed = select(known.c.case)
                closed = closed.where(known.c.index.in_(some), known.c.act == "case.close")
                change = update(cases).where(cases.c.case.in_(closed)).values(closed_why=ERASED)
                connection.execute(change)
            if name not in _BLANKS:
                continue
            table, values = _BLANKS[name]
            if table is cases:
                opened = select(known.c.case)
                opened = opened.where(known.c.index.in_(some), known.c.act == "case.open")
                connection.execute(update(cases).where(cases.c.case.in_(opened)).values(values))
                continue
            if name == "stored":
                values = {**values, "erased": erased}
            connection.execute(update(held).where(held.c.entry.in_(some)).values(values))
