"""Investigative questions: what is asked, what answers it, what the case has of that."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from holdfast.acts import citing, pieces, questions
from holdfast.core import registry
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page
from holdfast.web.said import Said

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.vault.casework import Piece
    from holdfast.web.visit import Visit

PAGE = Page("questions", N_("Questions"), order=700)
WORDS = (N_("open"), N_("answered"), N_("unanswerable"))


@PAGE.get("/cases/{case}/questions", acts=["work"])
def show(visit: Visit) -> Response:
    """List the case's questions; with `?count=1`, what the case has of their answers."""
    asked = pieces.of_case(visit.session, pieces.Of(visit.case, "question"))
    counted = _counted(visit) if visit.query.get("count") else None
    sets: dict[str, int] = {}
    for known in questions.known():
        sets[known.set] = sets.get(known.set, 0) + 1
    return visit.render(
        "questions.html",
        questions=[_told(visit, one, counted) for one in asked],
        counted=counted is not None,
        sets=sets,
    )


@PAGE.post("/cases/{case}/questions", acts=["question.ask"])
def ask(visit: Visit) -> Response:
    """Ask the questions of a set, or one of one's own."""
    chosen = visit.field("set")
    if chosen:
        for one in questions.known():
            if one.set == chosen:
                questions.ask(visit.session, questions.Ask.of(visit.case, one))
    else:
        answers = tuple(visit.field("answers").replace(",", " ").split())
        questions.ask(visit.session, questions.Ask(visit.case, visit.field("text"), "", answers))
    return visit.go(f"/cases/{visit.case}/questions", gettext("It is asked."))


@PAGE.get("/cases/{case}/questions/{number:int}", acts=["work"])
def one(visit: Visit) -> Response:
    """Show a question and its answers."""
    found = pieces.find(visit.session, visit.case, "question", visit.path["number"])
    return visit.render("question.html", question=_told(visit, found, None))


@PAGE.post("/cases/{case}/questions/{number:int}", acts=["question.answer"])
def answer(visit: Visit) -> Response:
    """Answer a question, or say why it can't be."""
    cites = tuple(one.strip() for one in visit.field("cites").splitlines() if one.strip())
    questions.answer(
        visit.session,
        questions.Answer(
            visit.case, visit.path["number"], visit.field("answer"), cites,
            bool(visit.field("unanswerable")),
        ),
    )  # fmt: skip
    return visit.go(f"/cases/{visit.case}/questions", gettext("The answer is entered."))


def _counted(visit: Visit) -> dict[int, dict[str, int]]:
    rows = questions.material(visit.session, questions.Material(visit.case))
    return {
        row["question"]: {one["answer"]: one["count"] for one in row["has"]}
        for row in map(orjson.loads, rows)
    }


def _told(visit: Visit, piece: Piece, counted: dict[int, dict[str, int]] | None) -> Said:
    has = (counted or {}).get(piece.number, {})
    answers = piece.words.get("answers", [])
    return Said(
        pieces.as_json(piece),
        material=[(one, has.get(one), _where(visit, one)) for one in answers],
        answers=[
            Said(one, cites=citing.told(one.get("cites", [])))
            for one in questions.answers_of(piece)
        ],
    )


def _where(visit: Visit, artefact: str) -> str:
    """Return where such records are shown; nothing where no page shows them."""
    sort, name = questions.parts(artefact)
    page = {"indicator": "indicators", "kind": "timeline"}.get(sort, "")
    return f"/cases/{quote(visit.case)}/{page}?kind={quote(name)}" if page in _pages() else ""


@cache
def _pages() -> frozenset[str]:
    return frozenset(module.PAGE.name for module in registry.modules("holdfast.web.pages"))
