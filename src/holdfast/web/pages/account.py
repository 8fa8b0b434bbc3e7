"""One's own account: password, one-time codes, passkeys, sessions and tokens."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from holdfast.acts import admitting, knowing, logins
from holdfast.core import clock
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import webauthn
from holdfast.web import signing
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("account", N_("Account"))


@PAGE.get("/account")
def show(visit: Visit) -> Response:
    """Show how one signs in, where one is signed in, and what programs may do for one."""
    name, session = visit.person.name, visit.session
    held = admitting.in_force(session, name)
    mine = visit.person.signer
    here = mine.verifier.key_id.hex() if mine is not None else ""
    return visit.render(
        "account.html",
        account=knowing.account(session.vault.engine, name),
        passkeys=[one.key_id.hex() for one in logins.passkeys_of(session, name, host(visit))],
        offers=[one.vkey.split("+")[1] for one in logins.offers(session) if one.name == name],
        sessions=[one for one in held if one.kind == "session"],
        tokens=[one for one in held if one.kind == "token"],
        here=here,
    )


def host(visit: Visit) -> str:
    """Return the relying party of passkeys here."""
    return signing.host(visit)


@PAGE.post("/account/password", acts=["account.set"])
def password(visit: Visit) -> Response:
    """Change the password, by who knows the present one."""
    account = _checked(visit)
    logins.set_account(
        visit.session, logins.SetAccount(account.name, password=visit.field("new") or " ")
    )
    return visit.go("/account", gettext("The password is changed."))


def _checked(visit: Visit) -> knowing.Account:
    """Return one's account after the present password was given.

    Raises:
        DeniedError: it is wrong, or there is none.
    """
    account = knowing.account(visit.session.vault.engine, visit.person.name)
    if account is None or not knowing.password_fits(account, visit.field("password")):
        raise DeniedError(
            gettext("That is not your present password."), gettext("go back and try again")
        )
    return account


@PAGE.post("/account/codes", acts=["account.set"])
def codes(visit: Visit) -> Response:
    """Have one-time codes asked: show a new secret, then hold it to a first code."""
    name, vault = visit.person.name, visit.session.vault
    sealed = signing.Sealed(vault, f"codes {name}")
    if not visit.field("kept"):
        _checked(visit)
        secret, _ = knowing.new_totp(visit.session, name)
        kept = sealed.seal(secret=secret.hex())
    else:
        kept = visit.field("kept")
        secret = bytes.fromhex(sealed.open(kept)["secret"])
        if knowing.code_of(secret, visit.field("code"), -1) is not None:
            text = knowing.seal_totp(visit.session, name, secret)
            logins.set_account(visit.session, logins.SetAccount(name, totp=text))
            return visit.go("/account", gettext("You are asked for a one-time code from now on."))
    return visit.render(
        "account_codes.html",
        secret=knowing.text(secret),
        uri=knowing.uri(secret, name, vault.log.origin),
        kept=kept,
        wrong=bool(visit.field("kept")),
    )


@PAGE.post("/account/passkey", acts=["account.passkey"])
def passkey(visit: Visit) -> Response:
    """Make a passkey for this workbench; a further one is signed by one that counts already."""
    name, session, rp = visit.person.name, visit.session, host(visit)
    sealed = signing.Sealed(session.vault, f"passkey {name}")
    if not visit.field("attestation"):
        challenge = os.urandom(32)
        return visit.render(
            "account_passkey.html",
            rp=rp,
            challenge=signing.text(challenge),
            user=signing.text(os.urandom(32)),
            kinds=" ".join(map(str, webauthn.ALGORITHMS)),
            kept=sealed.seal(challenge=challenge.hex()),
        )
    challenge = bytes.fromhex(sealed.open(visit.field("kept"))["challenge"])
    client, attestation = signing.part(visit, "client"), signing.part(visit, "attestation")
    key, copies = webauthn.enrolled(name.replace(" ", "_"), rp, challenge, client, attestation)
    logins.offer(session, logins.Offer(name, str(key)))
    said = gettext("The passkey %(key)s waits for another person's word that it is yours.")
    if copies:
        said += " " + gettext("It can be copied to other devices of yours.")
    return visit.go("/account", said % {"key": key.key_id.hex()})


@PAGE.post("/account/passkey/end", acts=["operator.drop"])
def drop(visit: Visit) -> Response:
    """End a passkey of one's own, signed by a passkey of one's own."""
    request = logins.DropKey(visit.person.name, visit.field("key"), visit.field("reason"))
    logins.drop_key(visit.session, request)
    return visit.go("/account", gettext("That passkey counts no more."))


@PAGE.post("/account/end")
def end(visit: Visit) -> Response:
    """End a session or a token of one's own."""
    key = visit.field("key")
    own = admitting.in_force(visit.session, visit.person.name)
    if not any(one.key_id == key for one in own):
        raise InputError(gettext("There is no such session or token of yours."), gettext("reload"))
    admitting.end(visit.session, key, "ended by its person")
    return visit.go("/account", gettext("Ended."))


@PAGE.post("/account/token", acts=["token.add"])
def token(visit: Visit) -> Response:
    """Make a token for a program, signed by one's own passkey; show it once."""
    days = visit.field("days") or "30"
    if not (days.isascii() and days.isdigit() and len(days) < 5):
        raise InputError(gettext("days is a number"), gettext("go back and correct it"))
    request = logins.NewToken(
        visit.field("label"),
        int(days),
        tuple(visit.field("cases").split()),
        tuple(visit.field("acts").split()),
    )
    begun = logins.check_token(visit.session, request)
    sealed = signing.Sealed(visit.session.vault, f"token {visit.person.name}")
    kept = visit.field("kept")
    if kept:
        begun = begun.again(sealed.open(kept))
    elif visit.form_data is not None:
        # The key that is signed for must be the one that is made: it travels with the question.
        visit.keep("kept", sealed.seal(**begun.secrets()))
    secret = logins.lend_token(visit.session, begun)
    until = clock.to_text(begun.until())
    return visit.render("account_token.html", secret=secret, label=begun.label, until=until)
