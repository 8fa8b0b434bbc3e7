"""Tasks: what somebody is to do in the case, until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import cases, pieces, tasks, teams
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page
from holdfast.web.said import Said

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("tasks", N_("Tasks"), order=710)
STATES = {"open": N_("open"), "done": N_("done"), "dropped": N_("dropped")}


@PAGE.get("/cases/{case}/tasks", acts=["work"])
def show(visit: Visit) -> Response:
    """List the tasks, those of one state or all."""
    state = visit.query.get("state", "")
    found = pieces.of_case(visit.session, pieces.Of(visit.case, "task", state))
    return visit.render(
        "tasks.html",
        tasks=[Said(pieces.as_json(one)) for one in found],
        state=state,
        states=STATES,
        team=[one.name for one in teams.members(visit.session, cases.OneCase(visit.case))],
    )


@PAGE.post("/cases/{case}/tasks", acts=["task.add"])
def add(visit: Visit) -> Response:
    """Set a task."""
    asked = tasks.AddTask(
        visit.case, visit.field("title"), visit.field("details"), visit.field("assigned"),
        visit.field("due"),
    )  # fmt: skip
    tasks.add_task(visit.session, asked)
    return visit.go(f"/cases/{visit.case}/tasks", gettext("The task is set."))


@PAGE.get("/cases/{case}/tasks/{number:int}", acts=["work"])
def one(visit: Visit) -> Response:
    """Show one task, what was said of it, and offer to change it."""
    found = pieces.find(visit.session, visit.case, "task", visit.path["number"])
    return visit.render(
        "task.html",
        task=Said(pieces.as_json(found)),
        states=STATES,
        team=[one.name for one in teams.members(visit.session, cases.OneCase(visit.case))],
    )


@PAGE.post("/cases/{case}/tasks/{number:int}", acts=["task.change"])
def change(visit: Visit) -> Response:
    """Say anew who does it, until when, how it stands, what came of it."""
    asked = tasks.ChangeTask(
        visit.case, visit.path["number"], visit.field("title"), visit.field("details"),
        visit.field("assigned"), visit.field("due"), visit.field("state"),
        visit.field("outcome"),
    )  # fmt: skip
    tasks.change_task(visit.session, asked)
    return visit.go(f"/cases/{visit.case}/tasks", gettext("The task was changed."))
