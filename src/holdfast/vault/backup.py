"""Copy a vault so that the copy can be checked and put back: objects, log, bodies, settings.

A backup is a vault's folder without keyring, database and derived data: the first is kept apart,
the others are made anew. It grows by repetition: what it has already is not copied again. The
checkpoint is written last, so an interrupted backup is an older one with extra files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core import durable
from holdfast.core.digest import CHUNK
from holdfast.core.errors import InputError, IntegrityError
from holdfast.vault.config import NAME, Config
from holdfast.vault.cosigned import Cosigned
from holdfast.vault.eras import PublicKeys
from holdfast.vault.log import Log
from holdfast.vault.stamp_files import StampFiles
from holdfast.vault.stores.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.store import Store


@dataclass(frozen=True)
class Erased:
    """What orders took out of a vault: an older copy of it must lose that, too."""

    fields: Mapping[int, Collection[str]]
    """By entry."""
    objects: Sequence[str]
    """Those that nothing holds."""


def copy(
    source: Path,
    target: Path,
    log: Log,
    tell: Callable[[int, int | None, str], None],
    *,
    erased: Erased | None = None,
    objects: Store | None = None,
) -> Checkpoint:
    """Copy the vault at `source` to `target`, new or an older backup of it; return the head copied.

    Every object is hashed while it is copied. Wherever they lie (`objects`; in `source`, if left
    out), the copy has them as files: a backup that needs another machine to be whole is none. What
    orders erased since an older copy was made goes from it, too.

    Raises:
        InputError: `target` holds something else.
        IntegrityError: an object is not what its name says, or the log is damaged.
    """
    text, head = _head(source, log)
    config = _claim(source, target)
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
    _copy_cosigned(Cosigned(source / "vault" / "log"), target, head)
    for until in (era.until for era in log.eras.before(head.size) if era.until is not None):
        place = target / log.former(until).relative_to(source)
        place.parent.mkdir(exist_ok=True)
        # One that is missing is named by `verify`, here and there.
        with suppress(FileNotFoundError):
            durable.replace(place, log.former(until).read_bytes(), 0o444, sync=False)
    for path in StampFiles(source / "vault" / "log").kept(head.size):
        place = target / path.relative_to(source)
        # An evidence record grows when its stamp is renewed.
        if not place.exists() or place.stat().st_size != path.stat().st_size:
            place.parent.mkdir(parents=True, exist_ok=True)
            durable.replace(place, path.read_bytes(), sync=False)
    durable.sync_filesystem(target)
    # That of the start: what was appended meanwhile is copied in part at most.
    durable.replace(target / "vault" / "log" / "checkpoint", text)
    if erased is not None:
        for digest in erased.objects:
            for left in (store.path(digest), store.path(digest).with_name(f".{digest}")):
                left.unlink(missing_ok=True)
        Log(target / "vault", PublicKeys(config.eras)).erase(erased.fields)
        durable.sync_filesystem(target)
    return head


def _copy_cosigned(kept: Cosigned, target: Path, head: Checkpoint) -> None:
    """Copy what witnesses signed, anew: unlike a tile, such a file grows with each signature."""
    for size in kept.sizes():
        if size <= head.size:
            place = Cosigned(target / "vault" / "log").file(size)
            place.parent.mkdir(exist_ok=True)
            durable.replace(place, kept.file(size).read_bytes(), sync=False)


def _head(source: Path, log: Log) -> tuple[bytes, Checkpoint]:
    """Return the published checkpoint as it lies there, and what it says."""
    path = source / "vault" / "log" / "checkpoint"
    while True:
        head, text = log.head(), path.read_bytes()
        if log.head() == head:
            return text, head


def _claim(source: Path, target: Path) -> Config:
    """Make `target` a backup of this vault, or see that it is one; return the settings.

    Raises:
        InputError: it is something else, or lies inside the vault.
    """
    real = target.resolve()
    if real == source.resolve() or source.resolve() in real.parents:
        raise InputError(f"{target} lies in the vault itself", "back up to another disk")
    config = Config.load(source)
    if (target / NAME).exists():
        if Config.load(target).eras.first.verifier != config.eras.first.verifier:
            raise InputError(f"{target} is a backup of another vault", "name another folder")
    elif target.exists() and any(target.iterdir()):
        raise InputError(f"{target} holds something else", "name a new or empty folder")
    target.mkdir(parents=True, exist_ok=True)
    (target / "vault" / "log" / "commits").mkdir(parents=True, exist_ok=True)
    (target / "vault" / "entries").mkdir(parents=True, exist_ok=True)
    there = config if config.save(target) else Config.load(target)
    # The log's key may have been changed since.
    keyed = replace(there, vkey=config.vkey, second=config.second, former=config.former)
    if keyed != there:
        keyed.put(target)
    return config


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
