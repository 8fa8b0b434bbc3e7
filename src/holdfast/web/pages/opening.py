"""Opening a case: nothing is done in it before an authority is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import cases, papers
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("opening", N_("Open a case"), order=20)


@PAGE.get("/open-case", acts=["case.open"])
def ask(visit: Visit) -> Response:
    """Ask for what a case must name."""
    return visit.render("opening.html")


@PAGE.post("/open-case", acts=["case.open", "case.document"], largest=50_000_000)
def open_(visit: Visit) -> Response:
    """Open the case; put the order's own document into it, where one was given."""
    opened = cases.open_case(
        visit.session,
        cases.OpenCase(
            visit.field("title"),
            visit.field("basis"),
            visit.field("authority"),
            visit.field("until"),
            visit.field("start"),
            tuple(one.strip() for one in visit.field("scope").splitlines() if one.strip()),
            visit.field("purpose"),
            "",
            visit.field("review"),
        ),
    )
    for one in visit.files("document"):
        with papers.received(one.filename or "document", one.file) as path:
            papers.attach(visit.session, papers.Paper(opened.id, path, visit.field("called")))
    return visit.go(f"/cases/{opened.id}", gettext("The case is open."))
