"""Who is signed in: a cookie's secret names a session, a session names a person and signs for them.

Sessions lie in the database's state (`vault/accounts.py`), so that every process of a server knows
them, and a restarted one too. What a session signs with is sealed there under the cookie's own
secret: it is open while its browser asks, and no database alone can act for anybody.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from holdfast.acts import admitting
from holdfast.acts.trying import Came
from holdfast.core import clock
from holdfast.core.errors import HoldfastError
from holdfast.serving import once
from holdfast.vault import accounts, delegates

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy import Engine

    from holdfast.acts.act import Limits, Session
    from holdfast.vault.signing import ActSigner
    from holdfast.vault.vault import Vault

COOKIE = "holdfast"
NOWHERE = Came()


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in, and what signs for them."""

    name: str
    how: str
    """How they showed who they are: `passkey`, `password`, `token`…"""
    signer: ActSigner | None = None
    """The key of their session or token; the server's own operator has the keyring's."""
    served: str = ""
    """The account that entries name: `web/NAME`, `api/NAME`."""
    limits: Limits | None = None
    """What a token is for."""


class Desk(Protocol):
    """Where sessions on the vault come from."""

    def session(self, person: Person, /) -> AbstractContextManager[Session]:
        """Give one thread a session of `person`."""

    def vault(self) -> AbstractContextManager[Vault]:
        """Give one thread an open vault."""


SERVER = Person(admitting.SERVER, "the server")
LINK = once.DAY // 2
"""How long a link lives, in microseconds: less than it is remembered that it was used."""


@dataclass
class Links:
    """Links that sign one person in, once, whichever process of the server is asked.

    The processes of one server know the same links, by their digests; which of them were used
    stands in the database.
    """

    known: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Digest: who, and until when (microseconds)."""

    def add(self, name: str) -> str:
        """Make one for a person; return its secret."""
        secret = secrets.token_urlsafe(32)
        self.known[accounts.digest(secret)] = name, clock.now() + LINK
        return secret

    def use(self, engine: Engine, secret: str) -> str | None:
        """Return whom a link is for, and have it be used up; None: there is no such, any more."""
        digest = accounts.digest(secret)
        name, until = self.known.pop(digest, ("", 0))
        if until < clock.now() or once.claim(engine, "", f"link {digest}") is not None:
            return None
        return name


class People:
    """The sessions and tokens of a vault, as a serving process lets people in by them."""

    def __init__(self, desk: Desk, operator: str, links: Links | None = None) -> None:
        """Begin; `operator` is who starts the server, and makes its key if there is none.

        Raises:
            DeniedError: there is none, and they may not make one.
        """
        self._desk = desk
        self._links = links or Links()
        with desk.session(Person(operator, "the start of the server")) as session:
            admitting.prepare(session)

    def begin(self, person: Person, came: Came = NOWHERE) -> str:
        """Begin a session; return the secret that the browser's cookie holds.

        Raises:
            InputError, DeniedError: nobody of that name is let in.
        """
        with self._desk.session(SERVER) as session:
            return admitting.begin(session, person.name, person.how, came)

    def by_password(self, name: str, password: str, code: str, came: Came) -> str:
        """Begin the session of who knows a password, and a one-time code where one is asked.

        Raises:
            DeniedError: that is wrong, or was tried too often.
        """
        with self._desk.session(SERVER) as session:
            return admitting.by_password(session, name, password, code, came)

    def admit(self, link: str, came: Came = NOWHERE) -> str | None:
        """Begin the session that a link is for, which is used up by it; None: there is no such."""
        with self._desk.vault() as vault:
            name = self._links.use(vault.engine, link)
        return None if name is None else self.begin(Person(name, "link of the start"), came)

    def find(self, secret: str) -> Person | None:
        """Return whose session it is; None where it is none, or has ended."""
        return self._find(secret, "session", delegates.WEB)

    def bearer(self, secret: str) -> Person | None:
        """Return whose token it is; None where it is none, or has ended."""
        return self._find(secret, "token", delegates.API)

    def _find(self, secret: str, kind: str, where: str) -> Person | None:
        if not secret:
            return None
        with self._desk.vault() as vault:
            held = admitting.held(vault.engine, secret, kind)
        if held is None:
            return None
        return Person(held.name, held.how, held.signer, where + held.name, held.limits)

    def end(self, secret: str) -> None:
        """End a session, as its own last act; what is none is let be."""
        person = self.find(secret)
        if person is None or person.signer is None:
            return
        with suppress(HoldfastError), self._desk.session(person) as session:
            admitting.end(session, person.signer.verifier.key_id.hex(), "signed out")
