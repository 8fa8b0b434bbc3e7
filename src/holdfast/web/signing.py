"""Acts that ask for a person's own passkey: shown first, signed in their browser, then entered.

The first request shows what would be entered and asks the browser for a signature over it; the
second brings the signature. Nothing is kept here between the two: the salts and the time that make
the act the very same again travel in the form, sealed.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from holdfast.acts import logins
from holdfast.acts.act import Session
from holdfast.core import clock
from holdfast.core.errors import DeniedError, InputError, printable
from holdfast.vault import accounts, delegates
from holdfast.vault.entry import Draft
from holdfast.vault.signing import (
    BrowserSigner,
    OwnKeyError,
    Prepared,
    UnaskedError,
    UnsignedError,
)
from holdfast.vault.webauthn import Assertion
from holdfast.web.languages import gettext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from holdfast.core.canonical import Json
    from holdfast.vault.passkey import Passkey
    from holdfast.vault.signing import Shown
    from holdfast.vault.vault import Vault
    from holdfast.web.page import Handler
    from holdfast.web.visit import Visit

MINUTES = 5
"""How long a person may take to sign."""
SEALED, WHICH = "prepared", "passkey"
ANSWER = ("authenticator", "client", "signature")
_OURS = {SEALED, WHICH, "form", *ANSWER}
_LONG = 2000


@dataclass(frozen=True)
class Sealed:
    """What travels in a form between two requests, readable by no browser."""

    vault: Vault
    about: str
    minutes: int = MINUTES

    def seal(self, **facts: Any) -> str:
        """Return it sealed."""
        data = json.dumps({**facts, "sealed": clock.now()}).encode()
        return accounts.seal(self.vault.keyring.web(), data, self.about)

    def open(self, text: str) -> dict[str, Any]:
        """Return what was sealed.

        Raises:
            InputError: it is not what was sent, or is too old.
        """
        data = accounts.unseal(self.vault.keyring.web(), text, self.about)
        facts: dict[str, Any] = {} if data is None else json.loads(data)
        if not facts or facts["sealed"] < clock.now() - self.minutes * 60_000_000:
            raise InputError(gettext("that took too long, or was changed"), gettext("begin again"))
        return facts


def host(visit: Visit) -> str:
    """Return the relying party of passkeys here: the workbench's own host name."""
    return urlsplit(visit.workbench.settings.url).hostname or ""


def by_own_key(handler: Handler) -> Handler:
    """Return a handler that asks for the person's own passkey where an act of it needs that.

    A page needs to do nothing for it: its handler is called again, with a session that signs so. It
    performs one act, then, and no other before it.
    """

    def answer(visit: Visit) -> Response:
        if visit.work is None:
            return handler(visit)
        if not visit.field(SEALED) and not visit.field(WHICH):
            try:
                return handler(visit)
            except OwnKeyError:
                pass
        return _sign(visit, handler)

    return answer


def _sign(visit: Visit, handler: Handler) -> Response:
    """Perform a handler's act under the person's own passkey; ask for it first.

    Raises:
        DeniedError: they have no passkey here, what came is none of theirs, or they may not.
    """
    served, name = visit.session, visit.person.name
    keys = logins.passkeys_of(served, name, host(visit))
    if not keys:
        raise DeniedError(
            gettext("This asks for your own passkey, and you have none that works here."),
            gettext("Make one on your account's page, or do it on the command line with your key."),
        )
    key = next((one for one in keys if one.key_id.hex() == visit.field(WHICH)), keys[0])
    about = f"sign {name} {visit.request.url.path} {key.key_id.hex()}"
    sealed, answer = Sealed(served.vault, about), read_answer(visit)
    if answer is None:
        prepared = Prepared(os.urandom(32), clock.now())
    else:
        facts = sealed.open(visit.field(SEALED))
        prepared = Prepared(bytes.fromhex(facts["seed"]), int(facts["time"]))
    signer = BrowserSigner(key, prepared, answer)
    visit.work = Session(served.vault, name, signer=signer, served=delegates.WEB + name)
    try:
        with clock.held(prepared.time):
            return handler(visit)
    except UnaskedError as asked:
        visit.work = served
        blob = sealed.seal(seed=prepared.seed.hex(), time=prepared.time)
        title = gettext("Sign as %(name)s") % {"name": name}
        return ask(visit, title, keys=keys, key=key, asked=asked, blob=blob)
    except UnsignedError:
        raise
    except DeniedError as refused:
        # The passkey's holder isn't asked to sign that they were refused; their session does.
        fields: dict[str, Json] = {
            "reason": refused.what, "refused": "".join(visit.route.acts[:1]), "request": {}
        }  # fmt: skip
        served.custody.enter(Draft("denied", None, fields))
        raise
    finally:
        visit.work = served


def read_answer(visit: Visit) -> Assertion | None:
    """Return what the browser signed; None where it was not asked yet.

    Raises:
        InputError: it is malformed.
    """
    if not visit.field("signature"):
        return None
    return Assertion(*(part(visit, name) for name in ANSWER))


def part(visit: Visit, name: str) -> bytes:
    """Return bytes that a script of ours put into a form.

    Raises:
        InputError: they are none.
    """
    text = visit.field(name)[:100_000]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        raise InputError(gettext("the browser's answer is malformed"), gettext("repeat")) from None


def ask(
    visit: Visit,
    title: str,
    *,
    keys: Sequence[Passkey],
    key: Passkey,
    asked: UnaskedError,
    blob: str,
) -> Response:
    """Return the page that shows an act and asks for a signature."""
    data = visit.form_data
    kept = [] if data is None else [
        (name, value)
        for name, value in data.multi_items()
        if isinstance(value, str) and name not in _OURS
    ]  # fmt: skip
    return visit.render(
        "sign.html",
        title=title,
        acts=[(one.act, one.case or "", _fields(one)) for one in asked.shown],
        action=visit.request.url.path,
        kept=kept,
        blob=blob,
        key=key.key_id.hex(),
        others=[one.key_id.hex() for one in keys if one != key],
        rp=key.rp,
        challenge=text(asked.challenge),
        credential=text(key.credential),
    )


def _fields(draft: Shown) -> list[tuple[str, str]]:
    found = []
    for name, value in draft.fields.items():
        said = value if isinstance(value, str) else orjson.dumps(value).decode()
        found.append((name, printable(said[:_LONG])))
    return found


def text(data: bytes) -> str:
    """Return bytes as a script of ours reads them."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
