"""Legal privilege: what was set apart, and how far the filter team is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import cases, privilege
from holdfast.core.errors import InputError
from holdfast.vault import quarantines
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("privilege", N_("Legal privilege"), order=760)
OUTCOMES = {quarantines.RELEASE: N_("released"), quarantines.KEEP: N_("kept out")}


@PAGE.get("/cases/{case}/privilege", acts=["privilege.list"])
def show(visit: Visit) -> Response:
    """List what is set apart; offer to set more apart, and the filter team to decide."""
    found = privilege.listed(visit.session, cases.OneCase(visit.case))
    return visit.render("privilege.html", found=found, outcomes=OUTCOMES)


@PAGE.post("/cases/{case}/privilege", acts=["privilege.set"])
def set_apart(visit: Visit) -> Response:
    """Set exhibits or terms apart."""
    items, terms = (
        tuple(line.strip() for line in visit.field(name).splitlines() if line.strip())
        for name in ("items", "terms")
    )
    privilege.set_apart(
        visit.session, privilege.SetApart(visit.case, visit.field("reason"), items, terms)
    )
    return visit.go(f"/cases/{visit.case}/privilege", gettext("It is set apart."))


@PAGE.post("/cases/{case}/privilege/rule", acts=["privilege.rule"])
def rule(visit: Visit) -> Response:
    """Enter what the filter team decided of a whole quarantine."""
    number = visit.field("quarantine")
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise InputError(
            gettext("There is no such quarantine."), gettext("Choose one of the list.")
        )
    privilege.rule(
        visit.session,
        privilege.Rule(visit.case, int(number), visit.field("outcome"), visit.field("reason")),
    )
    return visit.go(f"/cases/{visit.case}/privilege", gettext("It was entered."))
