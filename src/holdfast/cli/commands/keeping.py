"""`backup`, `restore`, `rebuild`: keep the vault."""

from __future__ import annotations

from pathlib import Path

import click

from holdfast.acts import keeping
from holdfast.cli.common import JSON, Where, emit, progress, say, warn, where
from holdfast.core.errors import InputError
from holdfast.vault.config import NAME


@click.command()
@where
@click.argument("target", metavar="DIR")
@click.option("--keys-to", default="", metavar="DIR", help="Copy the keyring there, on its own.")
@JSON
def backup(place: Where, *, target: str, keys_to: str, as_json: bool) -> None:
    """Copy objects, log and settings to DIR; repeat it to bring the copy up to date.

    The keys are not in it: a copy of a sealed vault with its keys would be sealed no more.

    \b
    Example:
      holdfast backup /mnt/backup/unit7 --keys-to /mnt/safe/unit7-keys
    """
    with place.session() as session, progress("Backing up", "objects") as session.progress:
        head = keeping.backup(session, keeping.Backup(target, keys_to))
    if as_json:
        emit({"keys": keys_to or None, "size": head.size, "target": target})
        return
    say(f"Copied the vault with {head.size} entries to {target}")
    if not keys_to:
        warn("the keys are not in it; keep them apart: --keys-to DIR")


@click.command()
@where
@click.argument("source", required=False, metavar="[BACKUP]")
@click.option("--keys", default="", metavar="DIR", help="Where the keys' backup lies.")
@click.option("--accept-loss", default="", metavar="REASON", help="Go on though entries are lost.")
@click.option(
    "--new-origin", default="", metavar="ORIGIN", help="As another log: see `log continue-as`."
)
@click.option("--cosigned", default="", metavar="FILE", help="The larger checkpoint, with it.")
@JSON
def restore(
    place: Where,
    *,
    source: str | None,
    keys: str,
    accept_loss: str,
    new_origin: str,
    cosigned: str,
    as_json: bool,
) -> None:
    """Put BACKUP back into the vault's folder, which must be new or empty.

    Where the log was seen with more entries than the backup has, that is said and refused; with
    --accept-loss the loss becomes an entry and work goes on. Without BACKUP, that is done to the
    vault as it lies. Where witnesses signed more of the log than is left, they will sign no more of
    it: go on under a --new-origin.

    \b
    Example:
      holdfast restore /mnt/backup/unit7 --vault /srv/unit7 --keys /mnt/safe/unit7-keys
    """
    if new_origin and not accept_loss:
        raise click.UsageError("--new-origin needs the loss it is for: --accept-loss REASON")
    if source is None and not accept_loss:
        raise click.UsageError("name a BACKUP, or the loss to admit: --accept-loss REASON")
    if source is not None and not (Path(source) / NAME).exists():
        raise InputError(
            f"there is no backup at {source}", "name the folder that `holdfast backup` wrote"
        )
    with progress("Restoring", "objects") as tell:
        done = keeping.restore(
            place.root,
            place.operator,
            source=None if source is None else Path(source),
            keys=Path(keys) if keys else None,
            accept_loss=accept_loss,
            new_origin=new_origin,
            cosigned=Path(cosigned).read_bytes() if cosigned else b"",
            progress=tell,
        )
    if as_json:
        emit({"lost": done.lost, "size": done.head.size, "vault": str(place.root)})
    else:
        say(f"Restored {done.head.size} entries; run `holdfast verify`")
    if done.lost:
        warn(f"{done.lost} entries are lost; the log says so")


@click.command()
@where
@JSON
def rebuild(place: Where, *, as_json: bool) -> None:
    """Fold the database from the log again: after it was deleted, damaged or edited.

    \b
    Example:
      holdfast rebuild --vault /srv/unit7
    """
    with place.session(recover=False) as session:
        head = keeping.rebuild(session)
    if as_json:
        emit({"size": head.size})
    else:
        say(f"Rebuilt the database from {head.size} entries")
