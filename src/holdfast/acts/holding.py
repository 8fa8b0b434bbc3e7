"""Legal hold: what must not be erased, whoever orders it. One person sets it, two lift it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from holdfast.acts import two_person
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.two_person import Asked, Kind
from holdfast.cases import exhibits
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import tables
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class SetHold:
    """What is held, and by whose order."""

    case: str
    order: str
    items: tuple[str, ...] = ()
    """Exhibits or digests; empty for the whole case, with what it will yet collect."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": list(self.items), "order": self.order}


@act("hold.set", Needs.CASE)
def set_hold(session: Session, request: SetHold) -> int:
    """Set a legal hold; return its entry's number.

    Raises:
        InputError: no order, or an item that is not the case's.
    """
    if not request.order.strip():
        raise InputError("a hold needs the order it follows", "name it: --order TEXT")

    def build(connection: Connection) -> Sequence[Draft]:
        held = exhibits.of_case(connection, request.case)
        chosen = exhibits.choose(held, request.items) if request.items else ()
        items: list[Json] = [*sorted({one.item for one in chosen})]
        return [Draft("hold.set", request.case, {"hold": {"items": items, "order": request.order}})]

    return session.custody.decide(build)[0].index


@dataclass(frozen=True)
class Hold:
    """A hold that was set."""

    entry: int
    case: str
    items: tuple[str, ...]
    """SHA-256 of each item; empty for the whole case."""
    order: str
    time: str
    lifted: int | None

    def as_json(self) -> dict[str, Json]:
        """Return what `hold list --json` prints."""
        return {**vars(self), "items": list(self.items)}


def holds(session: Session) -> list[Hold]:
    """Return every hold, oldest first; those that were lifted too."""
    session.vault.current()
    table = tables.holds
    query = select(table).order_by(table.c.entry, table.c.item)
    found: dict[int, Hold] = {}
    for row in session.look_up(lambda connection: connection.execute(query).all()):
        before = found[row.entry].items if row.entry in found else ()
        items = (*before, row.item) if row.item else ()
        found[row.entry] = Hold(row.entry, row.case, items, row.order, row.time, row.lifted)
    return list(found.values())


@dataclass(frozen=True)
class Held:
    """A hold in force, as a page of the case says it."""

    entry: int
    order: str
    time: str
    labels: tuple[tuple[str, str], ...] | None
    """Label and digest of each exhibit; None for the whole case."""


def of_case(session: Session, case: str) -> list[Held]:
    """Return the holds in force on a case or on some of its exhibits, oldest first."""
    found = [one for one in holds(session) if one.case == case and one.lifted is None]
    held = session.look_up(lambda c: list(exhibits.of_case(c, case))) if found else []
    return [
        Held(
            *(one.entry, one.order, one.time),
            labels=tuple((e.label, e.item) for e in held if e.item in one.items)
            if one.items
            else None,
        )
        for one in found
    ]


def check_hold(connection: Connection, case: str, items: set[str]) -> None:
    """Raise where one of `items`, or the whole case, is held.

    Raises:
        DeniedError: a legal hold.
    """
    table = tables.holds
    query = select(table.c.item, table.c.entry, table.c.order)
    query = query.where(table.c.case == case, table.c.lifted.is_(None)).order_by(table.c.entry)
    for item, entry, order in connection.execute(query):
        if not item or item in items:
            raise DeniedError(
                f"a legal hold (entry {entry}, {order!r}) is on "
                f"{'item ' + item[:16] if item else 'case ' + case}: nothing of it may be erased",
                f"have the hold lifted first: `holdfast hold lift {entry} --order TEXT`",
            )


@dataclass(frozen=True)
class LiftHold:
    """Which hold is to end, and by whose order."""

    hold: int
    order: str
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"hold": self.hold, "order": self.order}


@act("hold.lift", Needs.NOTHING)
def request_lift(session: Session, request: LiftHold) -> Asked:
    """Ask to lift a hold; another person approves.

    Raises:
        InputError: no such hold, or it is lifted, or no order.
    """
    if not request.order.strip():
        raise InputError("to lift a hold needs an order, too", "name it: --order TEXT")
    case = session.look_up(lambda connection: _held(connection, request.hold))

    def build(connection: Connection) -> tuple[dict[str, Json], dict[str, Json]]:
        _held(connection, request.hold)
        return request.facts(), {}

    number = two_person.ask(session, "hold.lift", case, build)
    return session.look_up(lambda connection: two_person.find(session, connection, number))


def _held(connection: Connection, hold: int) -> str:
    """Return the case of a hold that is in force.

    Raises:
        InputError: there is none.
    """
    table = tables.holds
    query = select(table.c.case, table.c.lifted).where(table.c.entry == hold)
    row: Any = connection.execute(query).first()
    if row is None or row.lifted is not None:
        raise InputError(f"entry {hold} is no hold in force", "see `holdfast hold list`")
    return str(row.case)


def _perform(connection: Connection, asked: Asked, names: tuple[str, ...]) -> Sequence[Draft]:
    hold = int(asked.asked["hold"])
    _held(connection, hold)
    by: list[Json] = [*names]
    facts: dict[str, Json] = {
        "approved_by": by,
        "entry": hold,
        "order": asked.asked["order"],
        "request": asked.entry,
    }
    return [Draft("hold.lifted", asked.case, {"hold": facts})]


KIND = Kind("hold.lift", lambda _connection, _asked: 1, _perform)
