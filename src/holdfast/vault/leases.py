"""Who has which item in hand, and for how long: the state of work that others execute.

    free -> leased (owner, until) -> done (result)        -> gone with the examination
               |-> lost (tries + 1, no owner) -> leased ...

An engine may lose anything: a machine, a message, its own head. What is here is what counts: an
item is handed out by whoever holds its lease, and put in force by whoever holds it still. What is
in force stands in `derived/` alone: a lease that says less costs work, never a record.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, inspect, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from holdfast.core.errors import IntegrityError
from holdfast.vault import database, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Engine

SECONDS = 120
"""For how long a lease holds; its owner renews it while it lives."""
_ROWS = 200
"""Rows a statement names, at most: SQLite allows 32,766 values."""


@dataclass(frozen=True)
class Aim:
    """One piece of work: an item, and what is to be made of it."""

    item: str
    """SHA-256 of its bytes."""
    key: str
    """SHA-256 over the keys of the results to be made."""


def _never(_owner: str) -> bool:
    return False


@dataclass(frozen=True)
class Leases:
    """The leases of one case."""

    engine: Engine
    case: str
    owner: str = ""
    """Names this examination among all that share the database."""
    gone: Callable[[str], bool] = _never
    """Says whether an owner is no longer there, whatever its leases promise."""

    def held_by(self, owner: str, gone: Callable[[str], bool]) -> Leases:
        """Return the leases as `owner` holds them."""
        return replace(self, owner=owner, gone=gone)

    def prepare(self) -> None:
        """Make the table where an older vault has none.

        Raises:
            RemoteError: the database's server does not answer.
        """
        database.prepare(self.engine)

    def take(self, aims: Iterable[Aim]) -> dict[Aim, int]:
        """Lease what is free; return that, each with how many machines were lost at it before.

        Whoever had it may have put it in force just before: look after this, not before.

        Raises:
            ConflictError: the database is held by another process.
        """
        wanted, taken = list(aims), dict[Aim, int]()
        now = _now()
        with database.guarded(self.engine), self.engine.begin() as connection:
            self._appear(connection, wanted)
            for row in self._rows(connection, wanted):
                ours, done = row.owner in {"", self.owner}, row.result is not None
                if not (ours or done or row.until <= now or self.gone(row.owner)):
                    continue
                aim, tries = Aim(row.item, row.aim), 0 if done else row.tries
                taken[aim] = tries
                change = update(tables.leases).where(self._is(aim))
                values = {"owner": self.owner, "until": _until(), "tries": tries, "result": None}
                connection.execute(change.values(values))
        return taken

    def renew(self) -> None:
        """Hold on to everything that this examination has in hand."""
        table = tables.leases
        with database.guarded(self.engine), self.engine.begin() as connection:
            connection.execute(
                update(table).where(self._open()).values(until=_until())
            )  # fmt: skip

    def holds(self, aims: Iterable[Aim]) -> set[Aim]:
        """Return which leases are still ours, renewed: asked before something is put in force."""
        held: set[Aim] = set()
        with database.guarded(self.engine), self.engine.begin() as connection:
            for aim in aims:
                change = update(tables.leases).where(self._is(aim), self._open())
                if connection.execute(change.values(until=_until())).rowcount:
                    held.add(aim)
        return held

    def done(self, results: Mapping[Aim, str]) -> None:
        """Note the SHA-256 of each result that was put in force.

        Raises:
            IntegrityError: another has put something else in force meanwhile.
        """
        table = tables.leases
        with database.guarded(self.engine), self.engine.begin() as connection:
            for aim, result in results.items():
                change = update(table).where(self._is(aim), self._open())
                if connection.execute(change.values(result=result)).rowcount:
                    continue
                other = connection.scalar(select(table.c.result).where(self._is(aim)))
                if other not in {None, result}:
                    raise IntegrityError(
                        f"two workers made different records of item {aim.item}",
                        "drop its derived data, examine it again, and tell the makers of Holdfast",
                    )

    def lost(self, aims: Iterable[Aim]) -> None:
        """Give back what a lost machine was at."""
        table = tables.leases
        with database.guarded(self.engine), self.engine.begin() as connection:
            for aim in aims:
                connection.execute(
                    update(table).where(self._is(aim)).where(self._ours())
                    .values(owner="", until=0, tries=table.c.tries + 1)
                )  # fmt: skip

    def close(self) -> None:
        """Forget what is done; give back what is not, with what it has cost so far."""
        table = tables.leases
        with database.guarded(self.engine), self.engine.begin() as connection:
            connection.execute(
                delete(table).where(self._ours())
                .where(or_(table.c.result.is_not(None), table.c.tries == 0))
            )  # fmt: skip
            connection.execute(update(table).where(self._ours()).values(owner="", until=0))

    def _appear(self, connection: Connection, aims: list[Aim]) -> None:
        """Make a free row for each aim that has none; others may do so at the same moment."""
        make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        blank = {"case": self.case, "owner": "", "until": 0, "tries": 0}
        rows = [{**blank, "item": aim.item, "aim": aim.key} for aim in aims]
        if rows:
            connection.execute(make(tables.leases).on_conflict_do_nothing(), rows)

    def _rows(self, connection: Connection, aims: list[Aim]) -> Iterator[Any]:
        table = tables.leases
        for at in range(0, len(aims), _ROWS):
            some = [(aim.item, aim.key) for aim in aims[at : at + _ROWS]]
            query = (
                select(table).where(table.c.case == self.case)
                .where(tuple_(table.c.item, table.c.aim).in_(some))
                .order_by(table.c.item, table.c.aim).with_for_update()
            )  # fmt: skip
            yield from connection.execute(query).all()

    def _is(self, aim: Aim) -> ColumnElement[bool]:
        table = tables.leases
        return and_(table.c.case == self.case, table.c.item == aim.item, table.c.aim == aim.key)

    def _open(self) -> ColumnElement[bool]:
        return and_(self._ours(), tables.leases.c.result.is_(None))

    def _ours(self) -> ColumnElement[bool]:
        table = tables.leases
        return and_(table.c.case == self.case, table.c.owner == self.owner)


def forget(engine: Engine, items: Sequence[str]) -> None:
    """Forget items that were erased by order; an older vault has no such table."""
    table = tables.leases
    schema = None if engine.dialect.name == "sqlite" else table.schema
    with database.guarded(engine), engine.begin() as connection:
        if inspect(connection).has_table(table.name, schema=schema):
            for at in range(0, len(items), _ROWS):
                some = items[at : at + _ROWS]
                connection.execute(delete(table).where(table.c.item.in_(some)))


def _now() -> int:
    return time.time_ns() // 1000


def _until() -> int:
    return _now() + SECONDS * 1_000_000
