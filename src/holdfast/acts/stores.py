"""Acts on the place where objects lie: copy them to another, move there, name a replica."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.cases import exhibits
from holdfast.core import durable
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import erasure, settings, transfer
from holdfast.vault.entry import Draft
from holdfast.vault.places import normal, other_at, same, store_at

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.vault.store import Promises, Store
    from holdfast.vault.vault import Vault

_AT_ONCE = 1000
"""Objects that are removed in one step."""


@dataclass(frozen=True)
class Place:
    """Another store."""

    to: str
    """As a person gave it."""
    jobs: int = 4
    keep: bool = False
    """After a move, leave the old objects where they are."""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"keep": self.keep, "to": self.to}


@dataclass(frozen=True)
class Outcome:
    """What a copy or a move came to."""

    address: str
    where: str
    carried: transfer.Carried
    checked: int
    """Objects read back from there."""
    removed: int = 0
    locked: int = 0
    """Old objects that the old store does not let go of yet."""

    def as_json(self) -> dict[str, Json]:
        """Return what `vault copy --json` and `vault move --json` print."""
        return {
            "bytes": self.carried.bytes,
            "carried": self.carried.objects,
            "checked": self.checked,
            "locked": self.locked,
            "removed": self.removed,
            "store": self.address,
        }


def told(vault: Vault, name: str) -> dict[str, Json]:
    """Return what the log says of a store: `store` or `replica`; empty where it says nothing."""
    with vault.engine.connect() as connection:
        value = settings.read(connection, name)
    return value if isinstance(value, dict) else {}


def _address(session: Session, given: str) -> str:
    if given:
        return normal(given, session.vault.root)
    address = told(session.vault, "replica").get("address")
    if not isinstance(address, str):
        raise InputError("no place is named, and the vault has no replica", "name one: --to STORE")
    return address


def _opened(session: Session, address: str) -> tuple[Store, Promises]:
    """Return a store that was tried out.

    Raises:
        InputError: it is where the objects lie already.
        RemoteError: it does not do what a store must.
    """
    vault = session.vault
    if same(address, vault.config.store):
        raise InputError("the vault's objects lie there already", "name another place")
    target = other_at(address, vault.root)
    with durable.disk_errors(vault.root):
        target.create()
        return target, target.probe()


@act("vault.copy", Needs.NOTHING)
def copy_objects(session: Session, request: Place) -> Outcome:
    """Copy every object to another store, and read all of them back.

    Raises:
        InputError: no place is named, or it can be none.
        IntegrityError: an object is damaged, here or there.
        RemoteError: a store does not do its part; repeating goes on.
    """
    address = _address(session, request.to)
    target, promises = _opened(session, address)
    place: Json = {"address": address, "promises": promises.as_json()}
    session.custody.enter(Draft("vault.copy", None, {"place": place}))
    source = session.vault.store
    with durable.disk_errors(session.vault.root):
        carried = transfer.carry(source, target, session.progress)
        checked = transfer.read_back(source.digests(), target, request.jobs, session.progress)
        # An older copy there must lose what was erased here since.
        erasure.clear(session.vault, target)
    totals: Json = {"bytes": carried.bytes, "carried": carried.objects, "checked": checked}
    session.custody.enter(Draft("vault.copy.end", None, {"place": place, "totals": totals}))
    return Outcome(address, target.where, carried, checked)


@act("vault.move", Needs.NOTHING)
def move_objects(session: Session, request: Place) -> Outcome:
    """Move the objects to another store: copied, read back, switched by an entry, then removed.

    Raises:
        ConflictError: others are collecting.
        InputError: the place can be none.
        IntegrityError: an object is damaged, here or there; nothing is switched or removed.
        RemoteError: a store does not do its part; repeating goes on.
    """
    vault = session.vault
    address = normal(request.to, vault.root)
    before = told(vault, "store").get("from")
    if address == vault.config.store and isinstance(before, str):
        # A move that was cut short after the switch: what is left is to clear the old place.
        checked = transfer.read_back(
            vault.store.digests(), vault.store, request.jobs, session.progress
        )
        return _clear(
            session, request, before, Outcome(address, vault.store.where, _none(), checked)
        )
    target, promises = _opened(session, address)
    session.custody.enter(
        Draft("vault.move", None, {"request": {**request.facts(), "to": address}})
    )
    old, source = vault.config.store, vault.store
    with durable.disk_errors(vault.root):
        carried = transfer.carry(source, target, session.progress)
        checked = transfer.read_back(source.digests(), target, request.jobs, session.progress)
        with vault.alone():
            # What others have collected meanwhile, or left when they died.
            vault.recover(lambda names: session.look_up(lambda c: exhibits.entered(c, names)))
            late = list(transfer.absent(source, target))
            more = transfer.carry(source, target, session.progress)
            checked += transfer.read_back(late, target, request.jobs, session.progress)
            transfer.check_no_others(source, target)
            # As the vault's own it stages elsewhere than as a target.
            store_at(address, vault.root).create()
            value: Json = {"address": address, "from": old, "promises": promises.as_json()}
            session.custody.enter(settings.change("store", value))
            vault.follow(address)
    total = transfer.Carried(carried.objects + more.objects, carried.bytes + more.bytes)
    return _clear(session, request, old, Outcome(address, target.where, total, checked))


def _none() -> transfer.Carried:
    return transfer.Carried()


def _clear(session: Session, request: Place, old: str, so_far: Outcome) -> Outcome:
    """Remove from the old place what the new one was seen to have; a lock there is respected."""
    vault = session.vault
    if request.keep:
        return so_far
    source = other_at(old, vault.root)
    session.custody.enter(Draft("vault.move.end", None, {"from": old, "to": so_far.address}))
    locked = 0
    # What a removal before was killed in has left its place already.
    removed = _remove(source, vault.store, [])
    every = source.digests()
    while group := list(islice(every, _AT_ONCE)):
        try:
            removed += _remove(source, vault.store, group)
        except DeniedError:
            for digest in group:
                try:
                    removed += _remove(source, vault.store, [digest])
                except DeniedError:
                    locked += 1
    return Outcome(so_far.address, so_far.where, so_far.carried, so_far.checked, removed, locked)


def _remove(old: Store, new: Store, digests: list[str]) -> int:
    """Remove objects that the new store has from the old one; return how many went."""
    removed = 0

    def lacking(names: list[str]) -> set[str]:
        nonlocal removed
        stay = {name for name in names if new.size(name) is None}
        removed = len(names) - len(stay)
        return stay

    old.destroy(digests, lacking)
    return removed


@act("vault.replica", Needs.NOTHING)
def set_replica(session: Session, request: Place) -> str:
    """Name the store that damage is repaired from, or none; return its address.

    Raises:
        InputError: it can be none, or it is the vault's own store.
        RemoteError: it does not do what a store must.
    """
    if not request.to:
        session.custody.enter(settings.change("replica", None))
        return ""
    address = normal(request.to, session.vault.root)
    _, promises = _opened(session, address)
    value: Json = {"address": address, "promises": promises.as_json()}
    session.custody.enter(settings.change("replica", value))
    return address
