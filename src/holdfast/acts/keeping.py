"""Acts that keep the vault: backup, restore, rebuild."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.acts import log_keys
from holdfast.acts.act import Needs, Progress, Session, act, silent
from holdfast.collect.interfaces import path_field
from holdfast.core import durable
from holdfast.core.errors import InputError, IntegrityError
from holdfast.vault import backup as copying
from holdfast.vault import database, erasure, settings
from holdfast.vault.config import Config
from holdfast.vault.entry import Draft
from holdfast.vault.eras import PublicKeys
from holdfast.vault.log import Log
from holdfast.vault.places import OWN
from holdfast.vault.vault import Vault

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.vault.checkpoint import Checkpoint


@dataclass(frozen=True)
class Backup:
    """Where the copy goes, and where the keys go, which a vault's copy never holds."""

    target: str
    keys: str = ""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "keys": path_field(os.fsencode(self.keys)) if self.keys else None,
            "target": path_field(os.fsencode(self.target)),
        }


@act("vault.backup", Needs.NOTHING)
def backup(session: Session, request: Backup) -> Checkpoint:
    """Copy the vault to `target`; return the head that the copy has.

    Raises:
        InputError: a target is in use for something else.
        IntegrityError: an object or the log is damaged; what is whole is copied up to there.
    """
    vault = session.vault
    keys = Path(request.keys) if request.keys else None
    if keys is not None and keys.exists() and any(keys.iterdir()):
        raise InputError(f"{keys} is not empty", "give the keys a new folder, on another disk")
    session.custody.enter(Draft("vault.backup", None, {"request": request.facts()}))
    with durable.disk_errors(Path(request.target)):
        target = Path(request.target)
        erased = session.look_up(erasure.everything)
        head = copying.copy(
            vault.root, target, vault.log, session.progress, erased=erased, objects=vault.store
        )
        if keys is not None:
            shutil.copytree(vault.keyring.root, keys, dirs_exist_ok=True)
            keys.chmod(0o700)
    return head


@dataclass(frozen=True)
class Restored:
    """What a restore came to."""

    session: Session
    head: Checkpoint
    lost: int
    """Entries that were seen before and are not in what was restored."""


def restore(
    root: Path,
    operator: str,
    *,
    source: Path | None,
    keys: Path | None,
    accept_loss: str,
    new_origin: str = "",
    cosigned: bytes = b"",
    progress: Progress = silent,
) -> Restored:
    """Put a backup back at `root` (new or empty); or, without `source`, admit a loss in place.

    Not an `Act`: until it is done there is no log to enter it in. It ends with an entry that says
    what was put back and, where entries are lost, which and why that is accepted. With `new_origin`
    the log goes on as another (`log_keys.continue_as`), since its witnesses have seen more of it.

    Raises:
        InputError: the places don't fit.
        IntegrityError: the backup is damaged, or older than what was seen and no reason is given.
    """
    if source is not None:
        _copy_back(source, root, keys, progress)
    vault = Vault.open(root)
    head = vault.log.head()
    database.prepare(vault.engine)
    lost = vault.lost(head)
    if lost is not None:
        if not accept_loss:
            raise IntegrityError(
                f"this log ends at entry {head.size - 1} but was seen with {lost.size} entries: "
                f"{lost.size - head.size} are not in it",
                "use a newer backup, or admit it: `holdfast restore --accept-loss REASON`",
            )
        vault.remember(head, force=True)
    vault.rebuild()
    with durable.disk_errors(root):
        # A copy may be of a moment when the log had the order and the files not yet.
        erasure.resume(vault)
    session = Session(vault, operator)
    following = None
    if new_origin:
        request = log_keys.ContinueAs(new_origin, accept_loss, cosigned)
        following = log_keys.prepare(session, request)
    fields: dict[str, Json] = {
        "from": path_field(os.fsencode(source.absolute())) if source else None,
        "head": {"root": head.root.hex(), "size": head.size},
        "reason": accept_loss,
    }
    if lost is not None:
        fields["lost"] = {"root": lost.root.hex(), "size": lost.size}
    drafts = [Draft("vault.restore", None, fields)]
    if source is not None and session.look_up(lambda c: settings.read(c, "store")):
        # The objects were copied into the vault's folder, wherever they lay before.
        drafts.append(settings.change("store", {"address": OWN}))
    session.custody.enter(*drafts)
    if following is not None:
        log_keys.ask_to_continue(session, accept_loss, *following)
    return Restored(session, head, 0 if lost is None else lost.size - head.size)


def _copy_back(source: Path, root: Path, keys: Path | None, progress: Progress) -> None:
    config = Config.load(source)
    if root.exists() and any(root.iterdir()):
        raise InputError(f"{root} is not empty", "restore into a new folder, then compare")
    held = keys or (source / "keys" if (source / "keys").is_dir() else config.keyring(root))
    if not (held / "log.key").is_file():
        raise InputError(
            f"the keys of this vault are not in {held}", "name their backup: --keys DIR"
        )
    with durable.disk_errors(root):
        log = Log(source / "vault", PublicKeys(config.eras))
        copying.copy(source, root, log, progress)
        if config.store:
            config = config.move(root, OWN)
        for folder in ("vault/incoming", "derived", "index"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        with suppress(shutil.SameFileError):
            shutil.copytree(held, config.keyring(root), dirs_exist_ok=True)
        config.keyring(root).chmod(0o700)


def rebuild(session: Session) -> Checkpoint:
    """Fold the database from the log anew; `verify` would find any difference.

    Raises:
        IntegrityError: the log itself is damaged.
    """
    session.vault.rebuild()
    session.custody.enter(Draft("vault.rebuild", None, {}))
    return session.vault.log.head()
