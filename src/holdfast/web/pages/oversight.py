"""What a supervisor has to see to: what waits, what ends, what nobody examined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import overseeing
from holdfast.web.languages import N_
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("oversight", N_("Oversight"), order=30)


@PAGE.get("/oversight", acts=["oversight"])
def show(visit: Visit) -> Response:
    """Show the cases that this person supervises."""
    found = overseeing.oversight(visit.session, overseeing.Oversee())
    return visit.render("oversight.html", found=found)
