"""Erasure by order: what an `erase` entry of the log says is gone, made so on this disk.

    durable intent (the commit) -> entry -> effect

The entry names fields of entries, and objects. Its effect: these fields leave the bodies (their
commitments and all proofs stay), the objects are destroyed unless another case holds them, and so
is what was derived from them: records, timeline, text index, rows. `vault/erased` says up to
which entry that is done; a restored backup has none, so there everything is done once more.
"""

from __future__ import annotations

import fcntl
import shutil
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.core import durable
from holdfast.core.errors import DeniedError, HoldfastError, InputError, RemoteError
from holdfast.vault import database, leases, served, tables
from holdfast.vault.backup import Erased

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from sqlalchemy import Connection

    from holdfast.vault.store import Store
    from holdfast.vault.vault import Vault

DONE = "erased"
"""The file, beside `log/` and `entries/`, with the number of entries whose erasures are done."""


def done(root: Path) -> int:
    """Return up to which entry the erasures were carried out on the files under `root`."""
    try:
        return int((root / DONE).read_bytes())
    except (FileNotFoundError, ValueError):
        return 0


def pending(vault: Vault) -> list[int]:
    """Return the entries that erase something which may still be here."""
    orders = tables.orders
    query = select(orders.c.entry).where(orders.c.entry >= done(vault.root / "vault"))
    with database.guarded(vault.engine), vault.engine.connect() as connection:
        return list(connection.scalars(query.order_by(orders.c.entry)))


def finish(vault: Vault, mend: Callable[[str], None] = lambda _case: None) -> None:
    """Carry out what the log says is erased and is not known to be.

    `mend` is called for each case that lost its timeline and text index by it.

    May be repeated, and by several processes at once.

    Raises:
        IntegrityError: a body that is to be changed is missing or damaged.
        ConflictError: another process holds the log, the database, or the store.
        DeniedError: a store has an object locked; any later command tries again.
        OSError: the disk refused; any later command goes on.
        RemoteError: a store does not answer; any later command goes on.
    """
    entries = pending(vault)
    if not entries:
        return
    with database.guarded(vault.engine), vault.engine.connect() as connection:
        fields = fields_of(connection, entries)
        objects = _objects(connection, entries)
        items, cases = _derived(connection, entries)
    vault.log.erase(fields)
    refused = _destroy(vault, objects)
    for item in items:
        _remove(vault.derived / item)
    leases.forget(vault.engine, items)
    cases = [case for case in cases if _remove(vault.index(case))]
    _remove_abandoned(vault.derived)
    served.forget(vault)
    for folder in (vault.derived, vault.root / "index"):
        durable.sync_filesystem(folder)
    database.scour(vault.engine)
    if refused is None:
        durable.replace(vault.root / "vault" / DONE, b"%d\n" % (entries[-1] + 1), 0o644)
    for case in cases:
        mend(case)
    if refused is not None:
        raise refused


def resume(vault: Vault) -> None:
    """Carry out what can be by now: a store that is away or locked stops no other work.

    Raises:
        As `finish`, but for what a store refuses; that is tried again by the next command.
    """
    with suppress(DeniedError, InputError, RemoteError):
        finish(vault)


def _destroy(vault: Vault, objects: list[str]) -> HoldfastError | None:
    """Destroy objects wherever the vault has them; return what one of the stores refused with."""
    refused: HoldfastError | None = None
    with vault.gathering():
        replica = vault.replica()
        for store in (vault.store, *([] if replica is None else [replica])):
            try:
                store.destroy(objects, lambda digests: _still_held(vault, digests))
            except (DeniedError, InputError, RemoteError) as error:
                refused = refused or error
            except OSError as error:
                if store is vault.store:
                    raise
                # A disk that is not mounted just now stops no other work.
                refused = refused or RemoteError(
                    f"the replica {store.where} can't be written: {error.strerror}",
                    "make it available; then any command finishes the erasure there",
                )
    return refused


def clear(vault: Vault, store: Store, only: Collection[str] | None = None) -> None:
    """Destroy in `store` what orders took out of the vault and nothing holds.

    `only` names the objects that may have come there meanwhile; all, if left out.

    Raises:
        DeniedError: the store has an object locked.
        RemoteError: the store does not answer.
    """
    vault.fold()
    with database.guarded(vault.engine), vault.engine.connect() as connection:
        objects = everything(connection).objects
    found = [one for one in objects if only is None or one in only]
    if found:
        store.destroy(found, lambda digests: _still_held(vault, digests))


def fields_of(connection: Connection, entries: Iterable[int]) -> dict[int, set[str]]:
    """Return which fields, by entry, the erasures `entries` take."""
    table = tables.erasures
    found: dict[int, set[str]] = defaultdict(set)
    for erased in entries:
        query = select(table.c.entry, table.c.field).where(table.c.erased == erased)
        for entry, field in connection.execute(query):
            found[entry].add(field)
    return found


def everything(connection: Connection) -> Erased:
    """Return what all orders together took: the fields, and the objects that nothing holds."""
    orders = connection.scalars(select(tables.orders.c.entry).order_by(tables.orders.c.entry)).all()
    if not orders:
        return Erased({}, ())
    return Erased(fields_of(connection, orders), _objects(connection, [orders[0], orders[-1]]))


def _objects(connection: Connection, entries: list[int]) -> list[str]:
    """Return the objects that the erasures `entries` destroy and nothing holds."""
    table = tables.destroyed
    query = select(table.c.object).where(table.c.erased.between(entries[0], entries[-1]))
    found = list(connection.scalars(query.distinct().order_by(table.c.object)))
    held = _held(connection, found)
    return [digest for digest in found if digest not in held]


def _derived(connection: Connection, entries: list[int]) -> tuple[list[str], list[str]]:
    """Return the items whose derived data goes, and the cases whose index does.

    What was derived holds the name that a file was collected under, so it goes where the same
    bytes stay under another name or in another case, too: it can be made again.
    """
    erasures, held = tables.erasures, tables.exhibits
    erased = erasures.c.erased.between(entries[0], entries[-1])
    about = select(held.c.item).join(erasures, erasures.c.entry == held.c.entry).where(erased)
    items = connection.scalars(about.distinct().order_by(held.c.item)).all()
    cases = select(held.c.case).where(held.c.item.in_(about)).distinct().order_by(held.c.case)
    return list(items), list(connection.scalars(cases))


def _held(connection: Connection, digests: list[str]) -> set[str]:
    """Return which objects an exhibit still holds."""
    held, found = tables.exhibits, set[str]()
    for at in range(0, len(digests), 500):
        query = select(held.c.object).where(held.c.object.in_(digests[at : at + 500]))
        found.update(connection.scalars(query.where(held.c.erased.is_(None))))
    return found


def _still_held(vault: Vault, digests: list[str]) -> set[str]:
    """Ask the log as it is now: a collection may have entered these very bytes meanwhile."""
    vault.fold()
    with database.guarded(vault.engine), vault.engine.connect() as connection:
        return _held(connection, digests)


def _remove(folder: Path) -> bool:
    """Remove a folder; say whether it was there."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return False
    return True


def _remove_abandoned(derived: Path) -> None:
    """Remove what a killed examination left half done: the lock of a live one is held."""
    for found in derived.glob(".tmp-*"):
        with suppress(FileNotFoundError, BlockingIOError), (found / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(found)
