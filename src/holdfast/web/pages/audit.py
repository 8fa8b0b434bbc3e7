"""What an auditor sees: who read, what left, what was refused; nothing of what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import auditing
from holdfast.web.languages import N_
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("audit", N_("Audit"), order=40)


@PAGE.get("/audit", acts=["audit"])
def show(visit: Visit) -> Response:
    """Show the log's statistics to who is an auditor; each time is an entry."""
    names = ("from", "to", "by", "of")
    asked = {name: visit.query.get(name, "").strip() for name in names}
    found = None
    if auditing.may(visit.session):
        found = auditing.audit(
            visit.session,
            auditing.Audit(asked["from"], asked["to"], asked["by"], asked["of"]),
        )
    return visit.render("audit.html", found=found, asked=asked)
