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
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import orjson

from holdfast.acts import logins
from holdfast.acts.act import Session
from holdfast.core import clock
from holdfast.core.errors import DeniedError, InputError, printable
from holdfast.vault import accounts, delegates
from holdfast.vault.signing import BrowserSigner, Prepared, UnaskedError
from holdfast.vault.webauthn import Assertion
from holdfast.web.languages import gettext

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.responses import Response

    from holdfast.vault.passkey import Passkey
    from holdfast.vault.signing import Shown
    from holdfast.vault.vault import Vault
    from holdfast.web.visit import Visit

R = TypeVar("R")
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
        if not facts or facts["sealed"] < clock.now() - MINUTES * 60_000_000:
            raise InputError(gettext("that took too long, or was changed"), gettext("begin again"))
        return facts


def host(visit: Visit) -> str:
    """Return the relying party of passkeys here: the workbench's own host name."""
    return urlsplit(visit.workbench.settings.url).hostname or ""


def sign(
    visit: Visit, title: str, perform: Callable[[Session], R], done: Callable[[R], Response]
) -> Response:
    """Perform an act under the person's own passkey; ask for it first.

    `perform` is called with a session that signs so, twice: to show what would be entered, and to
    enter it. `done` answers then.

    Raises:
        DeniedError: they have no passkey here, or what came is none of theirs.
    """
    vault, name = visit.session.vault, visit.person.name
    keys = logins.passkeys_of(visit.session, name, host(visit))
    if not keys:
        raise DeniedError(
            gettext("This asks for your own passkey, and you have none that works here."),
            gettext("Make one on your account's page, or do it on the command line with your key."),
        )
    key = next((one for one in keys if one.key_id.hex() == visit.field(WHICH)), keys[0])
    sealed = Sealed(vault, f"sign {name} {visit.request.url.path} {key.key_id.hex()}")
    answer = read_answer(visit)
    if answer is None:
        prepared = Prepared(os.urandom(32), clock.now())
    else:
        facts = sealed.open(visit.field(SEALED))
        prepared = Prepared(bytes.fromhex(facts["seed"]), int(facts["time"]))
    signer = BrowserSigner(key, prepared, answer)
    session = Session(vault, name, signer=signer, served=delegates.WEB + name)
    try:
        with clock.held(prepared.time):
            result = perform(session)
    except UnaskedError as asked:
        blob = sealed.seal(seed=prepared.seed.hex(), time=prepared.time)
        return ask(visit, title, keys=keys, key=key, asked=asked, blob=blob)
    return done(result)


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
