"""The first page: the cases that a person has a part in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import cases
from holdfast.cases.case import WARN
from holdfast.core import clock
from holdfast.web.languages import N_
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("home", N_("Cases"), order=10)


@PAGE.get("/")
def show(visit: Visit) -> Response:
    """List the cases, the newest first."""
    now = clock.now()
    ending = {one.id: one.days_left(now) for one in cases.expiring_cases(visit.session, WARN)}
    found = cases.list_cases(visit.session)[::-1]
    return visit.render("home.html", cases=found, ending=ending)
