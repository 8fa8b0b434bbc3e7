"""Acts that bind an account to who somebody is at a provider of OpenID Connect, and undo it.

The provider says who somebody is there; who that is here is said by a person, in an entry. Nobody
comes in because a provider knows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from holdfast.acts import admitting, knowing, trying
from holdfast.acts.act import Needs, Session, act
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import bindings, roles
from holdfast.vault.bindings import Binding
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.acts.trying import Came
    from holdfast.core.canonical import Json

HOW = "oidc"
"""How somebody signed in, in `session.open`; the issuer follows."""
LONGEST = 255
"""Characters of a subject (OpenID Connect Core 1.0, section 2), and here of an issuer too."""


@dataclass(frozen=True)
class Bind:
    """Whose account is bound, and to whom at which provider."""

    name: str
    issuer: str
    """As the provider names itself, to the last character: `https://login.unit7.example`."""
    subject: str
    """As the provider names the person: its claim `sub`."""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return Binding(self.name, self.issuer, self.subject).as_json()


@dataclass(frozen=True)
class Unbind:
    """Which binding ends, and why."""

    issuer: str
    subject: str
    reason: str
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"issuer": self.issuer, "reason": self.reason, "subject": self.subject}


def check_issuer(issuer: str) -> str:
    """Return an issuer if it can be one: https, or http on this machine; no query, no fragment.

    Whether one on this machine is asked at all is a setting of the server's.

    Raises:
        InputError: it can't (OpenID Connect Discovery 1.0, section 3).
    """
    try:
        parts = urlsplit(issuer)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    here = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}
    fits = parts.scheme == "https" or (here and port)
    plain = issuer.isascii() and issuer.isprintable() and not set(issuer) & set(" ?#@\\")
    if not (fits and parts.hostname and plain) or len(issuer) > LONGEST:
        raise InputError(
            f"{issuer[:100]!r} can't be the issuer of a provider",
            "give the address that its settings call issuer: https://login.unit7.example",
        )
    return issuer


def _check_subject(subject: str) -> None:
    if not (subject.isascii() and subject.isprintable() and 0 < len(subject) <= LONGEST):
        raise InputError(
            f"{subject[:100]!r} can't be a person at a provider",
            f"give the claim `sub`: 1 to {LONGEST} ASCII characters",
        )


@act("account.bind", Needs.NOTHING)
def bind(session: Session, request: Bind) -> Binding:
    """Bind an account to who its person is at a provider, by who may approve.

    Raises:
        InputError: no such account; no issuer or subject can be that; it is bound already.
        DeniedError: one has no role for it.
    """
    # Who has no role for it doesn't learn who has an account.
    session.look_up(lambda connection: _check_right(session, connection))
    check_issuer(request.issuer)
    _check_subject(request.subject)
    if knowing.account(session.vault.engine, request.name) is None:
        raise InputError(
            f"{request.name!r} has no account", f"make one: `holdfast account add {request.name}`"
        )
    made = Binding(request.name, request.issuer, request.subject)

    def build(connection: Connection) -> Sequence[Draft]:
        _check_right(session, connection)
        other = bindings.whose(connection, request.issuer, request.subject)
        if other is not None:
            raise InputError(
                f"{request.subject!r} of {request.issuer} is bound to {other} already",
                "unbind it first: `holdfast account unbind`",
            )
        return [Draft("account.bind", None, {"bound": made.as_json()})]

    session.custody.decide(build)
    return made


@act("account.unbind", Needs.NOTHING)
def unbind(session: Session, request: Unbind) -> Binding:
    """Let somebody at a provider in no more, and end what they are signed in with.

    Raises:
        InputError: it is bound to nobody, or no reason is given.
        DeniedError: one has no role for it.
    """
    if not request.reason.strip():
        raise InputError("that needs a reason", "say it: --reason TEXT")
    ended: list[Binding] = []

    def build(connection: Connection) -> Sequence[Draft]:
        _check_right(session, connection)
        name = bindings.whose(connection, request.issuer, request.subject)
        if name is None:
            raise InputError(
                f"{request.subject!r} of {request.issuer!r} is bound to nobody",
                "see `holdfast account list`",
            )
        ended[:] = [Binding(name, request.issuer, request.subject)]
        fields: dict[str, Json] = {"reason": request.reason, "unbound": ended[0].as_json()}
        return [Draft("account.unbind", None, fields)]

    session.custody.decide(build)
    for one in admitting.in_force(session, ended[0].name, "session"):
        if one.how == f"{HOW} {request.issuer}":
            admitting.end(session, one.key_id, "the account was unbound")
    return ended[0]


def _check_right(session: Session, connection: Connection) -> None:
    if not set(roles.held(connection, session.operator)) & set(roles.APPROVING):
        raise DeniedError(
            f"{session.operator} may not say who somebody at a provider is: it needs "
            f"{' or '.join(roles.APPROVING)}",
            "have it done by somebody who is; see `holdfast operator list`",
        )


def bound(session: Session) -> list[Binding]:
    """Return all bindings in force, by name."""
    session.vault.current()
    return session.look_up(bindings.every)


@dataclass(frozen=True)
class Told:
    """What a provider told of who signed in there, after all of it was checked."""

    issuer: str
    subject: str
    acr: str = ""
    """How strongly, in the provider's words (`acr`); empty: it doesn't say."""
    amr: tuple[str, ...] = ()
    """By what (RFC 8176): `pwd`, `otp`, `hwk`…"""

    @property
    def how(self) -> str:
        """How entries of sessions name it."""
        return f"{HOW} {self.issuer}"


def by_provider(session: Session, told: Told, came: Came, ask: str) -> str:
    """Let in whose account is bound to who a provider says they are; return the secret.

    `ask` is who is to be asked where nobody's is.

    Raises:
        DeniedError: nobody's, locked, or too many tries failed from there.
    """
    engine = session.vault.engine
    trying.check(engine, "", came)
    session.vault.current()
    name = session.look_up(lambda c: bindings.whose(c, told.issuer, told.subject))
    account = knowing.account(engine, name) if name else None
    who = f"{told.subject!r} of {told.issuer}"
    why = "" if account else f"no account is bound to {who}"
    if account is not None and account.locked:
        why = "the account is locked"
    if why:
        trying.failed(session, name, f"{HOW} {who}", came, how=told.how, why=why)
        raise DeniedError(
            f"{why}" if name else f"no account here is bound to you: you are {who}",
            f"ask {ask}, and show them this line",
        )
    amr: list[Json] = [*told.amr]
    more: dict[str, Json] = {
        "provider": {"acr": told.acr or None, "amr": amr, "subject": told.subject}
    }
    return admitting.begin(session, str(name), told.how, came, more)


def not_believed(session: Session, issuer: str, why: str, came: Came) -> None:
    """Enter that what came back from a provider let nobody in."""
    trying.failed(session, None, f"{HOW} {issuer}", came, how=f"{HOW} {issuer}", why=why[:200])
