"""What a witness keeps: its keys, the logs it knows, and the last checkpoint it cosigned of each.

    name                       the witness's name
    witness.key                Ed25519 (PKCS#8 PEM)
    witness.mldsa              ML-DSA-44 (PKCS#8 PEM), where it is offered
    logs/<origin hash>/vkeys       the log's keys, a line each
    logs/<origin hash>/checkpoint  the last checkpoint that was cosigned, a signed note
    logs/<origin hash>/lock        held from the comparison until the new one is on disk

The state must never go back: a witness that is restored from an old copy could cosign a fork. One
whose state is lost makes a new key.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from holdfast.core import clock, durable
from holdfast.core.errors import InputError, IntegrityError
from holdfast.vault import cosignature
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.cosignature import Cosigner, CosignerKey, Key, open_checkpoint, parse_vkey
from holdfast.vault.note import is_key_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from holdfast.witness.request import AddCheckpoint

_KEYS = ("witness.key", "witness.mldsa")


def origin_hash(origin: str) -> str:
    """Return the name that a log goes by: the SHA-256 of its origin, hex."""
    return hashlib.sha256(origin.encode()).hexdigest()


@dataclass(frozen=True)
class Known:
    """A log that the witness knows."""

    origin: str
    keys: tuple[Key, ...]
    latest: Checkpoint | None
    """The last checkpoint that was cosigned."""


class Witness:
    """A witness with its state in one folder, which only its own account can read."""

    def __init__(self, root: Path, name: str, keys: tuple[CosignerKey, ...]) -> None:
        self.root = root
        self.name = name
        self._keys = keys
        self._signed: dict[str, int] = {}
        """The largest size signed of each log since this process started."""

    @property
    def cosigners(self) -> tuple[Cosigner, ...]:
        """The public keys: what a log's policy names."""
        return tuple(key.cosigner for key in self._keys)

    @classmethod
    def create(cls, root: Path, name: str) -> Witness:
        """Make the folder and the keys.

        Raises:
            InputError: something is there already, or the name can't be a key's.
        """
        if not is_key_name(name) or not name.isprintable() or len(name.encode()) > 255:
            raise InputError(
                f"{name[:80]!r} can't be a witness's name",
                "use something like court.example/witness: no spaces, no plus signs",
            )
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise InputError(f"{root} is in use", "give a folder that does not exist yet")
        with durable.disk_errors(root):
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            root.chmod(0o700)
            (root / "logs").mkdir()
            made = (cosignature.new_ed25519(name), cosignature.new_mldsa(name))
            for file, key in zip(_KEYS, made, strict=True):
                if key is not None:
                    pem = key.private.private_bytes(
                        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
                    )
                    durable.create(root / file, pem, 0o600)
            # Last: with its name the folder is a witness.
            durable.create(root / "name", f"{name}\n".encode(), 0o600)
        return cls(root, name, tuple(key for key in made if key is not None))

    @classmethod
    def open(cls, root: Path) -> Witness:
        """Open the witness at `root`.

        Raises:
            InputError: there is none, or it is another account's.
        """
        try:
            name = (root / "name").read_text("utf-8").removesuffix("\n")
            keys = tuple(
                _key(root / file, name)
                for file in _KEYS
                if file == "witness.key" or (root / file).exists()
            )
        except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
            raise InputError(
                f"there is no witness at {root}", "make one: `holdfast witness init`"
            ) from None
        except PermissionError:
            raise InputError(
                f"the witness at {root} is another account's", "run as the account that owns it"
            ) from None
        return cls(root, name, keys)

    def add_log(self, vkey: str) -> str:
        """Trust a key for the origin that is its name; return the origin.

        Raises:
            InputError: it is no log's vkey.
        """
        key = parse_vkey(vkey)
        if isinstance(key, Cosigner) and key.kind == cosignature.ED25519:
            raise InputError("that is a witness's key (type 04), not a log's", "ask for the log's")
        folder = self._folder(key.name)
        with durable.disk_errors(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
            with self._locked(key.name):
                lines = {str(one) for one in self.keys(key.name)} | {str(key)}
                text = "".join(f"{line}\n" for line in sorted(lines))
                durable.replace(folder / "vkeys", text.encode(), 0o600)
        return key.name

    def drop_log(self, vkey: str) -> str:
        """Trust a log's key no more; return the origin. What was cosigned stays the measure.

        Raises:
            InputError: it is not among the log's keys.
        """
        key = parse_vkey(vkey)
        with durable.disk_errors(self.root):
            known = {str(one) for one in self.keys(key.name)}
            if str(key) not in known:
                raise InputError(
                    f"this witness does not trust that key for {key.name}",
                    "see `holdfast witness show`",
                )
            with self._locked(key.name):
                lines = {str(one) for one in self.keys(key.name)} - {str(key)}
                text = "".join(f"{line}\n" for line in sorted(lines))
                durable.replace(self._folder(key.name) / "vkeys", text.encode(), 0o600)
        return key.name

    def logs(self) -> list[Known]:
        """Return the logs that are known, by origin."""
        found = []
        for folder in sorted((self.root / "logs").iterdir()):
            keys = _vkeys(folder / "vkeys")
            if keys:
                origin = keys[0].name
                found.append(Known(origin, tuple(keys), self.latest(origin)))
        return sorted(found, key=lambda one: one.origin)

    def keys(self, origin: str) -> list[Key]:
        """Return the keys that are trusted for `origin`; none where it is unknown."""
        return _vkeys(self._folder(origin) / "vkeys")

    def note(self, name: str) -> bytes | None:
        """Return the last checkpoint cosigned of the log whose origin's hash is `name`."""
        try:
            return (self.root / "logs" / name / "checkpoint").read_bytes()
        except FileNotFoundError:
            return None

    def latest(self, origin: str) -> Checkpoint | None:
        """Return the last checkpoint that was cosigned for `origin`, None where none was.

        Raises:
            IntegrityError: the state was altered: it is not what this witness signed.
        """
        found = self.note(origin_hash(origin))
        if found is None:
            return None
        try:
            text, _ = open_checkpoint(found.decode(), self.cosigners)
            checkpoint = Checkpoint.parse(text)
        except (IntegrityError, UnicodeDecodeError):
            checkpoint = None
        if checkpoint is None or checkpoint.origin != origin:
            raise IntegrityError(
                f"the witness's state for {origin} is damaged: nothing is signed for it any more",
                "find out how; then make a new witness with a new key",
            )
        return checkpoint

    def cosign(self, request: AddCheckpoint, log_keys: list[Key]) -> str:
        """Compare with the last checkpoint, keep the new one on disk, return the cosignatures.

        One at a time for each log, among all threads and processes on this state.

        Raises:
            Refused: the checkpoint is not signed by the log, or does not continue the last one.
            IntegrityError: the state was altered.
        """
        own = request.signed_by(log_keys)
        request.check_size()
        origin = request.checkpoint.origin
        with self._locked(origin):
            latest = self.latest(origin)
            if (latest.size if latest else 0) < self._signed.get(origin, 0):
                raise IntegrityError(
                    f"the witness's state for {origin} went back below what it has signed",
                    "an old copy was put in its place: make a new witness with a new key",
                )
            request.check_follows(latest)
            now = clock.now() // 1_000_000
            ours = [key.cosign(request.text, now) for key in self._keys]
            kept = "".join(f"{line}\n" for line in (*own, *ours))
            path = self._folder(origin) / "checkpoint"
            # On disk, name and all, before anybody is given the signature.
            durable.replace(path, f"{request.text}\n{kept}".encode(), 0o600)
            self._signed[origin] = request.checkpoint.size
        return "".join(f"{line}\n" for line in ours)

    def _folder(self, origin: str) -> Path:
        return self.root / "logs" / origin_hash(origin)

    @contextmanager
    def _locked(self, origin: str) -> Iterator[None]:
        # A descriptor of its own for each holder: flock(2) then keeps threads apart as well.
        path = self._folder(origin) / "lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _key(path: Path, name: str) -> CosignerKey:
    try:
        found = cosignature.load(name, load_pem_private_key(path.read_bytes(), password=None))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if found is None:
        raise InputError(f"{path} holds no key of a witness", "restore it, or make a new witness")
    return found


def _vkeys(path: Path) -> list[Key]:
    try:
        return [parse_vkey(line) for line in path.read_text("utf-8").splitlines()]
    except FileNotFoundError:
        return []
