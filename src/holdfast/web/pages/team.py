"""Who works on a case, in which role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import cases, teams
from holdfast.cases.access import ROLES
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("team", N_("Team"), order=800)
NAMES = {
    "lead": N_("lead"), "examiner": N_("examiner"), "supervisor": N_("supervisor"),
    "prosecutor": N_("prosecutor"), "defence": N_("defence"), "auditor": N_("auditor"),
    "trainer": N_("trainer"), "trainee": N_("trainee"),
    "filter": N_("filter"),
}  # fmt: skip
"""The roles, for the catalogues."""


@PAGE.get("/cases/{case}/team", acts=["case.team"])
def show(visit: Visit) -> Response:
    """List the team; offer to change it."""
    members = teams.members(visit.session, cases.OneCase(visit.case))
    return visit.render("team.html", members=members, roles=ROLES)


@PAGE.post("/cases/{case}/team", acts=["case.role"])
def change(visit: Visit) -> Response:
    """Give somebody a role, or take it."""
    role, takes = (visit.field("role"),), visit.field("what") == "take"
    added, removed = ((), role) if takes else (role, ())
    teams.change_team(
        visit.session, teams.ChangeTeam(visit.case, visit.field("name"), added, removed)
    )
    return visit.go(f"/cases/{visit.case}/team", gettext("The team was changed."))
