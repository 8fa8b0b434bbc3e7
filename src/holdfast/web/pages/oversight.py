"""What a supervisor has to see to: what waits, what ends, what nobody examined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import exposing, overseeing
from holdfast.core.errors import InputError
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

LIMITS = {
    "views": N_("Looks a day"),
    "minutes": N_("Minutes a day"),
    "stretch": N_("Minutes at a stretch"),
    "rest": N_("Minutes of a break"),
}
PAGE = Page("oversight", N_("Oversight"), order=30)


@PAGE.get("/oversight", acts=["oversight"])
def show(visit: Visit) -> Response:
    """Show the cases that this person supervises."""
    found = overseeing.oversight(visit.session, overseeing.Oversee())
    return visit.render(
        "oversight.html",
        found=found,
        limits=visit.session.look_up(exposing.limits).as_json(),
        names=LIMITS,
        sets="supervisor" in visit.standing,
    )


@PAGE.post("/oversight/limits", acts=["exposure.limits"])
def limit(visit: Visit) -> Response:
    """Set how much abuse material one person may look at; a supervisor of the unit does."""
    given = {name: visit.field(name) for name in LIMITS}
    if any(not (one.isascii() and one.isdigit() and len(one) < 8) for one in given.values()):
        raise InputError(gettext("A limit is a number."), gettext("Correct it."))
    views, minutes, stretch, rest = (int(given[name]) for name in LIMITS)
    exposing.set_limits(visit.session, exposing.SetLimits(views, minutes, stretch, rest))
    return visit.go("/oversight", gettext("The limits are in force."))
