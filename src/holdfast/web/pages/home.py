"""The first page: the cases that a person has a part in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import cases
from holdfast.web.languages import N_
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("home", N_("Cases"), order=10)


@PAGE.get("/")
def show(visit: Visit) -> Response:
    """List the cases, the newest first."""
    return visit.render("home.html", cases=cases.list_cases(visit.session)[::-1])
