"""Who is signed in: a cookie's secret names a session, a session names a person.

The server keeps a digest of the secret only. A process that is started anew knows no session, and
several processes don't share any: to be kept in the database's state, where what a session signs
with is sealed under the cookie's own secret, so that no database alone can act for anybody.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core import clock

if TYPE_CHECKING:
    from holdfast.vault.signing import ActSigner

COOKIE = "holdfast"
HOURS = 12
"""A session's longest life."""


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in, and what signs for them."""

    name: str
    how: str
    """How they showed who they are: `passkey`, `password`, `token`…"""
    signer: ActSigner | None = None
    """What signs their routine acts; where there is none, the keyring's key of that name."""


@dataclass(frozen=True)
class _Session:
    person: Person
    until: int


class People:
    """The sessions of one server."""

    def __init__(self) -> None:
        self._sessions: dict[bytes, _Session] = {}
        self._links: dict[bytes, Person] = {}
        self._lock = threading.Lock()

    def begin(self, person: Person) -> str:
        """Begin a session; return the secret that the browser's cookie holds."""
        secret = secrets.token_urlsafe(32)
        until = clock.now() + HOURS * 3_600_000_000
        with self._lock:
            self._sessions[_digest(secret)] = _Session(person, until)
        return secret

    def invite(self, person: Person) -> str:
        """Return the secret of a link that signs one person in, once."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            self._links[_digest(secret)] = person
        return secret

    def admit(self, link: str) -> str | None:
        """Begin the session that a link is for, and forget the link; None: there is no such."""
        with self._lock:
            person = self._links.pop(_digest(link), None)
        return None if person is None else self.begin(person)

    def find(self, secret: str) -> Person | None:
        """Return whose session it is; None where it is none, or has ended."""
        session = self._sessions.get(_digest(secret))
        if session is None or session.until < clock.now():
            return None
        return session.person

    def end(self, secret: str) -> None:
        """End a session; what is none is let be."""
        with self._lock:
            self._sessions.pop(_digest(secret), None)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
