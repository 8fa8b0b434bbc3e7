"""What people say of a record: tags and comments, as their entries give them in rows.

A row has no text of a comment: that stays in the entry. An entry whose record or tag was erased by
order gives no row, and loses the one it gave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Index, String, Table, Text, delete, select, update

from holdfast.vault.tables import projection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection, Row

    from holdfast.vault.entry import Entry

TAG, COMMENT, UNTAG = "record.tag", "record.comment", "record.untag"

remarks = Table(
    "remarks",
    projection,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("case", String, nullable=False),
    Column("item", String(64), nullable=False),
    Column("path", Text, nullable=False),
    Column("parser", String, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("tag", String, comment="null for a comment"),
    Column("ended", BigInteger, comment="the entry that took the tag off"),
    Index("remarks_case", "case", "item"),
    comment="Tags and comments on records.",
)


class Remarks:
    """Folds what people say of records."""

    _inserts: dict[Table, list[dict[str, Any]]]
    _later: list[Callable[[Connection], object]]

    def remarked(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`record.tag`, `record.comment`: something is said of a record."""
        cited = fields.get("cited")
        if cited is None or (fields["act"] == TAG and "tag" not in fields):
            return  # erased by order
        self._inserts[remarks].append(
            {
                "entry": entry.index,
                "case": fields["case"],
                "item": fields["item"],
                **{name: cited[name] for name in ("path", "parser", "seq")},
                "tag": fields.get("tag"),
            }
        )

    def untagged(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`record.untag`: a tag is taken off."""
        change = update(remarks).where(remarks.c.entry == fields["untag"]["entry"])
        self._later.append(lambda c: c.execute(change.values(ended=entry.index)))


def forget(connection: Connection, names: dict[str, list[int]]) -> None:
    """Drop the rows of entries whose record or tag was erased."""
    for name in ("cited", "tag"):
        entries = names.get(name, [])
        for at in range(0, len(entries), 500):
            some = entries[at : at + 500]
            connection.execute(delete(remarks).where(remarks.c.entry.in_(some)))


def of_case(
    connection: Connection, case: str, items: Iterable[str] | None = None
) -> list[Row[Any]]:
    """Return what is said in a case and stands, by entry; of some items only, if given."""
    query = select(remarks).where(remarks.c.case == case, remarks.c.ended.is_(None))
    if items is not None:
        query = query.where(remarks.c.item.in_(list(items)))
    return list(connection.execute(query.order_by(remarks.c.entry)))
