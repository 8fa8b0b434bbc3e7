"""Acts on cases: open, show, list, close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.cases import case as cases
from holdfast.cases.case import Case, normal_scope
from holdfast.core import clock
from holdfast.core.errors import InputError
from holdfast.vault import entry, roles, team
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyrage
    from sqlalchemy import Connection

    from holdfast.core.canonical import Json

YEAR = 365 * 86_400_000_000
LAST = clock.end_of("9999-12-31")


@dataclass(frozen=True)
class OpenCase:
    """A new case and its authority."""

    title: str
    basis: str
    authority: str
    until: str
    start: str = ""
    scope: tuple[str, ...] = ()
    purpose: str = ""
    lead: str = ""
    review: str = ""
    """When to decide whether the case is still needed; a year after `until`, if left out."""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"authority": self.authority, "basis": self.basis, "title": self.title}


@act("case.open", Needs.NOTHING)
def open_case(session: Session, request: OpenCase) -> Case:
    """Open a case; its number is the next of the year.

    Raises:
        InputError: something that a case must name is missing, or its times don't fit.
    """
    for what in ("title", "basis", "authority"):
        if not getattr(request, what).strip():
            raise InputError(f"a case needs a {what}", f"name it: --{what} TEXT")
    now = clock.now()
    start = clock.from_text(request.start) if request.start else now
    until = clock.end_of(request.until)
    if until < start:
        raise InputError(
            f"the authority would end ({clock.to_text(until)}) before it begins "
            f"({clock.to_text(start)})",
            "check --from and --until",
        )
    review = clock.end_of(request.review) if request.review else min(until + YEAR, LAST)
    if review < start:
        raise InputError(
            f"the review ({clock.to_text(review)}) would be before the authority begins",
            "check --review and --from",
        )
    scope: list[Json] = [normal_scope(one) for one in request.scope]
    opened = ""

    def build(connection: Connection) -> Sequence[Draft]:
        nonlocal opened
        opened = cases.next_id(connection, now)
        opening: dict[str, Json] = {
            "authority": request.authority,
            "basis": request.basis,
            "purpose": request.purpose,
            "review": clock.to_text(review),
            "valid_from": clock.to_text(start),
            "valid_until": clock.to_text(until),
        }
        # A try that lost its race may have made this case's keys; a later case then uses them.
        session.vault.keyring.add_case(opened, sealed=session.vault.config.sealed)
        if session.vault.config.sealed:
            identity: pyrage.x25519.Identity = session.vault.keyring.identity(opened)
            opening["recipient"] = str(identity.to_public())
        lead: Json = request.lead or session.operator
        fields: dict[str, Json] = {
            "lead": lead,
            "opening": opening,
            "scope": scope,
            "title": request.title,
        }
        opens = entry.opening(opened, session.vault.keyring.chain(opened))
        drafts = [Draft("case.open", opened, fields, opens)]
        other = request.lead not in {"", session.operator}
        if other and roles.known(connection, request.lead):
            change: dict[str, Json] = {"added": [team.LEAD], "name": request.lead, "removed": []}
            drafts.append(Draft("case.role", opened, {"change": change}))
        return drafts

    session.custody.decide(build)
    return session.look_up(lambda connection: cases.find(connection, opened))


@dataclass(frozen=True)
class OneCase:
    """Which case."""

    case: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {}


@act("case.show", Needs.CASE, reads=True)
def show_case(session: Session, request: OneCase) -> Case:
    """Return the case."""
    return session.look_up(lambda connection: cases.find(connection, request.case))


def list_cases(session: Session) -> list[Case]:
    """Return the cases that the operator may know of, oldest first."""
    session.vault.current()
    return session.look_up(lambda c: _visible(session, c, cases.every(c)))


def due_cases(session: Session) -> list[Case]:
    """Return those whose review date has passed. Nothing is deleted: a person decides."""
    session.vault.current()
    return session.look_up(lambda c: _visible(session, c, cases.due(c, clock.now())))


def expiring_cases(session: Session, days: int) -> list[Case]:
    """Return the open cases whose authority ends within `days`, or has ended: the first first.

    Raises:
        InputError: no such number of days.
    """
    if not 0 <= days <= 36_500:
        raise InputError(f"{days} is no number of days to look ahead", "give 0 to 36500")
    session.vault.current()
    now = clock.now()
    some = session.look_up(lambda c: _visible(session, c, cases.every(c)))
    soon = [one for one in some if one.ends_soon(now, days)]
    return sorted(soon, key=lambda one: (one.authority.valid_until, one.id))


@dataclass(frozen=True)
class ListCases:
    """Which of the cases that the operator may know of."""

    due: bool = False
    """Only those whose review date has passed."""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"due": self.due}


@act("case.list", Needs.NOTHING, reads=True)
def some_cases(session: Session, request: ListCases) -> list[Case]:
    """Return the cases that the operator may know of, oldest first; or those due for review."""
    some = due_cases(session) if request.due else list_cases(session)
    lent = None if session.limits is None else session.limits.cases
    return [one for one in some if not lent or one.id in lent]


OVERSEEING = frozenset({"supervisor", "auditor"})
"""Roles in the unit that show which cases there are, not what they hold."""


def _visible(session: Session, connection: Connection, some: list[Case]) -> list[Case]:
    if OVERSEEING & set(roles.held(connection, session.operator)):
        return some
    mine = team.cases_of(connection, session.operator)
    return [one for one in some if one.id in mine]


@dataclass(frozen=True)
class CloseCase:
    """Which case, and why it ends."""

    case: str
    reason: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"reason": self.reason}


@act("case.close", Needs.OPEN)
def close_case(session: Session, request: CloseCase) -> Case:
    """Close the case: nothing is collected or examined in it any more.

    Raises:
        DeniedError: it is closed already.
    """

    def build(connection: Connection) -> Sequence[Draft]:
        cases.find(connection, request.case).check_open()
        return [Draft("case.close", request.case, {"reason": request.reason})]

    session.custody.decide(build)
    return session.look_up(lambda connection: cases.find(connection, request.case))
