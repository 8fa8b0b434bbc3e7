"""The door, by a provider of OpenID Connect: to it, and back.

The browser is sent by a link, not by a form: `form-action 'self'` holds for where a form's answer
leads, too. What it has to bring back travels in a cookie that is sealed, for this way alone, and
counts once. Coming back ends in a page that goes on by itself, since a cookie that is
SameSite=Strict is not sent along a way that began at another site.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from holdfast.acts import admitting, binding, trying
from holdfast.core.errors import InputError
from holdfast.serving import once
from holdfast.serving.oidc.flow import Asked, NotBelievedError
from holdfast.serving.people import SERVER
from holdfast.web import signing
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page
from holdfast.web.pages.sign_in import came
from holdfast.web.visit import NotHereError, onward

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.serving.oidc.provider import Provider
    from holdfast.vault.vault import Vault
    from holdfast.web.visit import Visit

PAGE = Page("provided", N_("Sign in"))
MINUTES = 15
"""How long a person may take at the provider."""
PLACE = "/sign-in/provider"


@PAGE.get("/sign-in/provider/{provider}", signed_in=False)
def go(visit: Visit) -> Response:
    """Send the browser to a provider, to sign in there."""
    provider = _provider(visit)
    asked = Asked(provider.settings.id, onward(visit.query.get("next", "")))
    answer = visit.go(provider.where_to(asked, _back(visit, provider)))
    with visit.workbench.desk.session(SERVER) as server:
        sealed = _sealed(server.vault, provider).seal(asked=vars(asked))
    answer.set_cookie(
        _cookie(provider), sealed, MINUTES * 60, path=PLACE, httponly=True, samesite="lax",
        secure=visit.workbench.settings.secure,
    )  # fmt: skip
    return answer


@PAGE.get("/sign-in/provider/{provider}/back", signed_in=False)
def back(visit: Visit) -> Response:
    """Let in who comes back from a provider, and is bound to an account here."""
    provider, where = _provider(visit), came(visit)
    issuer, ask = provider.settings.issuer, provider.settings.ask
    desk = visit.workbench.desk
    try:
        with desk.session(SERVER) as server:
            trying.check(server.vault.engine, "", where)
            asked = _asked(visit, server.vault, provider)
        # No vault is held while the provider is waited for.
        told = provider.came_back(asked, dict(visit.query), _back(visit, provider))
    except NotBelievedError as refused:
        with desk.session(SERVER) as server:
            binding.not_believed(server, issuer, refused.what, where)
        raise
    with desk.session(SERVER) as server:
        secret = binding.by_provider(server, told, where, ask)
    answer = visit.render("provided.html", onward=asked.onward)
    visit.workbench.sign_in(answer, secret)
    answer.delete_cookie(_cookie(provider), path=PLACE)
    return answer


def _provider(visit: Visit) -> Provider:
    found = visit.workbench.providers.find(str(visit.path["provider"]))
    if found is None:
        raise NotHereError(gettext("There is no such page."))
    return found


def _back(visit: Visit, provider: Provider) -> str:
    """Return the address that the provider has of this server: one for each provider."""
    return f"{visit.workbench.settings.url}{PLACE}/{provider.settings.id}/back"


def _cookie(provider: Provider) -> str:
    return f"holdfast-{provider.settings.id}"


def _sealed(vault: Vault, provider: Provider) -> signing.Sealed:
    return signing.Sealed(vault, f"way to {provider.settings.issuer}", MINUTES)


def _asked(visit: Visit, vault: Vault, provider: Provider) -> Asked:
    """Return what this browser asked a provider, once.

    Raises:
        NotBelievedError: it asked nothing, too long ago, or has its answer already.
    """
    asked = None
    with suppress(InputError):
        kept = visit.request.cookies.get(_cookie(provider), "")
        asked = Asked(**_sealed(vault, provider).open(kept)["asked"])
    if asked is None:
        raise NotBelievedError("this browser was not on its way there, or took too long")
    key = hashlib.sha256(asked.state.encode()).hexdigest()
    if once.claim(vault.engine, admitting.SERVER, f"oidc {key}") is not None:
        raise NotBelievedError("the answer was used already")
    return asked
