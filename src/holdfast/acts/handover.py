"""Acts on handing a case over to another officer: one gives it, the other accepts it.

The entry that gives lists what is open at that moment; the case has its new lead from the entry
that accepts, and not before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts import pieces, two_person
from holdfast.acts.act import Needs, Session, act
from holdfast.cases import access
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import casework, team
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json
    from holdfast.vault.casework import Piece

KIND = "handover"
WAITING, ACCEPTED, DECLINED, RECALLED = "waiting", "accepted", "declined", "recalled"
_OPEN = {"task": {"open"}, "question": {"open"}, "finding": {"draft", "returned"}}
"""What is open, by kind of piece: its states that say so."""


@dataclass(frozen=True)
class GiveCase:
    """To whom a case goes over, and what they must know."""

    case: str
    to: str
    remarks: str = ""
    stays: bool = False
    """Whether the one who gives it stays a lead, too."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"stays": self.stays, "to": self.to}


@act("handover.give", Needs.OPEN)
def give_case(session: Session, request: GiveCase) -> Piece:
    """Give the case to another officer, with a list of what is open: it is theirs once accepted.

    Raises:
        InputError: that person has no role in the case, is the one who gives, or it was given
            already and nobody has answered yet.
    """
    if request.to == session.operator:
        raise InputError("a case is handed over to somebody else", "name them: --to NAME")
    if request.to not in takers(session, request.case):
        raise InputError(
            f"{request.to} has no role in case {request.case} that could take it over",
            f"give one: `holdfast case role {request.to} --case {request.case} --add examiner`",
        )
    before = session.look_up(lambda connection: casework.pieces(connection, request.case, KIND))
    for one in before:
        if one.state == WAITING:
            raise InputError(
                f"hand-over {one.number} to {one.words.get('to')} waits for an answer",
                "have it accepted or declined, or recall it",
            )
    words: dict[str, Json] = {
        "open": open_work(session, request.case),
        "remarks": pieces.fitting(request.remarks, "remarks"),
        "stays": request.stays,
        "to": request.to,
    }
    return pieces.begin(
        session, "handover.give", request.case, kind=KIND, state=WAITING, words=words
    )


def takers(session: Session, case: str) -> list[str]:
    """Return to whom a case can be handed over, by name: those who may answer, but oneself."""
    enough = access.ALLOWED["handover.settle"]
    held = session.look_up(lambda connection: team.of(connection, case))
    return sorted({name for name, role, _ in held if role in enough} - {session.operator})


def open_work(session: Session, case: str) -> list[Json]:
    """Return what is open in a case: tasks, questions, findings without review, requests."""

    def read(connection: Connection) -> list[Json]:
        found: list[Json] = [
            {"kind": kind, "number": one.number, "state": one.state}
            for kind, states in _OPEN.items()
            for one in casework.pieces(connection, case, kind)
            if one.state in states
        ]
        found += [
            {"kind": "request", "number": asked.entry, "state": asked.kind}
            for asked in two_person.waiting(session, connection)
            if asked.case == case
        ]
        return found

    return session.look_up(read)


@dataclass(frozen=True)
class SettleHandover:
    """What becomes of a hand-over."""

    case: str
    handover: int
    outcome: str
    """`accepted`, `declined` (by the one it goes to) or `recalled` (by the one who gave it)."""
    remarks: str = ""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"handover": self.handover, "outcome": self.outcome}


@act("handover.settle", Needs.CASE)
def settle(session: Session, request: SettleHandover) -> Piece:
    """Accept a case that was handed over, decline it, or recall it.

    Who accepts leads the case from then on, and who gave it leads it no longer.

    Raises:
        InputError: no such hand-over or outcome; declined without remarks.
        DeniedError: it is another's to say, or it was answered before.
    """
    remarks = pieces.fitting(request.remarks, "remarks")
    if request.outcome not in {ACCEPTED, DECLINED, RECALLED}:
        raise InputError(f"{request.outcome!r} is no answer", "accept, decline or recall it")
    if request.outcome == DECLINED and not remarks:
        raise InputError("to decline a case needs a reason", "say why: --remarks TEXT")

    def answer(
        found: Piece, connection: Connection
    ) -> tuple[str, Mapping[str, Json], Sequence[Draft]]:
        giver, taker = found.begun.name, str(found.words.get("to", ""))
        who = giver if request.outcome == RECALLED else taker
        if session.operator != who:
            raise DeniedError(
                f"hand-over {found.number} is for {who} to have {request.outcome}", "ask them"
            )
        if found.state != WAITING:
            raise DeniedError(
                f"hand-over {found.number} was {found.state} already", "give the case anew"
            )
        more = []
        if request.outcome == ACCEPTED:
            more = _leads(connection, request.case, giver, taker, stays=bool(found.words["stays"]))
        return request.outcome, {"remarks": remarks}, more

    return pieces.go_on(
        session, "handover.settle", request.case, kind=KIND, number=request.handover, decide=answer
    )


def _leads(
    connection: Connection, case: str, giver: str, taker: str, *, stays: bool
) -> list[Draft]:
    changes: list[tuple[str, list[Json], list[Json]]] = []
    if team.LEAD not in team.held(connection, case, taker):
        changes.append((taker, [team.LEAD], []))
    if not stays and team.LEAD in team.held(connection, case, giver):
        changes.append((giver, [], [team.LEAD]))
    return [
        Draft(
            "case.role", case, {"change": {"added": added, "name": name, "removed": removed}}
        )
        for name, added, removed in changes
    ]  # fmt: skip
