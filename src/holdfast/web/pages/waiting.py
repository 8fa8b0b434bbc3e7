"""The waiting room: acts of two people that wait for the second, passkeys that wait for a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import approving, logins
from holdfast.core.errors import InputError
from holdfast.vault import roles, team
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.acts.two_person import Asked
    from holdfast.web.visit import Visit

PAGE = Page("waiting", N_("Waiting for approval"), order=80)


@PAGE.get("/waiting")
def show(visit: Visit) -> Response:
    """Show what waits, and what this person may do about it."""
    approves = bool(visit.standing & set(roles.APPROVING))
    mine = visit.session.look_up(lambda c: team.cases_of(c, visit.person.name))
    waiting = [one for one in approving.requests(visit.session) if _concerns(one, visit, mine)]
    offers = logins.offers(visit.session) if approves else []
    return visit.render(
        "waiting.html",
        waiting=[(one, [*one.asked.items()]) for one in waiting],
        offers=[one for one in offers if one.name != visit.person.name],
        approves=approves,
    )


def _concerns(one: Asked, visit: Visit, mine: frozenset[str]) -> bool:
    name = visit.person.name
    overseer = bool(visit.standing & {*roles.APPROVING, "auditor"})
    return one.name == name or overseer or (one.case is not None and one.case in mine)


@PAGE.post("/waiting/{request}/approve", acts=["request.approve"])
def approve(visit: Visit) -> Response:
    """Approve, with one's own passkey."""
    done = approving.approve(visit.session, approving.Answer(_number(visit)))
    if done.missing:
        return visit.go("/waiting", gettext("Approved. It still waits for another person."))
    return visit.go("/waiting", gettext("Approved, and done."))


@PAGE.post("/waiting/{request}/refuse", acts=["request.refuse"])
def refuse(visit: Visit) -> Response:
    """Refuse what somebody asked."""
    approving.refuse(visit.session, approving.Answer(_number(visit), visit.field("reason")))
    return visit.go("/waiting", gettext("Refused."))


@PAGE.post("/waiting/{request}/withdraw", acts=["request.withdraw"])
def withdraw(visit: Visit) -> Response:
    """Take back what one asked oneself."""
    approving.withdraw(visit.session, approving.Answer(_number(visit), visit.field("reason")))
    return visit.go("/waiting", gettext("Taken back."))


@PAGE.post("/waiting/passkey", acts=["operator.key"])
def confirm(visit: Visit) -> Response:
    """Confirm that a passkey is the person's who is said to have made it."""
    logins.add_key(visit.session, logins.Offer(visit.field("name"), visit.field("vkey")))
    return visit.go("/waiting", gettext("The passkey counts from now on."))


def _number(visit: Visit) -> int:
    text = str(visit.path["request"])
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InputError(gettext("There is no such request."), gettext("see the list"))
    return int(text)
