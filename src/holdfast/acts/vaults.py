"""Acts on the vault itself: make it, add people's keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.acts.act import Needs, Session, act
from holdfast.core import durable
from holdfast.core.errors import InputError
from holdfast.vault import tables
from holdfast.vault.config import DEMANDS
from holdfast.vault.entry import Draft
from holdfast.vault.keys import check_operator
from holdfast.vault.places import normal
from holdfast.vault.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class NewVault:
    """What a vault is to be; nothing of it can change later."""

    root: Path
    operator: str
    origin: str = ""
    sealed: bool = False
    database: str = ""
    keys: str = ""
    require: tuple[str, ...] = ()
    store: str = ""
    """Where objects go; empty: into the vault's folder."""


def init(request: NewVault) -> Session:
    """Make a vault, enter its settings and the key of its first operator.

    Not an `Act`: there is no log yet that could refuse it.

    Raises:
        InputError: the folder is in use, or a setting is unknown.
    """
    unknown = [demand for demand in request.require if demand not in DEMANDS]
    if unknown:
        raise InputError(
            f"{unknown[0]!r} is nothing a policy can demand", f"choose from {', '.join(DEMANDS)}"
        )
    check_operator(request.operator)
    vault = Vault.create(
        request.root,
        origin=request.origin,
        sealed=request.sealed,
        database_url=request.database,
        keys=request.keys,
        require=request.require,
        store=request.store and normal(request.store, request.root),
    )
    promises = vault.store.probe().as_json()
    signer = vault.keyring.add_operator(request.operator)
    session = Session(vault, request.operator)
    settings: dict[str, Json] = {
        "log": vault.config.vkey,
        "require": list(request.require),
        "sealed": request.sealed,
    }
    if vault.config.store:
        settings["store"] = {"address": vault.config.store, "promises": promises}
    session.custody.enter(
        Draft("vault.init", None, {"settings": settings}),
        Draft("operator.add", None, {"operator": _public(request.operator, str(signer.verifier))}),
    )
    # Last, because it makes the folder a vault: an `init` that was cut short left none.
    with durable.disk_errors(vault.root):
        vault.config.save(vault.root)
    return session


@dataclass(frozen=True)
class NewOperator:
    """Whose key is to be made."""

    name: str
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"name": self.name}


@act("operator.add", Needs.NOTHING)
def add_operator(session: Session, request: NewOperator) -> str:
    """Make a signing key for an operator and enter its public half; return it as a vkey.

    Raises:
        InputError: the name can't be one, or has a key already.
    """
    check_operator(request.name)
    # A key without an entry is what an `operator add` that was cut short left: it is entered now.
    vkey = str(session.vault.keyring.add_operator(request.name).verifier)

    def build(connection: Connection) -> Sequence[Draft]:
        table = tables.operators
        if connection.scalar(select(table.c.name).where(table.c.vkey == vkey)) is not None:
            raise InputError(
                f"{request.name} has a key already", "use it, or name another operator"
            )
        return [Draft("operator.add", None, {"operator": _public(request.name, vkey)})]

    session.custody.decide(build)
    return vkey


def operators(session: Session) -> list[dict[str, str]]:
    """Return the operators that have keys, by name."""
    session.vault.current()
    table = tables.operators
    query = select(table.c.name, table.c.vkey).order_by(table.c.name)
    return session.look_up(
        lambda connection: [
            {"operator": name, "vkey": vkey} for name, vkey in connection.execute(query)
        ]
    )


def _public(name: str, vkey: str) -> dict[str, Json]:
    return {"key_id": vkey.split("+")[1], "name": name, "vkey": vkey}
