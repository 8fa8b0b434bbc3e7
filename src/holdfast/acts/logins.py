"""Acts on how people sign in to the workbench: accounts, passwords, one-time codes, passkeys."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from holdfast.acts import admitting, knowing
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.people import named, public
from holdfast.core import clock
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import accounts, bindings, delegates, roles, tables
from holdfast.vault.database import guarded
from holdfast.vault.entry import Draft
from holdfast.vault.keys import check_operator
from holdfast.vault.passkey import Passkey
from holdfast.vault.signing import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.acts.knowing import Account
    from holdfast.core.canonical import Json
    from holdfast.vault.bindings import Binding

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True)
class SetAccount:
    """What changes of somebody's account; None: nothing of that."""

    name: str
    new: bool = False
    password: str | None = None
    """The new one; empty: no way in by password any more."""
    totp: str | None = None
    """The sealed secret (`knowing.new_totp`); empty: no code is asked any more."""
    locked: bool | None = None
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it: no secret."""
        changed: list[Json] = [
            one for one in ("password", "totp", "locked") if getattr(self, one) is not None
        ]
        return {"changed": changed, "name": self.name}


@act("account.set", Needs.NOTHING)
def set_account(session: Session, request: SetAccount) -> Account:
    """Make or change somebody's account, one's own or, by who may approve, another's.

    Raises:
        InputError: the name or password can't be one, or there is no such account, or one already.
        DeniedError: it is another's, and one has no role for it.
    """
    check_operator(request.name)
    engine = session.vault.engine
    before = knowing.account(engine, request.name)
    if (before is None) != request.new:
        raise InputError(
            f"{request.name} has {'an' if before else 'no'} account"
            + (" already" if before else ""),
            "see `holdfast account list`",
        )
    old = before or knowing.Account(request.name, None, None, 0, 0)
    hashed = old.password
    if request.password is not None:
        password = request.password
        hashed = knowing.check_password(password, request.name) if password else None
    after = knowing.Account(
        request.name,
        hashed,
        old.totp if request.totp is None else request.totp or None,
        old.totp_last,
        old.locked if request.locked is None else int(request.locked),
    )

    def build(connection: Connection) -> Sequence[Draft]:
        _check_right(session, connection, request)
        ways: list[Json] = [*after.ways]
        facts: dict[str, Json] = {
            "locked": bool(after.locked), "name": after.name, "ways": ways
        }  # fmt: skip
        return [Draft("account.set", None, {"account": facts})]

    session.custody.decide(build)
    table, values = accounts.accounts, vars(after)
    with guarded(engine), engine.begin() as connection:
        change = update(table).where(table.c.name == request.name).values(**values)
        if connection.execute(change).rowcount == 0:
            connection.execute(insert(table).values(**values))
    if request.locked:
        admitting.end_all(session, request.name, "the account was locked")
    return after


def _check_right(session: Session, connection: Connection, request: SetAccount) -> None:
    own = request.name == session.operator and not request.new
    if own and request.locked is None:
        return
    if not set(roles.held(connection, session.operator)) & set(roles.APPROVING):
        raise DeniedError(
            f"{session.operator} may not do that to the account of {request.name}: it needs "
            f"{' or '.join(roles.APPROVING)}",
            "have it done by somebody who is; see `holdfast operator list`",
        )


def new_password() -> str:
    """Return a password that nobody guesses and somebody can type: 100 bits."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


@dataclass(frozen=True)
class Known:
    """Somebody who can sign in, and how."""

    name: str
    ways: tuple[str, ...]
    passkeys: tuple[str, ...]
    """Hosts of the passkeys in force."""
    bound: tuple[Binding, ...]
    """Who they are at providers of OpenID Connect."""
    locked: bool
    sessions: int
    tokens: int

    def as_json(self) -> dict[str, Json]:
        """Return what `account list --json` prints."""
        return {
            **vars(self),
            "bound": [one.as_json() for one in self.bound],
            "passkeys": [*self.passkeys],
            "ways": [*self.ways],
        }


def known(session: Session) -> list[Known]:
    """Return who can sign in, by name."""
    session.vault.current()
    held = admitting.in_force(session)
    keys: dict[str, list[str]] = {}
    for name, passkey in session.look_up(_passkeys):
        keys.setdefault(name, []).append(passkey.rp)
    query = select(accounts.accounts)
    rows = session.look_up(lambda connection: connection.execute(query).all())
    bound = session.look_up(bindings.every)
    found = {row.name: knowing.Account(*row) for row in rows}
    return [
        Known(
            name,
            found[name].ways if name in found else (),
            tuple(sorted(keys.get(name, ()))),
            tuple(one for one in bound if one.name == name),
            bool(name in found and found[name].locked),
            *(sum(one.name == name and one.kind == kind for one in held)
              for kind in ("session", "token")),
        )
        for name in sorted({*found, *keys})
    ]  # fmt: skip


def _passkeys(connection: Connection) -> list[tuple[str, Passkey]]:
    table = tables.operators
    query = select(table.c.name, table.c.vkey).where(table.c.ended.is_(None))
    rows = connection.execute(query.order_by(table.c.entry)).all()
    keys = ((name, parse(vkey)) for name, vkey in rows)
    return [(name, key) for name, key in keys if isinstance(key, Passkey)]


def passkeys_of(session: Session, name: str, host: str) -> list[Passkey]:
    """Return somebody's passkeys that work on pages of a host, oldest first."""
    found = session.look_up(_passkeys)
    return [key for who, key in found if who == name and key.rp == host]


@dataclass(frozen=True)
class Offer:
    """A passkey that somebody has made: a public line."""

    name: str
    vkey: str
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"key_id": self.vkey.split("+")[1], "name": self.name}


@act("account.passkey", Needs.NOTHING)
def offer(session: Session, request: Offer) -> None:
    """Offer a passkey of one's own; it counts once another person has confirmed it.

    Raises:
        DeniedError: it is another's.
    """
    vkey = named(request.name, request.vkey)
    if request.name != session.operator:
        raise DeniedError(f"that is a passkey of {request.name}", "offer your own")
    session.custody.enter(Draft("account.passkey", None, {"offered": public(request.name, vkey)}))
    engine = session.vault.engine
    with guarded(engine), engine.begin() as connection:
        connection.execute(
            insert(accounts.offered).values(vkey=vkey, name=request.name, time=clock.now())
        )


def offers(session: Session) -> list[Offer]:
    """Return the passkeys that wait to be confirmed, oldest first."""
    table = accounts.offered
    query = select(table.c.name, table.c.vkey).order_by(table.c.time)
    return session.look_up(lambda c: [Offer(name, vkey) for name, vkey in c.execute(query)])


@act("operator.key", Needs.NOTHING)
def add_key(session: Session, request: Offer) -> None:
    """Enter a further key of somebody's: with a key that they have, or by who may approve.

    Raises:
        InputError: it is in the log already, or there is no such person.
        DeniedError: neither.
    """
    vkey = named(request.name, request.vkey)

    def build(connection: Connection) -> Sequence[Draft]:
        table = tables.operators
        if connection.scalar(select(table.c.name).where(table.c.vkey == vkey)):
            raise InputError("that key is in the log already", "make a new one")
        if not roles.known(connection, request.name):
            raise InputError(f"nobody is called {request.name!r}", "see `holdfast operator list`")
        approves = set(roles.held(connection, session.operator)) & set(roles.APPROVING)
        if request.name != session.operator and not approves:
            raise DeniedError(
                f"{session.operator} may not confirm a key of {request.name}: that needs "
                f"{' or '.join(roles.APPROVING)}",
                "have it confirmed by somebody who is",
            )
        fields: dict[str, Json] = {"operator": public(request.name, vkey), "roles": []}
        return [Draft("operator.add", None, fields)]

    session.custody.decide(build)
    _forget(session, vkey)


def _forget(session: Session, vkey: str) -> None:
    engine = session.vault.engine
    with guarded(engine), engine.begin() as connection:
        connection.execute(delete(accounts.offered).where(accounts.offered.c.vkey == vkey))


@dataclass(frozen=True)
class DropKey:
    """Which of somebody's keys ends, and why."""

    name: str
    key_id: str
    reason: str
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"key_id": self.key_id, "name": self.name, "reason": self.reason}


@act("operator.drop", Needs.NOTHING)
def drop_key(session: Session, request: DropKey) -> None:
    """End one of several keys that somebody has: a lost passkey. The roles go on.

    Raises:
        InputError: there is no such key, or no reason.
        DeniedError: it is another's, and one has no role for it.
    """
    if not request.reason.strip():
        raise InputError("that needs a reason", "say it: --reason TEXT")

    def build(connection: Connection) -> Sequence[Draft]:
        table = tables.operators
        query = select(table.c.vkey).where(
            table.c.name == request.name, table.c.key_id == request.key_id, table.c.ended.is_(None)
        )
        vkey = connection.scalar(query)
        if vkey is None:
            raise InputError(
                f"{request.name} has no key {request.key_id!r} in force", "see `operator list`"
            )
        approves = set(roles.held(connection, session.operator)) & set(roles.APPROVING)
        if request.name != session.operator and not approves:
            raise DeniedError(
                f"{session.operator} may not end a key of {request.name}",
                f"have it done by a {' or '.join(roles.APPROVING)}",
            )
        ended: dict[str, Json] = {"ended": public(request.name, vkey), "reason": request.reason}
        return [Draft("operator.drop", None, ended)]

    session.custody.decide(build)


@dataclass(frozen=True)
class NewToken:
    """A token for a program that acts for oneself."""

    label: str
    days: int = 30
    cases: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "acts": [*self.acts],
            "cases": [*self.cases],
            "days": self.days,
            "label": self.label,
        }


def check_token(session: Session, request: NewToken) -> admitting.Begun:
    """Return the token that is asked for, not yet in force.

    Raises:
        InputError: no label, too long a life, an unknown case or act.
    """
    if not request.label.strip():
        raise InputError("a token needs a label", "say what it is for: `token add LABEL`")
    if not 1 <= request.days <= 366:
        raise InputError(f"a token can't last {request.days} days", "give 1 to 366")
    for act_name in request.acts:
        if delegates.needs_own(act_name):
            raise InputError(f"no token can do {act_name}", "it asks for your own key")
    for case in request.cases:
        if not session.knows(case):
            raise InputError(f"there is no case {case!r}", "see `holdfast case list`")
    return admitting.Begun(
        session.operator,
        "token",
        request.days * 86400,
        tuple(sorted(set(request.cases))),
        tuple(sorted(set(request.acts))),
        request.label.strip()[:200],
    )


@act("token.add", Needs.NOTHING)
def add_token(session: Session, request: NewToken) -> str:
    """Make a token; return its secret, which nobody can show again.

    Raises:
        InputError: it can't be made so.
        DeniedError: nobody's own key signs here.
    """
    return lend_token(session, check_token(session, request))


def lend_token(session: Session, new: admitting.Begun) -> str:
    """Put a token into force that `check_token` gave; return its secret.

    Raises:
        DeniedError: nobody's own key signs here.
    """
    if session.custody.key is None:
        raise DeniedError("a token needs your own key's signature", "name your key: --key FILE")
    session.custody.decide(lambda connection: [new.draft(connection, "token")])
    return new.keep(session.vault.engine, "token")
