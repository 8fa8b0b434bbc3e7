"""`vault`: copy or move the objects to another store, name a replica, tell where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.acts import stores
from holdfast.cli.common import JOBS, JSON, Where, emit, progress, say, size_text, warn, where

if TYPE_CHECKING:
    from holdfast.acts.stores import Outcome

TO = click.option(
    "--to", default="", metavar="STORE", help="s3://BUCKET/PREFIX?endpoint=URL, or a folder."
)


@click.group()
def vault() -> None:
    """Copy or move the objects to another store, name a replica."""


@vault.command("copy")
@where
@TO
@JOBS
@JSON
def vault_copy(place: Where, *, to: str, jobs: int, as_json: bool) -> None:
    """Copy every object to STORE, or to the replica if none is named; repeat it to bring it up.

    Every object is hashed on the way and read back at the end. An interrupted copy goes on where
    it was cut.

    \b
    Example:
      holdfast vault copy --to /mnt/replica/unit7
    """
    with place.session() as session, progress("Copying", "objects") as session.progress:
        done = stores.copy_objects(session, stores.Place(to, jobs))
    _tell(done, "Copied", as_json=as_json)


@vault.command("move")
@where
@click.option("--to", required=True, metavar="STORE", help="As for `copy`.")
@click.option("--keep", is_flag=True, help="Leave the objects in the old place, too.")
@JOBS
@JSON
def vault_move(place: Where, *, to: str, keep: bool, jobs: int, as_json: bool) -> None:
    """Move the objects to STORE: copied, read back, switched by one entry, then removed here.

    Nobody can collect while it is switched. Repeat it after an interruption, whatever it was.

    \b
    Example:
      holdfast vault move --to 's3://evidence/unit7?endpoint=https://s3.unit.example&lock=3650'
    """
    with place.session() as session, progress("Moving", "objects") as session.progress:
        done = stores.move_objects(session, stores.Place(to, jobs, keep))
    _tell(done, "Moved", as_json=as_json)
    if done.locked:
        warn(f"{done.locked} objects stay in the old store, which has locked them for now")


def _tell(done: Outcome, what: str, *, as_json: bool) -> None:
    if as_json:
        emit(done.as_json())
        return
    size = size_text(done.carried.bytes)
    say(f"{what} {done.carried.objects} objects ({size}) to {done.where}; {done.checked} read back")
    if done.removed:
        say(f"Removed {done.removed} from the old store")


@vault.command("replica")
@where
@TO
@click.option("--none", "no_replica", is_flag=True, help="Have none any more.")
@JSON
def vault_replica(place: Where, *, to: str, no_replica: bool, as_json: bool) -> None:
    """Name the store, or the folder of a backup, that damaged objects are repaired from.

    \b
    Example:
      holdfast vault replica --to /mnt/replica/unit7
    """
    if bool(to) == no_replica:
        raise click.UsageError("name one, --to STORE, or --none")
    with place.session() as session:
        address = stores.set_replica(session, stores.Place(to))
    if as_json:
        emit({"replica": address or None})
    elif address:
        say(f"Damage is repaired from {address}; fill it:  holdfast vault copy")
    else:
        say("The vault has no replica any more")


@vault.command("show")
@where
@JSON
def vault_show(place: Where, *, as_json: bool) -> None:
    """Tell where the objects and their replica lie, and what those stores were seen to do.

    \b
    Example:
      holdfast vault show --json
    """
    with place.session() as session:
        found = {name: stores.told(session.vault, name) for name in ("store", "replica")}
        own = session.vault.store.where
    if as_json:
        emit({"replica": found["replica"] or None, "store": found["store"] or {"address": ""}})
        return
    say(f"objects  {own}")
    say(f"replica  {found['replica'].get('address', 'none')}")
