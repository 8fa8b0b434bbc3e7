"""The door: sign in by password and code, by a passkey, by the unit's provider; sign out."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from holdfast.acts import admitting, logins, trying
from holdfast.acts.act import Session
from holdfast.acts.binding import HOW
from holdfast.acts.trying import Came
from holdfast.core import clock
from holdfast.core.errors import DeniedError
from holdfast.serving.people import COOKIE, SERVER
from holdfast.vault import delegates
from holdfast.vault.passkey import Passkey
from holdfast.vault.signing import BrowserSigner, Prepared, UnaskedError, UnsignedError
from holdfast.web import signing
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page
from holdfast.web.visit import onward

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.vault.webauthn import Assertion
    from holdfast.web.visit import Visit

PAGE = Page("sign_in", N_("Sign in"))


@PAGE.get("/sign-in", signed_in=False)
def show(visit: Visit) -> Response:
    """Show the door, or let in who has the link that the server printed when it was started."""
    link = visit.query.get("once", "")
    if not link:
        return _door(visit, visit.query.get("next", ""))
    secret = visit.workbench.people.admit(link, came(visit))
    if secret is None:
        raise DeniedError(
            gettext("This link was used already, or is none of this server's."),
            gettext("Start `holdfast serve` again for a new one."),
        )
    return _in(visit, secret)


@PAGE.post("/sign-in", signed_in=False)
def enter(visit: Visit) -> Response:
    """Let in who knows a password, and a one-time code where one is asked."""
    name, password, code = (visit.field(one) for one in ("name", "password", "code"))
    try:
        secret = visit.workbench.people.by_password(name, password, code, came(visit))
    except DeniedError as error:
        return _door(visit, visit.field("next"), f"{error.what}; {error.remedy}")
    return _in(visit, secret)


def _door(visit: Visit, after: str, why: str = "") -> Response:
    known = [one.settings for one in visit.workbench.providers.every]
    code = 403 if why else 200
    return visit.render("sign_in.html", code, next=after, why=why, providers=known)


@PAGE.post("/sign-in/passkey", signed_in=False)
def by_passkey(visit: Visit) -> Response:
    """Ask for a passkey over the very entry that begins the session; let in who signed it."""
    name, where = visit.field("name")[:100], came(visit)
    with visit.workbench.desk.session(SERVER) as server:
        vault = server.vault
        trying.check(vault.engine, name, where)
        keys = logins.passkeys_of(server, name, signing.host(visit))
        # Who asks in a name that is nobody's is asked for a passkey all the same.
        named = visit.field(signing.WHICH)
        key = next((one for one in keys if one.key_id.hex() == named), None)
        key = key or (keys[0] if keys else _of_nobody(vault.keyring.web(), name, visit))
        sealed = signing.Sealed(vault, f"sign-in {name} {key.key_id.hex()}")
        answer = signing.read_answer(visit)
        if answer is None:
            private, prepared = Ed25519PrivateKey.generate(), Prepared(os.urandom(32), clock.now())
        else:
            facts = sealed.open(visit.field(signing.SEALED))
            private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(facts["key"]))
            prepared = Prepared(bytes.fromhex(facts["seed"]), int(facts["time"]))
        begun = admitting.Begun(name, private=private)
        try:
            secret = _begin(server, begun, (key, prepared, answer), where, known=bool(keys))
        except UnaskedError as asked:
            blob = sealed.seal(
                seed=prepared.seed.hex(), time=prepared.time, key=private.private_bytes_raw().hex()
            )
            title = gettext("Sign in")
            return signing.ask(visit, title, keys=keys or [key], key=key, asked=asked, blob=blob)
        except UnsignedError as refused:
            who = name if keys else None
            trying.failed(server, who, name, where, how="passkey", why=refused.what[:200])
            raise DeniedError(
                gettext("that name and passkey don't belong together"), gettext("try again")
            ) from None
    return _in(visit, secret)


def _begin(
    server: Session,
    begun: admitting.Begun,
    signed: tuple[Passkey, Prepared, Assertion | None],
    where: Came,
    *,
    known: bool,
) -> str:
    key, prepared, answer = signed
    vault = server.vault
    signer = BrowserSigner(key, prepared, answer)
    if not known:
        signer.attest(os.urandom(32), (), 0)
    own = Session(vault, begun.name, signer=signer, served=delegates.WEB + begun.name)
    with clock.held(prepared.time):
        own.custody.decide(lambda connection: [begun.draft(connection, "passkey", where)])
        secret = begun.keep(vault.engine, "passkey", where)
    trying.cleared(vault.engine, begun.name, where)
    return secret


def _of_nobody(key: bytes, name: str, visit: Visit) -> Passkey:
    """Return a passkey that does not exist, the same for a name each time."""
    credential = hmac.digest(key, b"no passkey of " + name.encode("utf-8", "replace"), "sha256")
    spki = bytes.fromhex("302a300506032b6570032100") + hashlib.sha256(credential).digest()
    return Passkey("nobody", signing.host(visit), credential, spki)


@PAGE.post("/sign-out")
def leave(visit: Visit) -> Response:
    """End the session; who came by a provider is told how to sign out there, too."""
    visit.workbench.people.end(visit.request.cookies.get(COOKIE, ""))
    known = visit.workbench.providers.of_issuer(visit.person.how.removeprefix(f"{HOW} "))
    there = known.sign_out(f"{visit.workbench.settings.url}/sign-in") if known else ""
    if known is not None and there:
        visit.work = None
        answer = visit.render("sign_in_over.html", there=there, provider=known.settings.name)
    else:
        answer = visit.go("/sign-in", gettext("You are signed out."))
    answer.delete_cookie(COOKIE, path="/")
    return answer


def came(visit: Visit) -> Came:
    """Return from where a request comes."""
    client = visit.request.client
    return Came(client.host if client else "", visit.request.headers.get("user-agent", ""))


def _in(visit: Visit, secret: str) -> Response:
    answer = visit.go(onward(visit.field("next") or visit.query.get("next", "")))
    visit.workbench.sign_in(answer, secret)
    return answer
