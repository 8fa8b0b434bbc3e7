"""Who can sign in here, and who they are at providers: for who may approve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import binding, logins
from holdfast.core.errors import DeniedError
from holdfast.vault import roles
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("accounts", N_("Accounts"))


@PAGE.get("/accounts")
def show(visit: Visit) -> Response:
    """Show who can sign in, and how."""
    if not visit.standing & set(roles.APPROVING):
        raise DeniedError(
            gettext("This page is for supervisors and prosecutors of the unit."),
            gettext("Your own account is on the page of that name."),
        )
    names = {one.settings.issuer: one.settings.name for one in visit.workbench.providers.every}
    found = logins.known(visit.session)
    return visit.render("accounts.html", found=found, providers=names)


@PAGE.post("/accounts/bind", acts=["account.bind"])
def bind(visit: Visit) -> Response:
    """Say who somebody is at a provider."""
    request = binding.Bind(visit.field("name"), visit.field("issuer"), visit.field("subject"))
    binding.bind(visit.session, request)
    return visit.go("/accounts", gettext("Bound. They can sign in by the provider."))


@PAGE.post("/accounts/unbind", acts=["account.unbind"])
def unbind(visit: Visit) -> Response:
    """Let somebody at a provider in no more."""
    request = binding.Unbind(visit.field("issuer"), visit.field("subject"), visit.field("reason"))
    binding.unbind(visit.session, request)
    return visit.go("/accounts", gettext("Unbound, and signed out where they came by it."))
