"""Who at which provider of OpenID Connect is which person here: what its entries give in rows.

A binding lies in the log, not in the database's state: nobody becomes somebody else by a changed
row, since `verify` folds the log again and compares. docs/formats/custody.md, "Sessions and
tokens".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Index, String, Table, delete, select

from holdfast.vault.tables import projection

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Delete

    from holdfast.core.canonical import Json
    from holdfast.vault.entry import Entry

bound = Table(
    "bound",
    projection,
    Column("issuer", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Index("bound_name", "name"),
    comment="Who at a provider of OpenID Connect is whose account.",
)


@dataclass(frozen=True)
class Binding:
    """That who signs in as `subject` at `issuer` is `name` here."""

    name: str
    issuer: str
    subject: str

    def as_json(self) -> dict[str, Json]:
        """Return it as entries and `--json` have it."""
        return {"issuer": self.issuer, "name": self.name, "subject": self.subject}


def whose(connection: Connection, issuer: str, subject: str) -> str | None:
    """Return whose account it is; None where nobody has bound it."""
    query = select(bound.c.name).where(bound.c.issuer == issuer, bound.c.subject == subject)
    name: str | None = connection.scalar(query)
    return name


def every(connection: Connection) -> list[Binding]:
    """Return all bindings in force, by name."""
    query = select(bound.c.name, bound.c.issuer, bound.c.subject)
    return [Binding(*row) for row in connection.execute(query.order_by(*query.selected_columns))]


class Bindings:
    """Folds what binds and unbinds."""

    _inserts: dict[Table, list[dict[str, Any]]]
    _later: list[Callable[[Connection], object]]

    def bind(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`account.bind`: somebody at a provider is somebody here."""
        row = {**fields["bound"], "entry": entry.index}
        # In the order of their entries: one that is bound again was unbound before.
        self._later.append(lambda connection: connection.execute(bound.insert().values(**row)))

    def unbind(self, _entry: Entry, fields: dict[str, Any]) -> None:
        """`account.unbind`: not any more."""
        facts = fields["unbound"]
        change: Delete = delete(bound).where(
            bound.c.issuer == facts["issuer"], bound.c.subject == facts["subject"]
        )
        self._later.append(lambda connection: connection.execute(change))


FOLDS = {"account.bind": Bindings.bind, "account.unbind": Bindings.unbind}
