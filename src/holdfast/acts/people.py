"""Acts on people: their keys, and the roles that the log binds to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from holdfast.acts.act import Needs, Session, act
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import roles as rights
from holdfast.vault import signing, tables
from holdfast.vault.entry import Draft
from holdfast.vault.keys import check_operator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class NewOperator:
    """Whose key is entered, and which roles it begins with."""

    name: str
    roles: tuple[str, ...] = ("investigator",)
    public: str = ""
    """The public key (a vkey) of somebody whose private key never comes here; else one is made."""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"name": self.name, "roles": list(self.roles)}


@act("operator.add", Needs.NOTHING)
def add_operator(session: Session, request: NewOperator) -> str:
    """Enter an operator's public key, making the pair unless it is given; return it as a vkey.

    Raises:
        InputError: the name can't be one, or has a key already.
        DeniedError: the roles are more than the one who acts may give.
    """
    check_operator(request.name)
    given = rights.check(request.roles)
    if request.public:
        vkey = named(request.name, request.public)
    else:
        # A key without an entry is what an `operator add` that was cut short left: it is entered.
        vkey = str(session.vault.keyring.add_operator(request.name).verifier)

    def build(connection: Connection) -> Sequence[Draft]:
        _check_gift(session, connection, given)
        table = tables.operators
        query = select(table.c.name).where(
            (table.c.vkey == vkey) | (table.c.name == request.name) & table.c.ended.is_(None)
        )
        if connection.scalar(query) is not None:
            raise InputError(
                f"{request.name} has a key already",
                "use it, replace it (`holdfast operator rotate`), or name another operator",
            )
        fields: dict[str, Json] = {"operator": public(request.name, vkey), "roles": [*given]}
        return [Draft("operator.add", None, fields)]

    session.custody.decide(build)
    return vkey


def named(name: str, vkey: str) -> str:
    """Return a public key in its one form.

    Raises:
        InputError: it is none, or bears another name.
    """
    verifier = signing.parse(vkey)
    if verifier.name != name.replace(" ", "_"):
        raise InputError(
            f"this key is of {verifier.name!r}, not of {name!r}",
            "a key bears the operator's name, with _ for spaces",
        )
    return str(verifier)


def public(name: str, vkey: str) -> dict[str, Json]:
    """Return an operator's key as entries have it."""
    return {"key_id": vkey.split("+")[1], "name": name, "vkey": vkey}


def _check_gift(session: Session, connection: Connection, given: Sequence[str]) -> None:
    """Raise where a role that approves is given by somebody who has none.

    Raises:
        DeniedError: only who may approve may make others such.
    """
    more = [role for role in given if role in rights.GIVEN_BY_APPROVERS]
    if more and not set(rights.held(connection, session.operator)) & set(rights.APPROVING):
        raise DeniedError(
            f"{session.operator} may not make anybody {more[0]}: that needs "
            f"{' or '.join(rights.APPROVING)}",
            "have it done by somebody who is; see `holdfast operator list`",
        )


@dataclass(frozen=True)
class ChangeRoles:
    """Which roles an operator gets and loses."""

    name: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"added": list(self.added), "name": self.name, "removed": list(self.removed)}


@act("operator.role", Needs.NOTHING)
def change_roles(session: Session, request: ChangeRoles) -> tuple[str, ...]:
    """Give roles and take them; return those that the operator holds then.

    Raises:
        InputError: nothing changes, or there is no such operator.
        DeniedError: the roles are more than the one who acts may give or take.
    """
    added, removed = rights.check(request.added), rights.check(request.removed)

    def build(connection: Connection) -> Sequence[Draft]:
        if not rights.known(connection, request.name):
            raise InputError(f"nobody is called {request.name!r}", "see `holdfast operator list`")
        _check_gift(session, connection, [*added, *removed])
        holds = set(rights.held(connection, request.name))
        gets, loses = set(added) - holds, set(removed) & holds
        if (not gets and not loses) or set(added) & set(removed):
            raise InputError(
                f"that changes nothing: {request.name} is {', '.join(sorted(holds)) or 'nothing'}",
                "give --add ROLE or --remove ROLE",
            )
        change: dict[str, Json] = {
            "added": [*rights.check(gets)],
            "name": request.name,
            "removed": [*rights.check(loses)],
        }
        return [Draft("operator.role", None, {"change": change})]

    session.custody.decide(build)
    return session.look_up(lambda connection: rights.held(connection, request.name))


@dataclass(frozen=True)
class EndKey:
    """Whose key ends, why, and what comes after it."""

    name: str
    reason: str = ""
    public: str = ""
    """Of a rotation: the new public key, where the private one never comes here."""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"name": self.name, "reason": self.reason}


@act("operator.rotate", Needs.NOTHING)
def rotate(session: Session, request: EndKey) -> str:
    """End an operator's key and enter the next; return it as a vkey.

    Oneself, with the old key; or somebody who may approve, where it is lost.

    Raises:
        InputError: no such operator, or the key is not new.
        DeniedError: not one's own, and no role for it.
    """
    if request.public:
        vkey = named(request.name, request.public)
    else:
        vkey = str(session.vault.keyring.next_operator(request.name).verifier)
    _end(session, "operator.rotate", request, vkey)
    if not request.public:
        session.vault.keyring.take_next(request.name)
    return vkey


@act("operator.revoke", Needs.NOTHING)
def revoke(session: Session, request: EndKey) -> None:
    """End an operator's key because it is compromised or its holder has left.

    What it signed before that entry stays signed; nothing after it counts.

    Raises:
        InputError: no reason, or no such operator.
        DeniedError: not one's own, and no role for it.
    """
    if not request.reason.strip():
        raise InputError("a revocation needs a reason", "say it: --reason TEXT")
    _end(session, "operator.revoke", request, None)
    session.vault.keyring.retire(request.name)


def _end(session: Session, name: str, request: EndKey, vkey: str | None) -> None:
    def build(connection: Connection) -> Sequence[Draft]:
        # Who has several keys replaces the one they sign with, and loses all.
        all_ = _current(connection, request.name)
        old = session.custody.key if session.custody.key in all_ else all_[0]
        others = [one for one in all_ if one != old]
        if request.name != session.operator or session.custody.key is None:
            _check_gift(session, connection, rights.APPROVING)
        known = tables.operators
        if vkey is not None and connection.scalar(select(known.c.name).where(known.c.vkey == vkey)):
            raise InputError("that key is in the log already", "make a new one")
        fields: dict[str, Json] = {"ended": public(request.name, old), "reason": request.reason}
        end = Draft(name, None, fields)
        if vkey is None:
            lost: dict[str, Json] = {"reason": request.reason}
            drops = [{"ended": public(request.name, one), **lost} for one in others]
            return [*(Draft("operator.drop", None, fields) for fields in drops), end]
        # As any key is introduced; the old one's last act is its own end.
        added: dict[str, Json] = {"operator": public(request.name, vkey), "roles": []}
        return [Draft("operator.add", None, added), end]

    session.custody.decide(build)


def _current(connection: Connection, name: str) -> list[str]:
    """Return the vkeys that are in force for `name`, oldest first.

    Raises:
        InputError: none.
    """
    table = tables.operators
    query = select(table.c.vkey).where(table.c.name == name, table.c.ended.is_(None))
    found = list(connection.scalars(query.order_by(table.c.entry)))
    if not found:
        raise InputError(f"no key of {name!r} is in force", "see `holdfast operator list`")
    return found


def operators(session: Session) -> list[dict[str, Any]]:
    """Return the operators' keys, by name, with the roles held now and where a key ended."""
    session.vault.current()
    table = tables.operators
    query = select(table.c.name, table.c.vkey, table.c.ended).order_by(table.c.name, table.c.entry)
    return session.look_up(
        lambda connection: [
            {
                "ended": ended,
                "operator": name,
                "roles": list(rights.held(connection, name)) if ended is None else [],
                "vkey": vkey,
            }
            for name, vkey, ended in connection.execute(query).all()
        ]
    )
