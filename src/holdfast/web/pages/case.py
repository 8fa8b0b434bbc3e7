"""A case: what it is for, under which authority, until when, who works on it and what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import cases, handover, holding, papers, teams
from holdfast.cases.case import WARN
from holdfast.core import clock
from holdfast.core.errors import InputError
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("case", N_("Overview"), order=10)


@PAGE.get("/cases/{case}", acts=["case.show"])
def show(visit: Visit) -> Response:
    """Show the case and its authority; to those who work on it, its team and what waits."""
    facts, now = visit.facts, clock.now()
    team = (
        teams.members(visit.session, cases.OneCase(visit.case))
        if visit.offered(["case.team"])
        else None
    )
    waits = handover.open_work(visit.session, visit.case) if visit.offered(["work"]) else None
    return visit.render(
        "case.html",
        case=facts.as_json(),
        documents=visit.session.look_up(lambda c: papers.of_case(c, visit.case)),
        left=facts.days_left(now),
        soon=facts.ends_soon(now, WARN),
        holds=holding.of_case(visit.session, visit.case) if visit.offered(["custody"]) else None,
        team=team,
        waits=waits,
    )


@PAGE.post("/cases/{case}/document", acts=["case.document"], largest=50_000_000)
def attach(visit: Visit) -> Response:
    """Put a document that the case stands on into it."""
    for one in visit.files("document"):
        with papers.received(one.filename or "document", one.file) as path:
            papers.attach(visit.session, papers.Paper(visit.case, path, visit.field("called")))
    return visit.go(f"/cases/{visit.case}", gettext("The document is an exhibit of the case."))


@PAGE.post("/cases/{case}/holds", acts=["hold.set"])
def hold(visit: Visit) -> Response:
    """Set a legal hold."""
    items = tuple(visit.field("items").split())
    holding.set_hold(visit.session, holding.SetHold(visit.case, visit.field("order"), items))
    return visit.go(f"/cases/{visit.case}", gettext("It is on hold: nothing of it may be erased."))


@PAGE.post("/cases/{case}/holds/{hold}/lift", acts=["hold.set"])
def lift(visit: Visit) -> Response:
    """Ask to lift a hold of this case; another person approves."""
    text = str(visit.path["hold"])
    if text not in {str(one.entry) for one in holding.of_case(visit.session, visit.case)}:
        raise InputError(gettext("There is no such hold."), gettext("Choose one of the list."))
    asked = holding.request_lift(visit.session, holding.LiftHold(int(text), visit.field("order")))
    said = gettext("Asked, as request %(number)d.") % {"number": asked.entry}
    return visit.go(f"/cases/{visit.case}", said)


@PAGE.post("/cases/{case}/close", acts=["case.close"])
def close(visit: Visit) -> Response:
    """Close the case."""
    cases.close_case(visit.session, cases.CloseCase(visit.case, visit.field("reason")))
    return visit.go(f"/cases/{visit.case}", gettext("The case is closed."))
