"""The hand-over of the case from one officer to another, by two entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import handover, pieces
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page
from holdfast.web.said import Said

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("handovers", N_("Hand-over of the case"), order=810)
PAGES = {"finding": "findings", "question": "questions", "task": "tasks"}
"""Where each kind of what is open is shown."""
WORDS = (N_("waiting"), N_("accepted"), N_("declined"), N_("recalled"))


@PAGE.get("/cases/{case}/handovers", acts=["work"])
def show(visit: Visit) -> Response:
    """Show what is open, and the hand-overs so far."""
    found = pieces.of_case(visit.session, pieces.Of(visit.case, handover.KIND))
    return visit.render(
        "handovers.html",
        handovers=[Said(pieces.as_json(one)) for one in found[::-1]],
        open=handover.open_work(visit.session, visit.case),
        team=handover.takers(visit.session, visit.case),
        pages=PAGES,
    )


@PAGE.post("/cases/{case}/handovers", acts=["handover.give"])
def give(visit: Visit) -> Response:
    """Give the case to somebody."""
    asked = handover.GiveCase(
        visit.case, visit.field("to"), visit.field("remarks"), bool(visit.field("stays"))
    )
    handover.give_case(visit.session, asked)
    return _back(visit, gettext("It is theirs as soon as they accept it."))


@PAGE.post("/cases/{case}/handovers/{number:int}", acts=["handover.settle"])
def settle(visit: Visit) -> Response:
    """Accept, decline or recall it."""
    asked = handover.SettleHandover(
        visit.case, visit.path["number"], visit.field("outcome"), visit.field("remarks")
    )
    handover.settle(visit.session, asked)
    return _back(visit, gettext("The answer is entered."))


def _back(visit: Visit, said: str) -> Response:
    return visit.go(f"/cases/{visit.case}/handovers", said)
