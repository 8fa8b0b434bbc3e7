"""Acts on who works on a case, in which role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.cases.access import check_roles
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import roles, team
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.acts.cases import OneCase
    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class Member:
    """Somebody who works on a case."""

    name: str
    roles: tuple[str, ...]
    since: int
    """The entry that gave the first of them."""

    def as_json(self) -> dict[str, Json]:
        """Return what `case team --json` prints."""
        return {"operator": self.name, "roles": [*self.roles], "since": self.since}


@act("case.team", Needs.CASE, reads=True)
def members(session: Session, request: OneCase) -> list[Member]:
    """Return who holds a role in the case, by name."""
    return session.look_up(lambda connection: _members(connection, request.case))


def _members(connection: Connection, case: str) -> list[Member]:
    held: dict[str, list[tuple[str, int]]] = {}
    for name, role, since in team.of(connection, case):
        held.setdefault(name, []).append((role, since))
    return [
        Member(name, check_roles(role for role, _ in some), min(since for _, since in some))
        for name, some in held.items()
    ]


@dataclass(frozen=True)
class ChangeTeam:
    """Which roles somebody gets and loses in a case."""

    case: str
    name: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"added": [*self.added], "name": self.name, "removed": [*self.removed]}


@act("case.role", Needs.CASE)
def change_team(session: Session, request: ChangeTeam) -> tuple[str, ...]:
    """Give roles in a case and take them; return those that the person holds then.

    Raises:
        InputError: nobody of that name is in the log, no such role, or nothing would change.
        DeniedError: the case would be left without a lead.
    """
    added, removed = check_roles(request.added), check_roles(request.removed)
    if both := set(added) & set(removed):
        raise InputError(
            f"{sorted(both)[0]} is given and taken at once", "choose one: --add or --remove"
        )

    def build(connection: Connection) -> Sequence[Draft]:
        if not roles.known(connection, request.name):
            raise InputError(
                f"{request.name!r} is no operator of this vault",
                f"enter a key first: `holdfast operator add {request.name}`",
            )
        holds = team.held(connection, request.case, request.name)
        fresh = [role for role in added if role not in holds]
        lost = [role for role in removed if role in holds]
        if not fresh and not lost:
            raise InputError(
                f"{request.name} holds no other roles in {request.case} then than now",
                f"see `holdfast case team {request.case}`",
            )
        _check_led(connection, request, lost)
        _check_apart(connection, request, (holds | set(fresh)) - set(lost))
        change: dict[str, Json] = {"added": [*fresh], "name": request.name, "removed": [*lost]}
        return [Draft("case.role", request.case, {"change": change})]

    session.custody.decide(build)
    now = session.look_up(lambda c: team.held(c, request.case, request.name))
    return check_roles(now)


def _check_apart(connection: Connection, request: ChangeTeam, then: frozenset[str]) -> None:
    """Raise where somebody of the filter team would work on the case, or the other way round.

    Raises:
        DeniedError: who has read what is privileged can't forget it.
    """
    others = then - {team.FILTER}
    was = team.FILTER in team.ever(connection, request.case, request.name)
    if others and (team.FILTER in then or was):
        raise DeniedError(
            f"{request.name} {'was' if was else 'would be'} on the filter team of case "
            f"{request.case}, and so can't be its {sorted(others)[0]}",
            "name somebody else: the two teams stay apart",
        )


def _check_led(connection: Connection, request: ChangeTeam, lost: Sequence[str]) -> None:
    """Raise where the case's last lead would go.

    Raises:
        DeniedError: so.
    """
    leads = {name for name, role, _ in team.of(connection, request.case) if role == team.LEAD}
    if team.LEAD in lost and leads == {request.name}:
        raise DeniedError(
            f"{request.name} is the only lead of case {request.case}",
            "make somebody else its lead first: --add lead",
        )
