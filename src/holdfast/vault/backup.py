"""Copy a vault so that the copy can be checked and put back: objects, log, bodies, settings.

A backup is a vault's folder without keyring, database and derived data: the first is kept apart,
the others are made anew. It grows by repetition: what it has already is not copied again. The
checkpoint is written last, so an interrupted backup is an older one with extra files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core import durable
from holdfast.core.digest import CHUNK
from holdfast.core.errors import InputError, IntegrityError
from holdfast.vault.config import NAME, Config
from holdfast.vault.stores.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.log import Log
    from holdfast.vault.store import Store


def copy(
    source: Path,
    target: Path,
    log: Log,
    tell: Callable[[int, int | None, str], None],
    objects: Store | None = None,
) -> Checkpoint:
    """Copy the vault at `source` to `target`, new or an older backup of it; return the head copied.

    Every object is hashed while it is copied. Wherever they lie (`objects`; in `source`, if left
    out), the copy has them as files: a backup that needs another machine to be whole is none.

    Raises:
        InputError: `target` holds something else.
        IntegrityError: an object is not what its name says, or the log is damaged.
    """
    head = log.head()
    _claim(source, target)
    store = LocalStore(target / "vault")
    store.create()
    held = objects or LocalStore(source / "vault")
    for done, digest in enumerate(held.digests()):
        _copy_object(held, digest, store.path(digest))
        tell(done, None, digest)
    for path in _log_files(source):
        place = target / path.relative_to(source)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place.with_name(f".{place.name}"))
            place.with_name(f".{place.name}").replace(place)
    durable.sync_filesystem(target)
    text = (source / "vault" / "log" / "checkpoint").read_bytes()
    durable.replace(target / "vault" / "log" / "checkpoint", text)
    return head


def _claim(source: Path, target: Path) -> None:
    """Make `target` a backup of this vault, or see that it is one.

    Raises:
        InputError: it is something else, or lies inside the vault.
    """
    real = target.resolve()
    if real == source.resolve() or source.resolve() in real.parents:
        raise InputError(f"{target} lies in the vault itself", "back up to another disk")
    config = Config.load(source)
    if (target / NAME).exists():
        if Config.load(target).vkey != config.vkey:
            raise InputError(f"{target} is a backup of another vault", "name another folder")
    elif target.exists() and any(target.iterdir()):
        raise InputError(f"{target} holds something else", "name a new or empty folder")
    target.mkdir(parents=True, exist_ok=True)
    (target / "vault" / "log" / "commits").mkdir(parents=True, exist_ok=True)
    (target / "vault" / "entries").mkdir(parents=True, exist_ok=True)
    config.save(target)


def _log_files(source: Path) -> Iterator[Path]:
    """Yield tiles and bodies; commits and locks belong to a vault at work, not to its copy."""
    for root in (source / "vault" / "log" / "tile", source / "vault" / "entries"):
        for folder, _folders, names in os.walk(root):
            yield from (Path(folder) / name for name in sorted(names) if name[0] != ".")


def _copy_object(held: Store, digest: str, place: Path) -> None:
    """Copy one object unless it is there; compare its digest with its name on the way.

    Raises:
        IntegrityError: it is not what its name says.
    """
    if place.exists() and place.stat().st_size == held.size(digest):
        return
    temporary = place.with_name(f".{place.name}")
    hasher = hashlib.sha256()
    with held.open(digest) as reader, temporary.open("wb") as writer:
        while chunk := reader.read(CHUNK):
            hasher.update(chunk)
            writer.write(chunk)
    if hasher.hexdigest() != digest:
        temporary.unlink()
        raise IntegrityError(
            f"the object {digest} in {held.where} was altered: its SHA-256 is {hasher.hexdigest()}",
            "it was not copied; restore it from an older backup, then back up again",
        )
    temporary.chmod(0o444)
    temporary.replace(place)
