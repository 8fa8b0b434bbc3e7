"""The keyring: the secrets of a vault, each in its own file that only its owner can read.

log.key                  Ed25519, signs checkpoints (PKCS#8 PEM)
log.mldsa                ML-DSA-44, signs them a second time (PKCS#8 PEM), where it is offered
log.<key ID>.key         the same two, where the log's key was changed
log.<key ID>.mldsa
vault.tag                32 bytes hex, tags entries that belong to no case
operators/<name>.key     Ed25519, signs the operator's acts (PKCS#8 PEM)
cases/<case>.tag         32 bytes hex, tags the case's entries
cases/<case>.age         age X25519 identity that opens the case's items (sealed vaults)
capture.key              ECDSA P-384, signs web captures (PKCS#8 PEM); made when first needed
capture.age              age X25519 identity that opens captures' secrets (plain vaults); likewise
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pyrage
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from holdfast.core import durable
from holdfast.core.errors import DeniedError, InputError, ResourceError
from holdfast.vault import cosignature, hsm, private
from holdfast.vault.eras import Era
from holdfast.vault.note import Signer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

    from holdfast.vault.cosignature import Cosigner, CosignerKey
    from holdfast.vault.note import Verifier

_NAME = re.compile(r"[^\s/+\x00-\x1f\x7f.][^\s/+\x00-\x1f\x7f]{0,63}(?: [^\s/+\x00-\x1f\x7f]+)*")


def check_operator(name: str) -> str:
    """Return `name` if it can name a person's key.

    Raises:
        InputError: empty, too long, or with a slash, a plus sign, a control character.
    """
    if not _NAME.fullmatch(name) or len(name) > 64 or not name.isprintable():
        raise InputError(
            f"{name!r} can't be an operator's name",
            "use up to 64 letters, digits, spaces and punctuation other than / and +",
        )
    return name


def _damaged(path: Path, what: str) -> InputError:
    return InputError(f"{path} holds no {what}", "restore it from its backup")


def _pem(key: Ed25519PrivateKey | MLDSA44PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _key_name(name: str) -> str:
    """Return the name as a signed note's key name, which holds no space."""
    return name.replace(" ", "_")


def own_signer(key: str, name: str) -> Signer:
    """Return the operator's signer from a key file of their own.

    Raises:
        InputError: there is none, or it holds no Ed25519 key.
        DeniedError: other accounts can read it, or the passphrase does not open it.
    """
    try:
        return Signer(
            _key_name(check_operator(name)),
            private.load(Path(key) if not key.startswith(hsm.SCHEME) else key),
        )
    except OSError as error:
        raise InputError(
            f"the key {key} can't be read: {error.strerror}", "name your key's file: --key FILE"
        ) from None


class Keyring:
    """The keys of one vault under a folder of mode 0700."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self, origin: str) -> Signer:
        """Make the folder and the log's own keys; return the log's signer."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in ("operators", "cases"):
            (self.root / folder).mkdir(mode=0o700, exist_ok=True)
        self._new_secret(self.root / "vault.tag", secrets.token_hex(32).encode())
        return self._new_signer(self.root / "log.key", origin)

    def log_signer(self, verifier: Verifier) -> Signer | None:
        """Return the log's key whose public half is `verifier`; None where it is not here.

        A key that came by a rotation has its own file; the first one's is `log.key`.
        """
        for path in (self._log_path(verifier.key_id, "key"), self.root / "log.key"):
            found = self._signer(path, verifier.name, private.LOG, shared=True)
            if found is not None and found.verifier == verifier:
                return found
        return None

    def add_second(self, origin: str) -> CosignerKey | None:
        """Make the log's ML-DSA-44 key; None where the installed `cryptography` has none."""
        made = cosignature.new_mldsa(origin)
        if made is not None:
            self._new_secret(self.root / "log.mldsa", _pem(made.private))
        return made

    def second_signer(self, cosigner: Cosigner) -> CosignerKey | None:
        """Return the log's ML-DSA-44 key whose public half is given; None where it is not here."""
        for path in (self._log_path(cosigner.key_id, "mldsa"), self.root / "log.mldsa"):
            try:
                key = load_pem_private_key(path.read_bytes(), password=None)
            except (FileNotFoundError, PermissionError):
                continue
            except (ValueError, TypeError, UnsupportedAlgorithm):
                key = None
            found = cosignature.load(cosigner.name, key)
            if found is None or found.cosigner.kind != cosignature.MLDSA44:
                raise _damaged(path, "ML-DSA-44 private key")
            if found.cosigner == cosigner:
                return found
        return None

    def next_log(self, origin: str, given: Path | None = None) -> Era:
        """Make the keys that are to sign the log next; `given` is a file to take the first from.

        They are known by their key IDs, so that none that a stopped try left is taken for another.

        Raises:
            InputError: `given` can't be read, or holds no Ed25519 key.
        """
        if given is None:
            signer, data = Signer(origin, Ed25519PrivateKey.generate()), b""
        else:
            try:
                data = given.read_bytes()
                signer = Signer(origin, private.load(given, private.LOG, shared=True))
            except OSError as error:
                raise InputError(
                    f"the key {given} can't be read: {error.strerror}", "name the new key's file"
                ) from None
        path = self._log_path(signer.verifier.key_id, "key")
        self._shared_secret(path, data or _pem(signer.private))
        second = cosignature.new_mldsa(origin)
        if second is not None:
            self._shared_secret(
                self._log_path(second.cosigner.key_id, "mldsa"), _pem(second.private)
            )
        return Era(signer.verifier, None if second is None else second.cosigner)

    def _log_path(self, key_id: bytes, kind: str) -> Path:
        return self.root / f"log.{key_id.hex()}.{kind}"

    def _shared_secret(self, path: Path, data: bytes) -> None:
        """Keep a key of the log, open to those accounts that the vault's tag key is open to."""
        durable.create(path, data, 0o600)
        like = (self.root / "vault.tag").stat()
        with suppress(PermissionError):
            os.chown(path, -1, like.st_gid)
        path.chmod(like.st_mode & 0o640)

    def operator(self, name: str) -> Signer | None:
        """Return the operator's key; None for an operator without one."""
        return self._signer(self._operator_path(name), name)

    def add_operator(self, name: str) -> Signer:
        """Make a key for `name`, or return the one that is there."""
        return self.operator(name) or self._new_signer(self._operator_path(name), name)

    def next_operator(self, name: str) -> Signer:
        """Make the key that is to come after the operator's, or return the one a try left."""
        path = self._operator_path(name).with_suffix(".next")
        return self._signer(path, name) or self._new_signer(path, name)

    def waiting_operator(self, name: str) -> Signer | None:
        """Return the key that `next_operator` made and nobody has taken yet."""
        return self._signer(self._operator_path(name).with_suffix(".next"), name)

    def take_next(self, name: str) -> None:
        """Put the next key in the place of the operator's, which is kept beside it."""
        self.retire(name)
        path = self._operator_path(name)
        path.with_suffix(".next").replace(path)

    def retire(self, name: str) -> None:
        """Put the operator's key aside: it signs no more."""
        old, path = self.operator(name), self._operator_path(name)
        if old is not None:
            path.replace(path.with_suffix(f".{old.verifier.key_id.hex()}.ended"))

    def add_case(self, case: str, *, sealed: bool) -> None:
        """Make the secrets of a new case, or keep those that are there.

        They are there where another try at opening this case died or lost before its entry.
        """
        tag, identity = self.root / "cases" / f"{case}.tag", self.root / "cases" / f"{case}.age"
        durable.create(tag, secrets.token_hex(32).encode(), 0o600)
        if sealed:
            durable.create(identity, str(pyrage.x25519.Identity.generate()).encode(), 0o600)

    def chain(self, case: str | None) -> bytes:
        """Return the 32-byte key that tags the entries of `case`, or of the vault.

        Raises:
            DeniedError: this keyring does not hold it.
            InputError: its file is damaged.
        """
        name = "vault.tag" if case is None else f"cases/{case}.tag"
        data = self._read(self.root / name, f"the tag key {name}")
        try:
            key = bytes.fromhex(data.decode())
        except ValueError:
            key = b""
        if len(key) != 32:
            raise _damaged(self.root / name, "32 bytes in hex")
        return key

    def identity(self, case: str) -> pyrage.x25519.Identity:
        """Return the age identity that opens the items of `case`.

        Raises:
            DeniedError: this keyring does not hold it.
            InputError: its file is damaged.
        """
        path = self.root / "cases" / f"{case}.age"
        data = self._read(path, f"the key of case {case}")
        try:
            return pyrage.x25519.Identity.from_str(data.decode().strip())
        except (ValueError, pyrage.IdentityError):
            raise _damaged(path, "age identity") from None

    def capture_signer(self) -> ec.EllipticCurvePrivateKey:
        """Return the key that signs web captures, made here if there is none.

        Raises:
            InputError: its file is damaged.
        """
        path = self.root / "capture.key"
        made = ec.generate_private_key(ec.SECP384R1())
        durable.create(path, _pem(made), 0o600)
        try:
            key = load_pem_private_key(self._read(path, "the key of captures"), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise _damaged(path, "ECDSA private key")
        return key

    def capture_identity(self) -> pyrage.x25519.Identity:
        """Return the age identity that opens what captures keep sealed, made if there is none.

        Raises:
            InputError: its file is damaged.
        """
        path = self.root / "capture.age"
        durable.create(path, str(pyrage.x25519.Identity.generate()).encode(), 0o600)
        try:
            data = self._read(path, "the key of captures' secrets").decode().strip()
            return pyrage.x25519.Identity.from_str(data)
        except (ValueError, pyrage.IdentityError):
            raise _damaged(path, "age identity") from None

    def web(self) -> bytes:
        """Return the 32-byte key under which a server seals what it keeps, made if there is none.

        Raises:
            InputError: its file is damaged.
        """
        self._shared_secret(self.root / "web.key", secrets.token_hex(32).encode())
        data = self._read(self.root / "web.key", "the key of the workbench")
        try:
            key = bytes.fromhex(data.decode())
        except ValueError:
            key = b""
        if len(key) != 32:
            raise _damaged(self.root / "web.key", "32 bytes in hex")
        return key

    def _operator_path(self, name: str) -> Path:
        return self.root / "operators" / f"{check_operator(name)}.key"

    def _read(self, path: Path, what: str) -> bytes:
        try:
            data = path.read_bytes()
            private.check_mode(path, shared=True)
        except FileNotFoundError:
            raise DeniedError(
                f"{what} is not in the keyring {self.root}",
                "restore it from the keys' own backup, or name the keyring with HOLDFAST_KEYS",
            ) from None
        except PermissionError:
            raise DeniedError(
                f"the keyring {self.root} is not readable by you", "run as the account that owns it"
            ) from None
        return data

    def _signer(
        self, path: Path, name: str, variable: str = private.OPERATOR, *, shared: bool = False
    ) -> Signer | None:
        try:
            return Signer(_key_name(name), private.load(path, variable, shared=shared))
        except (FileNotFoundError, PermissionError):
            return None

    def _new_signer(self, path: Path, name: str) -> Signer:
        key = Ed25519PrivateKey.generate()
        self._new_secret(path, _pem(key))
        return Signer(_key_name(name), key)

    def _new_secret(self, path: Path, data: bytes) -> None:
        with durable.disk_errors(path):
            created = durable.create(path, data, 0o600)
        if not created:
            raise ResourceError(f"the key {path} exists already", "name another, or keep that one")
        os.chmod(path, 0o600)  # noqa: PTH101 - umask may have narrowed it further than its owner can use
