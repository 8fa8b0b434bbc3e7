"""Disclosure: what of the case goes to whom, who has to decide first, and the sealed bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import disclosing
from holdfast.core.errors import InputError
from holdfast.exchange.package import ROLES
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("disclosure", N_("Disclosure"), order=85)
ADDRESS = "/cases/{case}/disclosure"
RECIPIENTS = {
    "defence": N_("The defence"),
    "court": N_("The court"),
    "partner": N_("A partner unit"),
}
_ROWS = 500


@PAGE.get(ADDRESS, acts=["bundle", "items", "privilege.list", "restricted"])
def show(visit: Visit) -> Response:
    """Show what can be handed over, and what waits for whom."""
    found = disclosing.choices(visit.session, visit.case)
    return visit.render(
        "disclosure.html",
        kept=found.kept,
        recipients=[(role, gettext(RECIPIENTS[role])) for role in ROLES],
        rows=found.rows[:_ROWS],
        total=len(found.rows),
    )


@PAGE.post(ADDRESS, acts=["bundle"])
def disclose(visit: Visit) -> Response:
    """Hand over; the browser saves the sealed bundle."""
    role = visit.field("role")
    if role not in ROLES:
        raise InputError(gettext("Say as what the recipient gets it."), gettext("Choose one."))
    asked = disclosing.Disclosure(
        visit.case,
        visit.field("recipient"),
        role,
        tuple(visit.field("sealed_to").split()),
        (*visit.fields("withhold"), *visit.field("also").split()),
        visit.field("order"),
    )
    away = disclosing.disclose(visit.session, asked)
    headers = {
        "content-disposition": f'attachment; filename="{away.name}"',
        "content-length": str(away.size),
    }
    return visit.stream(away.pieces, "application/octet-stream", headers)
