"""Notes and the decision log: written once, never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import citing, decisions, notes, pieces
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page
from holdfast.web.said import Said

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("notes", N_("Notes and decisions"), order=750)


@PAGE.get("/cases/{case}/notes", acts=["work"])
def show(visit: Visit) -> Response:
    """Show notes and decisions, the newest first."""
    found = pieces.of_case(visit.session, pieces.Of(visit.case, "note"))
    decided = pieces.of_case(visit.session, pieces.Of(visit.case, "decision"))
    return visit.render(
        "notes.html",
        notes=[
            Said(pieces.as_json(one), cites=citing.told(one.words.get("cites", [])))
            for one in found[::-1]
        ],
        decisions=[Said(pieces.as_json(one)) for one in decided[::-1]],
        cite=visit.query.get("cite", ""),
    )


@PAGE.post("/cases/{case}/notes", acts=["note.add"])
def add(visit: Visit) -> Response:
    """Write a note."""
    cites = tuple(one.strip() for one in visit.field("cites").splitlines() if one.strip())
    notes.note(visit.session, notes.Note(visit.case, visit.field("text"), cites))
    return visit.go(f"/cases/{visit.case}/notes", gettext("The note is kept."))


@PAGE.post("/cases/{case}/decisions", acts=["decision.add"])
def decide(visit: Visit) -> Response:
    """Log a decision."""
    asked = decisions.Decision(
        visit.case, visit.field("decision"), visit.field("reasons"),
        visit.field("alternatives"), visit.field("decided_by"),
    )  # fmt: skip
    decisions.decide(visit.session, asked)
    return visit.go(f"/cases/{visit.case}/notes", gettext("The decision is logged."))
