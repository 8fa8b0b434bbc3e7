"""The act of oversight: what waits, what ends soon, what nobody examined, in one's own cases.

Of who looked at abuse material it has the sums of today, and never at what. No evidence is read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.acts import exposing, two_person
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.examining import by_item
from holdfast.cases import case as cases
from holdfast.core import clock
from holdfast.examine import results
from holdfast.vault import exposures, quarantines, roles, seized, tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from holdfast.cases.case import Case
    from holdfast.core.canonical import Json

SUPERVISOR = "supervisor"
_DAY = 86_400_000_000


@dataclass(frozen=True)
class Supervised:
    """One case, as who supervises it has to know it."""

    case: str
    title: str
    closed: bool
    days_left: int
    """Whole days until the authority ends; below 0: it has ended."""
    review_due: bool
    items: int
    unexamined: int
    oldest_unexamined: str | None
    """When the one that waits longest was collected."""
    handovers: tuple[str, ...]
    """Physical exhibits that wait to be accepted: `AL/1: alice to bob`."""
    undecided: int
    """Quarantines that wait for the filter team."""
    holds: int

    def as_json(self) -> dict[str, Json]:
        """Return it as plain values."""
        return {**asdict(self), "handovers": [*self.handovers]}


@dataclass(frozen=True)
class Waiting:
    """A request that waits for another person."""

    request: int
    kind: str
    case: str | None
    by: str
    expires: str


@dataclass(frozen=True)
class Looked:
    """How much one person has looked at today."""

    name: str
    views: int
    minutes: int
    rests: bool


@dataclass(frozen=True)
class Oversight:
    """What who supervises cases has to see to."""

    cases: tuple[Supervised, ...]
    waiting: tuple[Waiting, ...]
    looked: tuple[Looked, ...]

    def as_json(self) -> dict[str, Json]:
        """Return what `oversight --json` prints."""
        return {
            "cases": [one.as_json() for one in self.cases],
            "looked": [asdict(one) for one in self.looked],
            "waiting": [asdict(one) for one in self.waiting],
        }


@dataclass(frozen=True)
class Oversee:
    """Of all cases that who asks supervises."""

    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {}


@act("oversight", Needs.NOTHING, reads=True)
def oversight(session: Session, _request: Oversee) -> Oversight:
    """Return what waits and what ends in the cases in which who asks is the supervisor."""
    session.vault.current()
    mine = session.look_up(lambda c: _mine(c, session.operator))
    seen = tuple(_supervised(session, one) for one in mine)
    numbers = {one.id for one in mine}
    asked = session.look_up(lambda connection: two_person.waiting(session, connection))
    unit = session.look_up(lambda c: set(roles.held(c, session.operator)) & set(roles.APPROVING))
    waiting = tuple(
        Waiting(one.entry, one.kind, one.case, one.name, one.expires)
        for one in asked
        if one.case in numbers or (one.case is None and unit)
    )
    return Oversight(seen, waiting, session.look_up(lambda c: _looked(c, numbers)))


def _mine(connection: Connection, name: str) -> list[Case]:
    table = tables.team
    query = select(table.c.case).where(table.c.name == name, table.c.role == SUPERVISOR)
    held = set(connection.scalars(query.where(table.c.until.is_(None))))
    return [one for one in cases.every(connection) if one.id in held]


def _supervised(session: Session, case: Case) -> Supervised:
    now, derived = clock.now(), session.vault.derived
    held = by_item(session, case.id)
    waits = [one for one in held.values() if results.current(derived, one.item) is None]

    def read(connection: Connection) -> tuple[tuple[str, ...], int, int]:
        handed, things = seized.transfers, seized.seized
        query = select(things.c.exhibit, handed.c.giver, handed.c.receiver).join(
            things, (things.c.case == handed.c.case) & (things.c.number == handed.c.number)
        )
        query = query.where(handed.c.case == case.id, handed.c.state == seized.WAITING)
        rows = connection.execute(query.order_by(handed.c.entry)).all()
        apart = quarantines.holding(connection, case.id, everywhere=False)
        hold = tables.holds
        held_now = select(hold.c.entry).where(hold.c.case == case.id, hold.c.lifted.is_(None))
        return (
            tuple(f"{label}: {giver} to {receiver}" for label, giver, receiver in rows),
            sum(one.outcome is None for one in apart),
            len(set(connection.scalars(held_now))),
        )

    handovers, undecided, holds = session.look_up(read)
    return Supervised(
        case.id,
        case.title,
        case.closed is not None,
        (case.authority.valid_until - now) // _DAY,
        case.review < now,
        len(held),
        len(waits),
        min((one.collected for one in waits), default=None),
        handovers,
        undecided,
        holds,
    )


def _looked(connection: Connection, numbers: set[str]) -> tuple[Looked, ...]:
    table = exposures.viewers
    query = select(table.c.name).where(table.c.case.in_(numbers)).distinct()
    found = []
    for name in sorted(connection.scalars(query)):
        day = exposing.today(connection, str(name))
        found.append(Looked(str(name), day.views, day.minutes, day.rests_until is not None))
    return tuple(found)
