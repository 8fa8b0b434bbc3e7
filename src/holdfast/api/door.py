"""Who asks: by a bearer token, or by the session of a browser on one of our own pages."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from starlette.requests import cookie_parser

from holdfast.acts import admitting
from holdfast.api.problems import UnauthorizedError
from holdfast.core.errors import DeniedError
from holdfast.serving.people import COOKIE, Person
from holdfast.vault.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine
    from starlette.datastructures import Headers

    from holdfast.acts.act import Limits, Session
    from holdfast.serving.desk import Desk
    from holdfast.serving.people import People

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Caller:
    """Somebody on whose behalf a program asks, and what that program was lent of their rights."""

    person: Person
    served: str = ""
    """The account that entries name: `api/NAME`, where a key that was lent to the token signs."""
    limits: Limits | None = None
    """What the token is for; None: whatever the person may do."""

    def check(self, case: str | None, act: str) -> None:
        """Raise where the program was not lent this; what the person may is asked elsewhere.

        Raises:
            DeniedError: it was not.
        """
        if self.limits is None:
            return
        self.limits.check(act, case)
        if self.limits.cases and case is None and act != "case.list":
            raise DeniedError(f"this token is for single cases, and {act} is in none", "sign in")

    def hold(self, session: Session) -> None:
        """Hold a session of the person to what the token is for."""
        session.limits = self.limits
        session.served = self.served or session.served

    @contextmanager
    def session(self, desk: Desk) -> Iterator[Session]:
        """Give one thread a session of the person, held to what the token is for."""
        with desk.session(self.person) as session:
            self.hold(session)
            yield session


class Tokens(Protocol):
    """Knows the tokens that were given to programs."""

    def caller(self, secret: str, /) -> Caller | None:
        """Return whose token it is, and for what; None where it is none, or no longer valid."""


@dataclass(frozen=True)
class Lent:
    """The tokens that the vault knows: `holdfast token add`."""

    root: Path

    @cached_property
    def _engine(self) -> Engine:
        return Vault.open(self.root).engine

    def caller(self, secret: str, /) -> Caller | None:
        """Return whose token it is, and for what; a key of its own signs what it asks for."""
        found = admitting.held(self._engine, secret, "token")
        if found is None:
            return None
        person = Person(found.name, "a token", found.signer)
        return Caller(person, f"api/{found.name}", found.limits)


@dataclass(frozen=True)
class Door:
    """Finds out who asks."""

    tokens: Tokens
    people: People
    origins: frozenset[str]
    """Where our own pages are served: `https://unit7.example`."""

    def caller(self, method: str, headers: Headers) -> Caller:
        """Return who asks.

        Raises:
            UnauthorizedError: nobody that is known.
            DeniedError: another site's page asks in somebody's name.
        """
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            found = self.tokens.caller(secret.strip())
            if found is None:
                raise UnauthorizedError("the token is not valid, or not any more", "get another")
            return found
        person = self.people.find(cookie_parser(headers.get("cookie", "")).get(COOKIE, ""))
        if person is None:
            raise UnauthorizedError("nobody is signed in", "send a token: Authorization: Bearer …")
        self._check_origin(method, headers)
        return Caller(person)

    def _check_origin(self, method: str, headers: Headers) -> None:
        """Raise unless one of our own pages asks: a browser says where a request comes from.

        Raises:
            DeniedError: so.
        """
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        ours = origin in self.origins or (origin is None and method in SAFE)
        if not ours or site not in {None, "none", "same-origin"}:
            raise DeniedError("this was sent by a page of another site", "use a token")
