"""Acts that let people in: sessions in a browser, begun by the server or by one's own passkey.

The server acts as an operator with the role `workbench`. What it enters says how somebody showed
who they are; what they do then is signed by the session's key
(docs/formats/custody.md, "Sessions and tokens").
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, insert, select, update

from holdfast.acts import knowing, trying
from holdfast.acts.act import Limits, Session
from holdfast.acts.people import NewOperator, add_operator, public
from holdfast.core import clock
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import accounts, delegates, roles, tables
from holdfast.vault.database import guarded
from holdfast.vault.entry import Draft
from holdfast.vault.note import Signer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Engine

    from holdfast.acts.trying import Came
    from holdfast.core.canonical import Json
    from holdfast.vault.delegates import Delegate

SERVER = "workbench"
"""The operator that a server is."""
HOURS = 12
"""A session's longest life."""
IDLE = 60
"""Minutes without a request after which a session is over."""
_MINUTE = 60_000_000
_SECOND = 1_000_000


def prepare(session: Session) -> None:
    """Have an operator for the server, whose key lies in the vault's keyring.

    Raises:
        DeniedError: there is none, and who starts the server may not make one.
    """
    session.vault.current()
    if not session.look_up(lambda c: roles.known(c, SERVER)):
        add_operator(session, NewOperator(SERVER, (roles.WORKBENCH,)))


@dataclass(frozen=True)
class Begun:
    """A session, or a token, that is to begin: its secret, its key, its end."""

    name: str
    kind: str = "session"
    life: int = HOURS * 3600
    """Seconds."""
    cases: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    label: str = ""
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)

    @property
    def signer(self) -> Signer:
        """What signs in it."""
        return Signer(self.name.replace(" ", "_"), self.private)

    def secrets(self) -> dict[str, str]:
        """Return what makes it the very same again, to be kept sealed."""
        return {"secret": self.secret, "private": self.private.private_bytes_raw().hex()}

    def again(self, kept: Mapping[str, str]) -> Begun:
        """Return it with the secret and the key that were shown to be signed."""
        private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept["private"]))
        return replace(self, secret=kept["secret"], private=private)

    def until(self) -> int:
        """Return its end, from now, on a whole second."""
        return (clock.now() // _SECOND + self.life) * _SECOND

    def draft(
        self,
        connection: Connection,
        how: str,
        came: Came | None = None,
        more: Mapping[str, Json] | None = None,
    ) -> Draft:
        """Return the entry that begins it, at this very position of the log.

        `more` is what else is known of how they showed who they are.

        Raises:
            InputError: nobody of this name may be let in, or the key's ID is taken.
        """
        vkey = self.signer.verifier
        check_known(connection, self.name)
        taken = tables.operators.c.key_id == vkey.key_id.hex()
        if delegates.of_key(connection, vkey.key_id.hex()) or connection.scalar(
            select(tables.operators.c.name).where(taken)
        ):
            # 32 bits: it happens once in a life of a large unit, and nothing is lost by it.
            raise InputError("the new key has another one's ID", "repeat it")
        facts: dict[str, Json] = {
            **public(self.name, str(vkey)),
            "cases": [*self.cases],
            "until": clock.to_text(self.until()),
        }
        if self.kind == "token":
            what: dict[str, Json] = {"acts": [*self.acts], "label": self.label}
            return Draft("token.add", None, {"delegate": facts, **what})
        source = came.as_json() if came is not None else {}
        fields: dict[str, Json] = {"delegate": facts, "how": how, "source": source, **(more or {})}
        return Draft("session.open", None, fields)

    def keep(self, engine: Engine, how: str, came: Came | None = None) -> str:
        """Put it into force; return the secret."""
        with guarded(engine), engine.begin() as connection:
            connection.execute(
                insert(accounts.sessions).values(
                    digest=accounts.digest(self.secret),
                    vkey=str(self.signer.verifier),
                    name=self.name,
                    kind=self.kind,
                    how=how,
                    key=accounts.seal_key(self.secret, self.private),
                    until=self.until(),
                    used=clock.now(),
                    source=came.address[:100] if came else "",
                    agent=came.agent[:200] if came else "",
                    acts="\n".join(self.acts),
                    cases="\n".join(self.cases),
                    label=self.label,
                )
            )
        return self.secret


def check_known(connection: Connection, name: str) -> None:
    """Raise unless somebody of this name may be let in.

    Raises:
        InputError: not.
    """
    if not roles.known(connection, name) or name == SERVER:
        raise InputError(f"nobody called {name!r} is let in", "see `holdfast account list`")
    if connection.scalar(
        select(accounts.accounts.c.locked).where(accounts.accounts.c.name == name)
    ):
        raise DeniedError(f"the account of {name} is locked", "have it unlocked: `account lock`")


def begin(
    session: Session, name: str, how: str, came: Came, more: Mapping[str, Json] | None = None
) -> str:
    """Let somebody in, on the server's word; return the secret for their browser.

    Raises:
        InputError, DeniedError: nobody of that name, or locked.
    """
    begun = Begun(name)
    session.custody.decide(lambda connection: [begun.draft(connection, how, came, more)])
    return begun.keep(session.vault.engine, how, came)


def by_password(session: Session, name: str, password: str, code: str, came: Came) -> str:
    """Let somebody in who knows a password, and a one-time code where one is asked.

    All that is wrong looks the same to who tries, and takes as long.

    Raises:
        DeniedError: it is wrong, or too many tries were.
    """
    engine = session.vault.engine
    trying.check(engine, name[:100], came)
    account = knowing.account(engine, name)
    why = ""
    if not knowing.password_fits(account, password):
        why = "the password is wrong" if account else "there is no such account"
    elif account is not None and account.locked:
        why = "the account is locked"
    elif account is not None and account.totp:
        if trying.codes_refused(engine, name):
            why = "codes are refused for now: too many were wrong"
        elif not knowing.code_fits(session, account, code):
            why = "the one-time code is wrong"
            trying.wrong_code(engine, name)
    how = "password+totp" if account is not None and account.totp else "password"
    if why:
        known = account.name if account else None
        trying.failed(session, known, name, came, how=how, why=why)
        raise DeniedError(
            "that name, password and code don't belong together",
            "try again, or sign in with a passkey",
        )
    trying.cleared(engine, name, came)
    return begin(session, name, how, came)


@dataclass(frozen=True)
class Held:
    """A session or a token that is in force."""

    name: str
    kind: str
    how: str
    signer: Signer
    limits: Limits | None


def held(engine: Engine, secret: str, kind: str = "session") -> Held | None:
    """Return what a secret opens; None where it is none, has ended, or was idle too long."""
    table, now = accounts.sessions, clock.now()
    query = select(table).where(
        table.c.digest == accounts.digest(secret), table.c.kind == kind, table.c.until > now
    )
    with guarded(engine), engine.connect() as connection:
        row = connection.execution_options(snapshot=True).execute(query).one_or_none()
    if row is None or (kind == "session" and row.used < now - IDLE * _MINUTE):
        return None
    private = accounts.open_key(secret, row.key)
    if private is None:
        return None
    if row.used < now - _MINUTE:
        with guarded(engine), engine.begin() as connection:
            connection.execute(update(table).where(table.c.digest == row.digest).values(used=now))
    cases, acts = (tuple(one.split("\n")) if one else () for one in (row.cases, row.acts))
    limits = Limits(cases, acts) if kind == "token" else None
    return Held(row.name, kind, row.how, Signer(row.name.replace(" ", "_"), private), limits)


@dataclass(frozen=True)
class InForce:
    """A session or a token as its person sees it in a list."""

    key_id: str
    name: str
    kind: str
    how: str
    until: str
    used: str
    source: str
    agent: str
    label: str
    cases: tuple[str, ...]
    acts: tuple[str, ...]

    def as_json(self) -> dict[str, Json]:
        """Return what `--json` prints."""
        return {**vars(self), "acts": [*self.acts], "cases": [*self.cases]}


def in_force(session: Session, name: str = "", kind: str = "") -> list[InForce]:
    """Return the sessions and tokens in force, of one person or of all, newest first."""
    table = accounts.sessions
    query = select(table).where(table.c.until > clock.now()).order_by(table.c.until.desc())
    if name:
        query = query.where(table.c.name == name)
    if kind:
        query = query.where(table.c.kind == kind)
    rows = session.look_up(lambda connection: connection.execute(query).all())
    return [
        InForce(
            row.vkey.split("+")[1],
            *(row.name, row.kind, row.how),
            *(clock.to_text(row.until), clock.to_text(row.used)),
            *(row.source, row.agent, row.label),
            *(tuple(one.split("\n")) if one else () for one in (row.cases, row.acts)),
        )
        for row in rows
    ]


def end(session: Session, key_id: str, reason: str) -> None:
    """End a session or a token: one's own, or, by who may approve, anybody's.

    Raises:
        InputError: there is none with that key.
        DeniedError: it is another's, and one has no role for it.
    """

    def build(connection: Connection) -> Sequence[Draft]:
        found = delegates.of_key(connection, key_id)
        if found is None or found.ended is not None:
            raise InputError(f"no session or token {key_id!r} is in force", "see `token list`")
        rights = set(roles.held(connection, session.operator))
        if found.name != session.operator and not rights & set(roles.GIVEN_BY_APPROVERS):
            raise DeniedError(
                f"the {found.kind} {key_id} is {found.name}'s", "have a supervisor end it"
            )
        ended: dict[str, Json] = {"ended": public(found.name, found.vkey), "reason": reason}
        return [Draft(f"{found.kind}.end", None, ended)]

    (entry,) = session.custody.decide(build)
    engine = session.vault.engine
    with guarded(engine), engine.begin() as connection:
        connection.execute(
            delete(accounts.sessions).where(
                accounts.sessions.c.vkey == entry.fields["ended"]["vkey"]
            )
        )


def end_all(session: Session, name: str, reason: str) -> int:
    """End all of somebody's sessions and tokens; return how many."""
    found = in_force(session, name)
    for one in found:
        end(session, one.key_id, reason)
    return len(found)


def of_entry(session: Session, key_id: str) -> Delegate | None:
    """Return the session or token whose key an entry names."""
    return session.look_up(lambda connection: delegates.of_key(connection, key_id))
