"""What all pieces of work have in common: how one is begun, gone on with, and listed.

A note, a decision, a task, a question, an entity, a finding, a hand-over of the case: each is
begun by an entry that gives it the next number of its kind, and every later entry names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.acts.act import Needs, Session, act
from holdfast.core.errors import InputError
from holdfast.vault import casework
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json
    from holdfast.vault.casework import Piece

LONGEST = 20_000
"""Characters of one text."""
KINDS = ("decision", "handover", "note", "question", "task")
"""Pieces that everybody on the case may read as they are."""


@dataclass(frozen=True)
class Of:
    """Which pieces of a case."""

    case: str
    kind: str
    state: str = ""
    """Those that stand so; all, if left out."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"kind": self.kind, "state": self.state}


@act("work", Needs.CASE, reads=True)
def of_case(session: Session, request: Of) -> list[Piece]:
    """Return the notes, decisions, tasks, questions or hand-overs of a case, by number.

    Raises:
        InputError: no such kind.
    """
    if request.kind not in KINDS:
        raise InputError(f"{request.kind!r} is no such kind", f"choose from {', '.join(KINDS)}")
    found = session.look_up(lambda c: casework.pieces(c, request.case, request.kind))
    return [one for one in found if request.state in {"", one.state}]


def find(session: Session, case: str, kind: str, number: int) -> Piece:
    """Return one piece as it stands.

    Raises:
        InputError: the case has none of that number.
    """
    return session.look_up(lambda connection: casework.find(connection, case, kind, number))


def begin(
    session: Session, name: str, case: str, *, kind: str, state: str, words: Mapping[str, Json]
) -> Piece:
    """Enter a piece of work under the next number of its kind; return it."""
    number = 0

    def build(connection: Connection) -> Sequence[Draft]:
        nonlocal number
        number = casework.next_number(connection, case, kind)
        return [Draft(name, case, {**words, "work": _about(kind, number, state)})]

    session.custody.decide(build)
    return find(session, case, kind, number)


def go_on(
    session: Session,
    name: str,
    case: str,
    *,
    kind: str,
    number: int,
    decide: Callable[[Piece, Connection], tuple[str, Mapping[str, Json], Sequence[Draft]]],
) -> Piece:
    """Enter what is done with a piece, decided at the entry's very position; return the piece.

    `decide` is given the piece and returns how it stands then, what is said, and further entries
    of the same act, or raises.

    Raises:
        InputError: the case has none of that number.
    """

    def build(connection: Connection) -> Sequence[Draft]:
        piece = casework.find(connection, case, kind, number)
        state, words, more = decide(piece, connection)
        return [Draft(name, case, {**words, "work": _about(kind, number, state)}), *more]

    session.custody.decide(build)
    return find(session, case, kind, number)


def said(text: str, what: str, option: str) -> str:
    """Return a text without blanks around it.

    Raises:
        InputError: it is empty, or longer than an entry of the log should be.
    """
    given = text.strip()
    if not given:
        raise InputError(f"that needs {what}", f"say it: {option}")
    return fitting(given, what)


def fitting(text: str, what: str) -> str:
    """Return a text that may be empty, without blanks around it.

    Raises:
        InputError: it is longer than an entry of the log should be.
    """
    given = text.strip()
    if len(given) > LONGEST or "\0" in given:
        raise InputError(
            f"{what} can have {LONGEST} characters, and no NUL", "collect a longer one as an item"
        )
    return given


def _about(kind: str, number: int, state: str) -> dict[str, Json]:
    return {"kind": kind, "number": number, "state": state}


def as_json(piece: Piece) -> dict[str, Any]:
    """Return a piece as `--json` prints it."""
    return piece.as_json()
