"""Acts on the vault itself: make it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts.act import Session
from holdfast.acts.people import public
from holdfast.core import durable
from holdfast.core.errors import InputError
from holdfast.vault import roles
from holdfast.vault.config import DEMANDS
from holdfast.vault.entry import Draft
from holdfast.vault.keys import check_operator
from holdfast.vault.places import normal
from holdfast.vault.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

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
    key = public(request.operator, str(signer.verifier))
    settings: dict[str, Json] = {
        "log": vault.config.vkey,
        "require": list(request.require),
        "sealed": request.sealed,
    }
    if vault.config.second:
        settings["log_mldsa"] = vault.config.second
    if vault.config.store:
        settings["store"] = {"address": vault.config.store, "promises": promises}
    session.custody.enter(
        Draft("vault.init", None, {"settings": settings}),
        Draft("operator.add", None, {"operator": key, "roles": [*roles.FIRST]}),
    )
    # Last, because it makes the folder a vault: an `init` that was cut short left none.
    with durable.disk_errors(vault.root):
        vault.config.save(vault.root)
    return session
