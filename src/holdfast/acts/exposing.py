"""Acts that bound how much abuse material one person looks at; each look is counted in the log.

A supervisor of the unit names who may look at all, case by case; everybody else is shown nothing
(decision 0085). Whoever may sits down to it, and `view` counts the looks. docs/decisions/0126.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.acts.act import Needs, Session, act
from holdfast.cases import exposure
from holdfast.cases.exposure import Day, Limits, Sitting
from holdfast.core import clock
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import exposures, roles, settings, team
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.acts.cases import OneCase
    from holdfast.core.canonical import Json

SETTING = "exposure_limits"


@dataclass(frozen=True)
class SetLimits:
    """How much one person may look at."""

    views: int
    minutes: int
    stretch: int
    rest: int
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return Limits(self.views, self.minutes, self.stretch, self.rest).as_json()


@act("exposure.limits", Needs.NOTHING)
def set_limits(session: Session, request: SetLimits) -> Limits:
    """Set the limits of everybody in the vault; a supervisor of the unit does.

    Raises:
        InputError: one is no limit.
        DeniedError: who acts is no supervisor.
    """
    chosen = Limits(request.views, request.minutes, request.stretch, request.rest)
    chosen.check()
    if "supervisor" not in session.look_up(lambda c: roles.held(c, session.operator)):
        raise DeniedError(f"{session.operator} is no supervisor of this unit", "ask one who is")
    session.custody.enter(settings.change(SETTING, chosen.as_json()))
    return chosen


def limits(connection: Connection) -> Limits:
    """Return the limits that are in force."""
    said = settings.read(connection, SETTING)
    return Limits(**said) if isinstance(said, dict) else Limits()  # type: ignore[arg-type]


@dataclass(frozen=True)
class Viewer:
    """Who may look at abuse material in a case, and why; or no longer."""

    case: str
    name: str
    reason: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"name": self.name}


@act("exposure.allow", Needs.CASE)
def allow(session: Session, request: Viewer) -> None:
    """Name somebody who works on the case and may look at abuse material in it.

    Raises:
        InputError: no reason, or they may already.
        DeniedError: who acts may not say so, or the person has no part in the case.
    """
    if not request.reason.strip():
        raise InputError("why somebody has to look must be said", "--reason TEXT")

    def build(connection: Connection) -> Sequence[Draft]:
        if not set(roles.held(connection, session.operator)) & set(roles.APPROVING):
            raise DeniedError(
                f"{session.operator} holds neither of the roles {', '.join(roles.APPROVING)}",
                "ask one who does",
            )
        if not team.held(connection, request.case, request.name) - {team.FILTER}:
            raise DeniedError(
                f"{request.name} does not work on case {request.case}", "give them a role first"
            )
        if exposures.may_look(connection, request.case, request.name):
            raise InputError(f"{request.name} may already", "see `holdfast exposure show`")
        said: dict[str, Json] = {"name": request.name}
        fields: dict[str, Json] = {"reason": request.reason, "viewer": said}
        return [Draft("exposure.allow", request.case, fields)]

    session.custody.decide(build)


@act("exposure.disallow", Needs.CASE)
def disallow(session: Session, request: Viewer) -> None:
    """End that somebody may look at abuse material in a case.

    Raises:
        InputError: they may not anyway.
    """

    def build(connection: Connection) -> Sequence[Draft]:
        if not exposures.may_look(connection, request.case, request.name):
            raise InputError(f"{request.name} may not anyway", "see `holdfast exposure show`")
        said: dict[str, Json] = {"name": request.name}
        fields: dict[str, Json] = {"reason": request.reason, "viewer": said}
        return [Draft("exposure.disallow", request.case, fields)]

    session.custody.decide(build)


@act("exposure.begin", Needs.AUTHORITY)
def begin(session: Session, request: OneCase) -> int:
    """Sit down to look at abuse material of a case; return the sitting's entry.

    Raises:
        DeniedError: who acts may not look at it, has reached a limit, or rests.
    """

    def build(connection: Connection) -> Sequence[Draft]:
        _check_may(connection, request.case, session.operator)
        chosen = limits(connection)
        today(connection, session.operator).check(chosen)
        return [Draft("exposure.begin", request.case, {"limits": chosen.as_json()})]

    return session.custody.decide(build)[0].index


@act("exposure.end", Needs.CASE)
def end(session: Session, request: OneCase) -> bool:
    """Stand up: the sitting ends here. Return whether one went on."""

    def build(connection: Connection) -> Sequence[Draft]:
        sitting = _open(connection, request.case, session.operator)
        if sitting is None:
            return []
        return [Draft("exposure.end", request.case, {"sitting": sitting.entry})]

    return bool(session.custody.decide(build))


@dataclass(frozen=True)
class Standing:
    """How much one has looked at, and who may in this case."""

    limits: Limits
    day: Day
    sitting: int | None
    """The entry of the sitting that goes on in this case."""
    viewers: tuple[str, ...]

    def as_json(self) -> dict[str, Json]:
        """Return what `exposure show --json` prints."""
        rests = self.day.rests_until
        return {
            "limits": self.limits.as_json(),
            "minutes": self.day.minutes,
            "rests_until": None if rests is None else clock.to_text(rests),
            "sitting": self.sitting,
            "viewers": [*self.viewers],
            "views": self.day.views,
        }


@act("exposure.show", Needs.CASE, reads=True)
def show(session: Session, request: OneCase) -> Standing:
    """Return how much who asks has looked at today, and who may look in the case."""

    def read(connection: Connection) -> Standing:
        sitting = _open(connection, request.case, session.operator)
        return Standing(
            limits(connection),
            today(connection, session.operator),
            None if sitting is None else sitting.entry,
            tuple(exposures.named(connection, request.case)),
        )

    return session.look_up(read)


def today(connection: Connection, name: str) -> Day:
    """Return how much `name` has looked at today."""
    return exposure.day(_sittings(connection, name), clock.now(), limits(connection))


def sitting(session: Session, case: str) -> Sitting:
    """Return the sitting in which who acts may take one more look.

    Raises:
        DeniedError: they may not look, sit at nothing, or have reached a limit.
    """

    def read(connection: Connection) -> Sitting:
        _check_may(connection, case, session.operator)
        today(connection, session.operator).check(limits(connection))
        found = _open(connection, case, session.operator)
        if found is None:
            raise DeniedError(
                "this is abuse material, and no sitting goes on",
                "begin one: `holdfast exposure begin`",
            )
        return found

    return session.look_up(read)


def _check_may(connection: Connection, case: str, name: str) -> None:
    if not exposures.may_look(connection, case, name):
        raise DeniedError(
            f"{name} is not named to look at abuse material in case {case}: it is not shown",
            "have a supervisor or prosecutor say so: `holdfast exposure allow`",
        )


def _open(connection: Connection, case: str, name: str) -> Sitting | None:
    now, chosen = clock.now(), limits(connection)
    of_case = [one for one in _sittings(connection, name) if one.case == case]
    return of_case[-1] if of_case and of_case[-1].open(now, chosen) else None


def _sittings(connection: Connection, name: str) -> list[Sitting]:
    """Return the person's sittings of the last two days, by time."""
    table = exposures.sittings
    since = clock.now() - 2 * 86_400_000_000
    query = select(table).where(table.c.name == name, table.c.begun >= since)
    rows = connection.execute(query.order_by(table.c.begun, table.c.entry)).all()
    return [Sitting(r.entry, r.case, r.begun, r.ended, r.views, r.last) for r in rows]
