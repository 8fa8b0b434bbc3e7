"""C2SP tlog-cosignature (v1.0.1): what witnesses, and a log's second key, sign of a checkpoint.

A cosignature is a note signature over a checkpoint that carries the time it was made. Two types:
Ed25519 (0x04), which a stock OpenSSL 3.0 checks, and ML-DSA-44 (0x06, FIPS 204), which a quantum
computer does not forge. https://c2sp.org/tlog-cosignature, commit 5ba5ee8.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from holdfast.core.digest import from_base64
from holdfast.core.errors import InputError, IntegrityError
from holdfast.vault import note
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.note import Signature, Verifier, is_key_name

try:
    from cryptography.hazmat.primitives.asymmetric import mldsa
except ImportError:  # pragma: no cover - a `cryptography` from before FIPS 204
    mldsa = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

ED25519 = b"\x04"
MLDSA44 = b"\x06"
_SIZES = {ED25519: (32, 64), MLDSA44: (1312, 2420)}
"""Bytes of a public key, and of a signature behind its 8 bytes of time, by type."""
_KINDS = {ED25519: "Ed25519", MLDSA44: "ML-DSA-44"}
MAX_TIME = 2**63 - 1
MLDSA44_SPKI = bytes.fromhex("30820532300b06096086480165030403110382052100")
"""DER before the 1312 bytes of an ML-DSA-44 public key: RFC 9881."""


@dataclass(frozen=True)
class Cosigner:
    """A named public key that cosigns: what a vkey of type 0x04 or 0x06 says."""

    name: str
    kind: bytes
    """`ED25519` or `MLDSA44`, the signature type identifier."""
    public: bytes
    """32 or 1312 bytes."""

    @property
    def key_id(self) -> bytes:
        """Return the 4-byte key ID: SHA-256(name || 0x0A || type || key)[:4]."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:4]

    @property
    def algorithm(self) -> str:
        """Return the algorithm's name."""
        return _KINDS[self.kind]

    def __str__(self) -> str:
        """Return the vkey: name+hex(key ID)+base64(type || key)."""
        key = base64.b64encode(self.kind + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @classmethod
    def parse(cls, vkey: str) -> Cosigner:
        """Read a vkey of a cosigner.

        Raises:
            InputError: it is none, or its key ID does not match its key.
        """
        try:
            name, key_id, encoded = vkey.strip().split("+", 2)
            material = from_base64(encoded)
            cosigner = cls(name, material[:1], material[1:])
            fits = _SIZES.get(cosigner.kind, (-1, 0))[0] == len(cosigner.public)
            if fits and is_key_name(name) and cosigner.key_id.hex() == key_id:
                return cosigner
        except ValueError:
            pass
        raise InputError(
            f"{vkey[:100]!r} is not a cosigner's verifier key (type 04 or 06)",
            "copy the whole line, as the witness gives it",
        )

    def signed_at(self, text: str, value: bytes) -> int | None:
        """Return when this key cosigned the checkpoint `text`, in seconds since 1970.

        None where `value`, what follows the key ID in its line, is not its cosignature. Zero where
        an ML-DSA signature states no time, as a log's own may.
        """
        time, signature = int.from_bytes(value[:8], "big"), value[8:]
        if len(signature) != _SIZES[self.kind][1] or time > MAX_TIME:
            return None
        try:
            if self.kind == ED25519:
                key = Ed25519PublicKey.from_public_bytes(self.public)
                key.verify(signature, _ed25519_message(text, time))
                return time if time else None
            _mldsa_verify(self.public, signature, _mldsa_message(self.name, text, time))
        except (InvalidSignature, ValueError, IntegrityError):
            return None
        return time


@dataclass(frozen=True)
class CosignerKey:
    """A private key under the name that it cosigns as."""

    name: str
    private: Ed25519PrivateKey | MLDSA44PrivateKey

    @property
    def cosigner(self) -> Cosigner:
        """Return the public half."""
        kind = ED25519 if isinstance(self.private, Ed25519PrivateKey) else MLDSA44
        return Cosigner(self.name, kind, self.private.public_key().public_bytes_raw())

    def cosign(self, text: str, time: int) -> Signature:
        """Return the cosignature of the checkpoint `text`, made at `time` (seconds since 1970)."""
        if isinstance(self.private, Ed25519PrivateKey):
            message = _ed25519_message(text, time)
        else:
            message = _mldsa_message(self.name, text, time)
        value = time.to_bytes(8, "big") + self.private.sign(message)
        return Signature(self.name, self.cosigner.key_id, value)


Key = Verifier | Cosigner
"""What a signature on a checkpoint is checked against."""


def parse_vkey(vkey: str) -> Key:
    """Read the vkey of a log or a cosigner: types 0x01, 0x04 and 0x06.

    Raises:
        InputError: it is none of these.
    """
    for kind in (Verifier, Cosigner):
        try:
            return kind.parse(vkey)
        except InputError:
            continue
    raise InputError(
        f"{vkey[:100]!r} is no verifier key of type 01, 04 or 06", "copy the whole line, as given"
    )


@dataclass(frozen=True)
class Judged:
    """A signature line, whose it is, and whether it is good."""

    signature: Signature
    key: Key | None
    """None: none of the known keys'."""
    time: int | None
    """Seconds since 1970, 0 where it states none; None: it does not verify."""


def judge(text: str, signatures: Iterable[Signature], keys: Iterable[Key]) -> list[Judged]:
    """Check each signature with the key that it names, by name and key ID."""
    known = {(key.name, key.key_id): key for key in keys}
    judged = []
    for one in signatures:
        key = known.get((one.name, one.key_id))
        time = None
        if isinstance(key, Verifier):
            time = 0 if key.verifies(text.encode(), one.value) else None
        elif key is not None:
            time = key.signed_at(text, one.value)
        judged.append(Judged(one, key, time))
    return judged


def open_checkpoint(signed: str, keys: Iterable[Key]) -> tuple[str, dict[Key, int]]:
    """Return a checkpoint's text and which of `keys` signed it, when; unknown keys are ignored.

    Raises:
        IntegrityError: no note, none of the keys signed it, or a signature of one does not verify.
    """
    text, signatures = note.split(signed)
    good: dict[Key, int] = {}
    for one in judge(text, signatures, keys):
        if one.key is None:
            continue
        if one.time is None:
            raise IntegrityError(f"the signature of {one.key.name} on the note does not verify")
        good.setdefault(one.key, one.time)
    if not good:
        raise IntegrityError("the note is not signed by any key that is known")
    return text, good


def check_second(signed: str, second: Cosigner) -> None:
    """Check the log's own ML-DSA-44 signature on a checkpoint.

    Raises:
        IntegrityError: it was stripped, or does not verify.
    """
    text, signatures = note.split(signed)
    judged = judge(text, signatures, [second])
    own = [one for one in judged if one.key is not None]
    if not own or any(one.time is None for one in own):
        what = "does not verify" if own else "is missing: it was stripped"
        raise IntegrityError(
            f"the log's ML-DSA-44 signature on the checkpoint {what}",
            "restore the checkpoint from a backup, a replica or a witness",
        )


def new_ed25519(name: str) -> CosignerKey:
    """Make an Ed25519 key."""
    return CosignerKey(name, Ed25519PrivateKey.generate())


def new_mldsa(name: str) -> CosignerKey | None:
    """Make an ML-DSA-44 key; None where the installed `cryptography` does not offer it."""
    if mldsa is None:
        return None  # type: ignore[unreachable]
    try:
        return CosignerKey(name, mldsa.MLDSA44PrivateKey.generate())
    except UnsupportedAlgorithm:
        return None


def load(name: str, key: object) -> CosignerKey | None:
    """Return a private key as a cosigner's; None where its type can't be one."""
    if isinstance(key, Ed25519PrivateKey):
        return CosignerKey(name, key)
    if mldsa is not None and isinstance(key, mldsa.MLDSA44PrivateKey):
        return CosignerKey(name, key)
    return None


def _ed25519_message(text: str, time: int) -> bytes:
    """Return what is signed: "Ed25519 signed message"."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _mldsa_message(name: str, text: str, time: int) -> bytes:
    """Return the `cosigned_message` of a whole checkpoint: "ML-DSA-44 signed message"."""
    known = Checkpoint.parse(text)
    return checkpoint_message(name.encode(), time, known.origin.encode(), known.size, known.root)


def checkpoint_message(name: bytes, time: int, origin: bytes, size: int, root: bytes) -> bytes:
    """Return the `cosigned_message` of a checkpoint, given its parts.

    Raises:
        ValueError: a name is too long for it.
    """
    return b"".join(
        (
            b"subtree/v1\n\0",
            _opaque(name),
            time.to_bytes(8, "big"),
            _opaque(origin),
            (0).to_bytes(8, "big"),
            size.to_bytes(8, "big"),
            root,
        )
    )


def _opaque(data: bytes) -> bytes:
    if not 1 <= len(data) <= 255:
        raise ValueError("a name that ML-DSA-44 cosignatures bind has 1 to 255 bytes")
    return len(data).to_bytes(1, "big") + data


def _mldsa_verify(public: bytes, signature: bytes, message: bytes) -> None:
    if mldsa is None:
        raise InvalidSignature
    try:
        mldsa.MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except UnsupportedAlgorithm:
        raise InvalidSignature from None
