"""Keys that sign for a person for a while: of a session in a browser, of a token of a program.

A person lets a server act for them; what it enters is signed by a key made for that session or
token, whose public half an entry gives with its end. That is less than the person's own signature:
the server could have signed what nobody asked. So there are acts that no such key signs.
docs/formats/custody.md, "Sessions and tokens".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from holdfast.core import clock
from holdfast.core.errors import DeniedError
from holdfast.vault import bindings
from holdfast.vault.signing import OwnKeyError
from holdfast.vault.tables import projection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, RowMapping

    from holdfast.vault.entry import Entry

BEGINS = {"session.open": "session", "token.add": "token"}
"""Acts that introduce such a key, in the field `delegate`, and what it is of."""
ENDS = frozenset({"session.end", "token.end"})
WEB, API = "web/", "api/"
"""What the account in an entry's context begins with, of a person whom a server acts for."""
_OWN = re.compile(
    r".*\.(?:request|review)|request\.approve|operator\..*|session\.open|token\.add"
    r"|erase|erase\.mass|hold\.lifted|account\.allowed|log\.key"
)

table = Table(
    "delegates",
    projection,
    Column("vkey", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("key_id", String, nullable=False),
    Column("kind", String, nullable=False, comment="session or token"),
    Column("until", String, nullable=False, comment="RFC 3339, on a whole second"),
    Column("cases", Text, nullable=False, comment="of a token: names joined by newlines, or all"),
    Column("entry", BigInteger, nullable=False),
    Column("by", String, nullable=False, comment="who let them in: themselves, or the server"),
    Column("ended", BigInteger, comment="the entry that ended it"),
    Index("delegates_name", "name"),
    Index("delegates_key", "key_id"),
    comment="Keys that signed for a person in a session or by a token.",
)


served = Table(
    "served",
    projection,
    Column("name", String, primary_key=True),
    Column("ways", String, nullable=False, comment="password, totp: joined by spaces"),
    Column("locked", Integer, nullable=False),
    Column("entry", BigInteger, nullable=False, comment="the last that says so"),
    comment="Who has an account at the workbench, without its secrets.",
)
TABLES = (table, served)


def needs_own(act: str) -> bool:
    """Say whether an act is signed by a person's own key only."""
    return _OWN.fullmatch(act) is not None


def fault(kind: str, act: str, time: str, until: str) -> str | None:
    """Return why a delegate's key may not have signed an entry; None where it may."""
    if needs_own(act):
        return f"is signed by the key of a {kind}, and {act} asks for the person's own"
    if time[:19] > until[:19]:
        return f"is signed by the key of a {kind} that was over at {until}"
    return None


@dataclass(frozen=True)
class Delegate:
    """A key that signs for somebody."""

    vkey: str
    name: str
    key_id: str
    kind: str
    until: str
    cases: tuple[str, ...]
    """Which cases it is for; none: all."""
    entry: int
    by: str
    ended: int | None = None

    @classmethod
    def of(cls, facts: RowMapping) -> Delegate:
        """Take a row of the table."""
        cases = tuple(facts["cases"].split("\n")) if facts["cases"] else ()
        return cls(**{**facts, "cases": cases})

    def check(self, acts: Iterable[tuple[str, str | None]]) -> None:
        """Raise unless it may sign entries of these (act, case) now.

        Raises:
            DeniedError: it has ended, or they ask for more than it is.
        """
        now = clock.to_text(clock.now())
        if self.ended is not None:
            raise DeniedError(
                f"this {self.kind} of {self.name} was ended by entry {self.ended}", "begin another"
            )
        for act, case in acts:
            why = fault(self.kind, act, now, self.until)
            if why is not None:
                what = f"{act} can't be entered: it {why}"
                if self.kind == "session" and needs_own(act):
                    raise OwnKeyError(what, "sign with your own passkey")
                raise DeniedError(what, "sign with your own key, or begin another")
            if self.cases and case is not None and case not in self.cases:
                raise DeniedError(
                    f"this token of {self.name} is not for case {case}", "use one that is"
                )


def find(connection: Connection, vkey: str) -> Delegate | None:
    """Return the delegate whose public key is given."""
    row = connection.execute(select(table).where(table.c.vkey == vkey)).mappings().one_or_none()
    return None if row is None else Delegate.of(row)


def of_key(connection: Connection, key_id: str) -> Delegate | None:
    """Return the delegate whose key's ID is given, as entries name it."""
    query = select(table).where(table.c.key_id == key_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else Delegate.of(row)


def every(connection: Connection) -> dict[str, Delegate]:
    """Return all delegates, by key ID."""
    found = connection.execute(select(table)).mappings()
    return {one.key_id: one for one in map(Delegate.of, found)}


class Delegates(bindings.Bindings):
    """Folds what begins and ends sessions and tokens, and who somebody is at a provider."""

    def delegated(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`session.open`, `token.add`: a key that signs for somebody."""
        facts = fields["delegate"]
        self._inserts[table].append(
            {
                **{name: facts[name] for name in ("vkey", "name", "key_id", "until")},
                "cases": "\n".join(facts["cases"]),
                "kind": BEGINS[fields["act"]],
                "entry": entry.index,
                "by": fields["actor"]["name"],
            }
        )

    def delegate_ended(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`session.end`, `token.end`."""
        change = update(table).where(
            table.c.vkey == fields["ended"]["vkey"], table.c.ended.is_(None)
        )
        self._later.append(lambda connection: connection.execute(change.values(ended=entry.index)))

    def account_set(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`account.set`: the last one of a name counts."""
        facts = fields["account"]
        row = {
            "name": facts["name"],
            "ways": " ".join(facts["ways"]),
            "locked": int(facts["locked"]),
            "entry": entry.index,
        }

        def change(connection: Connection) -> None:
            connection.execute(delete(served).where(served.c.name == row["name"]))
            connection.execute(insert(served).values(**row))

        self._later.append(change)


FOLDS = {
    "account.set": Delegates.account_set,
    "session.open": Delegates.delegated,
    "session.end": Delegates.delegate_ended,
    "token.add": Delegates.delegated,
    "token.end": Delegates.delegate_ended,
    **bindings.FOLDS,
}
