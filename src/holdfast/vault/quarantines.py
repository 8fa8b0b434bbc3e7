"""Legal privilege: what entries on quarantines and their rulings give in rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Index, String, Table, Text, or_, select

from holdfast.vault import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from holdfast.vault.entry import Entry

RELEASE, KEEP = "release", "keep-out"
OUTCOMES = (RELEASE, KEEP)

quarantines = Table(
    "quarantines",
    tables.projection,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("item", String(64), primary_key=True, comment="SHA-256; empty where terms choose"),
    Column("term", String, primary_key=True, comment="empty where the whole item is meant"),
    Column("case", String, nullable=False),
    Index("quarantines_case", "case"),
    comment="What may be privileged: read by nobody but the filter team.",
)

rulings = Table(
    "rulings",
    tables.projection,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("item", String(64), primary_key=True, comment="empty: the whole quarantine"),
    Column("path", Text, primary_key=True, comment="of the file inside the item"),
    Column("quarantine", BigInteger, nullable=False),
    Column("case", String, nullable=False),
    Column("outcome", String, nullable=False, comment="release or keep-out"),
    Index("rulings_quarantine", "quarantine"),
    comment="What the filter team decided; of one thing the last counts.",
)

TABLES = (quarantines, rulings)


class Quarantines:
    """Folds quarantines and rulings."""

    _inserts: dict[Table, list[dict[str, Any]]]
    _later: list[Callable[[Connection], object]]

    def quarantined(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`privilege.set`: items, or whatever has one of some terms."""
        said, case = fields["quarantine"], fields["case"]
        chosen = [(item, "") for item in said["items"]] + [("", term) for term in said["terms"]]
        self._inserts[quarantines] += [
            {"entry": entry.index, "item": item, "term": term, "case": case}
            for item, term in chosen
        ]

    def ruled(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`privilege.rule`: released or kept out, as a whole or file by file."""
        said = fields["ruling"]
        files = [(one["item"], one["path"]) for one in said["files"]] or [("", "")]
        self._inserts[rulings] += [
            {
                "entry": entry.index,
                "item": item,
                "path": path,
                "quarantine": said["quarantine"],
                "case": fields["case"],
                "outcome": said["outcome"],
            }
            for item, path in files
        ]


FOLDS = {"privilege.set": Quarantines.quarantined, "privilege.rule": Quarantines.ruled}


@dataclass(frozen=True)
class Quarantine:
    """One quarantine, and what was decided of it."""

    entry: int
    case: str
    items: frozenset[str]
    terms: tuple[str, ...]
    outcome: str | None
    """Of the whole of it; None while the filter team has not decided."""
    files: dict[tuple[str, str], str]
    """(item, path inside) to outcome, of files that were decided one by one."""

    @property
    def over(self) -> bool:
        """Whether it was released as a whole."""
        return self.outcome == RELEASE


def holding(connection: Connection, case: str, *, everywhere: bool = True) -> list[Quarantine]:
    """Return the quarantines that hold in `case`, oldest first; those that are over, too.

    An item that was quarantined in any case is so in every case that has it (`everywhere`).
    """
    table = quarantines
    mine = table.c.case == case
    if everywhere:
        held = select(tables.exhibits.c.item).where(tables.exhibits.c.case == case)
        mine = or_(mine, table.c.item.in_(held))
    query = select(table).where(mine).order_by(table.c.entry, table.c.item, table.c.term)
    rows: dict[int, list[Any]] = {}
    for row in connection.execute(query).all():
        rows.setdefault(row.entry, []).append(row)
    return [_quarantine(connection, entry, some) for entry, some in rows.items()]


def _quarantine(connection: Connection, entry: int, some: list[Any]) -> Quarantine:
    table = rulings
    outcome, files = None, dict[tuple[str, str], str]()
    query = select(table).where(table.c.quarantine == entry).order_by(table.c.entry)
    for row in connection.execute(query).all():
        if row.item:
            files[row.item, row.path] = row.outcome
        else:
            outcome = row.outcome
    return Quarantine(
        entry,
        some[0].case,
        frozenset(row.item for row in some if row.item),
        tuple(row.term for row in some if row.term),
        outcome,
        files,
    )
