"""The door: sign in, sign out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.errors import DeniedError
from holdfast.serving.people import COOKIE
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("sign_in", N_("Sign in"))


@PAGE.get("/sign-in", signed_in=False)
def show(visit: Visit) -> Response:
    """Show the door, or let in who has the link that the server printed when it was started."""
    link = visit.query.get("once", "")
    if not link:
        return visit.render("sign_in.html")
    secret = visit.workbench.people.admit(link)
    if secret is None:
        raise DeniedError(
            gettext("This link was used already, or is none of this server's."),
            gettext("Start `holdfast serve` again for a new one."),
        )
    answer = visit.go("/")
    visit.workbench.sign_in(answer, secret)
    return answer


@PAGE.post("/sign-out")
def leave(visit: Visit) -> Response:
    """End the session."""
    visit.workbench.people.end(visit.request.cookies.get(COOKIE, ""))
    answer = visit.go("/sign-in", gettext("You are signed out."))
    answer.delete_cookie(COOKIE, path="/")
    return answer
