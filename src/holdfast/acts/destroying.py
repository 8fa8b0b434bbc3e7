"""Destruction of a physical exhibit: ordered, asked by one person, approved by another, witnessed.

The entry says that it may be and was destroyed: whoever approves it does so at the destruction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts import two_person
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.holding import check_hold
from holdfast.acts.two_person import Asked, Kind
from holdfast.cases import things
from holdfast.core.errors import InputError
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json

NAME = "exhibit.destroy"


@dataclass(frozen=True)
class Destroy:
    """Which exhibit is destroyed, how, and by whose order."""

    case: str
    exhibit: str
    order: str
    method: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"exhibit": self.exhibit, "method": self.method, "order": self.order}


@act(NAME, Needs.CASE)
def destroy(session: Session, request: Destroy) -> Asked:
    """Ask for an exhibit's destruction; another person approves, as its witness.

    Raises:
        InputError: no such exhibit, no order or no method.
        DeniedError: a legal hold.
    """
    if not request.order.strip() or not request.method.strip():
        raise InputError(
            "a destruction needs the order it follows and how it is done",
            "--order TEXT --method TEXT",
        )

    def build(connection: Connection) -> tuple[dict[str, Json], dict[str, Json]]:
        thing = things.find(connection, request.case, request.exhibit)
        thing.check_held(session.operator)
        check_hold(connection, request.case, set())
        return {**request.facts(), "number": thing.number}, {}

    number = two_person.ask(session, NAME, request.case, build)
    return session.look_up(lambda connection: two_person.find(session, connection, number))


def _perform(connection: Connection, asked: Asked, names: tuple[str, ...]) -> Sequence[Draft]:
    case = str(asked.case)
    thing = things.find(connection, case, str(asked.asked["exhibit"]))
    thing.check_held(asked.name)
    check_hold(connection, case, set())
    by: list[Json] = [*names]
    exhibit: dict[str, Json] = {**thing.facts(), "approved_by": by, "request": asked.entry}
    fields: dict[str, Json] = {
        "exhibit": exhibit,
        "method": asked.asked["method"],
        "order": asked.asked["order"],
    }
    return [Draft("exhibit.destroyed", case, fields)]


KIND = Kind(NAME, lambda _connection, _asked: 1, _perform)
