"""Acts on investigative questions: asked in a case, held against what it has, answered."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.acts import citing, pieces, restricting
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.asking import answer as told
from holdfast.acts.examining import by_item
from holdfast.cases import questions as sets
from holdfast.core.errors import InputError
from holdfast.examine import citations
from holdfast.vault import casework

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from holdfast.cases.questions import Question
    from holdfast.core.canonical import Json
    from holdfast.vault.casework import Piece
    from holdfast.vault.entry import Draft

KIND = "question"
OPEN, ANSWERED, UNANSWERABLE = "open", "answered", "unanswerable"
FOLDER = "HOLDFAST_QUESTIONS"
"""The environment's name for a folder with the unit's own sets, beside those that are shipped."""


def known(folder: str = "") -> list[Question]:
    """Return the questions of a folder; else those that are shipped, and the unit's own.

    Raises:
        InputError: there is no such folder, or a file in it is not in order.
    """
    if folder:
        return sets.load(Path(folder))
    own = os.environ.get(FOLDER)
    return sets.shipped() + (sets.load(Path(own)) if own else [])


@dataclass(frozen=True)
class Ask:
    """A question, and which artefacts answer it."""

    case: str
    name: str
    description: str = ""
    answers: tuple[str, ...] = ()
    set: str = ""
    code: str = ""

    @classmethod
    def of(cls, case: str, question: Question) -> Ask:
        """Return it as a set has it."""
        return cls(
            case, question.name, question.description, question.answers, question.set,
            question.code,
        )  # fmt: skip

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"code": self.code, "set": self.set}


@act("question.ask", Needs.OPEN)
def ask(session: Session, request: Ask) -> Piece:
    """Ask a question in a case; asked again from the same set, it is the one that stands there.

    Raises:
        InputError: it has no words, or names an artefact in no known form.
    """
    for one in session.look_up(lambda c: casework.pieces(c, request.case, KIND)):
        if request.code and (one.words.get("set"), one.words.get("code")) == (
            request.set, request.code,
        ):  # fmt: skip
            return one
    answers: list[Json] = [sets.check_answer(one, "the question") for one in request.answers]
    words: dict[str, Json] = {
        "answers": answers,
        "code": request.code,
        "description": pieces.fitting(request.description, "a description"),
        "name": pieces.said(request.name, "words", "--text TEXT"),
        "set": request.set,
    }
    return pieces.begin(session, "question.ask", request.case, kind=KIND, state=OPEN, words=words)


@dataclass(frozen=True)
class Answer:
    """What a question came to."""

    case: str
    question: int
    answer: str
    cites: tuple[str, ...] = ()
    unanswerable: bool = False
    """Whether it can't be answered with what there is; the answer says why."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"question": self.question, "unanswerable": self.unanswerable}


@act("question.answer", Needs.CASE)
def answer(session: Session, request: Answer) -> Piece:
    """Answer a question, or say why it can't be; a later answer takes the place of an earlier.

    Raises:
        InputError: no such question, or no words; or what it cites is not in the case.
    """
    words: dict[str, Json] = {
        "answer": pieces.said(request.answer, "an answer", "--answer TEXT"),
        "cites": citing.resolved(session, request.case, request.cites),
    }
    state = UNANSWERABLE if request.unanswerable else ANSWERED

    def settle(
        _found: Piece, _connection: Connection
    ) -> tuple[str, Mapping[str, Json], Sequence[Draft]]:
        return state, words, ()

    return pieces.go_on(
        session, "question.answer", request.case, kind=KIND, number=request.question, decide=settle
    )


def answers_of(question: Piece) -> list[dict[str, Any]]:
    """Return the answers to a question, the newest last."""
    return [
        {**one.words, "by": one.name, "entry": one.entry, "state": one.state, "time": one.time}
        for one in question.steps if one.act == "question.answer"
    ]  # fmt: skip


@dataclass(frozen=True)
class Material:
    """Of which case."""

    case: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {}


@act("question.material", Needs.AUTHORITY)
def material(session: Session, request: Material) -> Iterator[bytes]:
    """Yield a line for each question of the case: how much of what answers it the case has.

    A line has `question`, `name`, `state` and `has`: `{"answer","count"}` of each artefact. Records
    are counted, not read.
    """
    asked = session.look_up(lambda c: casework.pieces(c, request.case, KIND))
    counted = _counted(session, request.case)
    rows = (
        {
            "has": [
                {"answer": one, "count": counted.get(one, 0)}
                for one in each.words.get("answers", [])
            ],
            "name": each.words.get("name", "(erased)"),
            "question": each.number,
            "state": each.state,
        }
        for each in asked
    )
    return told(session, "question.material", request, rows)


def _counted(session: Session, case: str) -> Counter[str]:
    """Return how many records a case has of each kind, from each parser, and of each indicator."""
    items = list(by_item(session, case))
    restricting.screen(session, case)
    counted: Counter[str] = Counter()
    for (kind, parser), rows in citations.counts(session.vault.derived, items).items():
        counted[f"kind:{kind}"] += rows
        counted[f"parser:{parser}"] += rows
    for kind, rows in citations.indicators(session.vault.derived, items).items():
        counted[f"indicator:{kind}"] = rows
    return counted


def parts(answer: str) -> tuple[str, str]:
    """Return what an artefact's name says: `("kind", "mail.message")`, for a link to it."""
    sort, _, name = answer.partition(":")
    if not name:
        raise InputError(f"{answer!r} names no artefact", "kind:mail.message")
    return sort, name
