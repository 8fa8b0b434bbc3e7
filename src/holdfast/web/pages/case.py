"""A case: what it is for, under which authority, until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.web.languages import N_
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("case", N_("Overview"), order=10)


@PAGE.get("/cases/{case}", acts=["case.show"])
def show(visit: Visit) -> Response:
    """Show the case and its authority."""
    return visit.render("case.html", case=visit.facts.as_json())
