"""C2SP signed notes (v1.0.0) with Ed25519: text, a blank line, one signature a line.

https://c2sp.org/signed-note, commit 5ba5ee8.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from holdfast.core.errors import InputError, IntegrityError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = b"\x01"
"""Signature type identifier of "Signature types"."""
_DASH = "— "


@dataclass(frozen=True)
class Verifier:
    """A named Ed25519 public key: what a vkey line says."""

    name: str
    public: bytes
    """32 bytes, RFC 8032."""

    @property
    def key_id(self) -> bytes:
        """Return the 4-byte key ID: SHA-256(name || 0x0A || type || key)[:4]."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        """Return the vkey: name+hex(key ID)+base64(type || key)."""
        key = base64.b64encode(ED25519 + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Read a vkey.

        Raises:
            InputError: not an Ed25519 vkey, or its key ID does not match its key.
        """
        try:
            name, key_id, encoded = vkey.strip().split("+", 2)
            material = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            name, key_id, material = "", "", b""
        verifier = cls(name, material[1:])
        if material[:1] != ED25519 or len(material) != 33 or verifier.key_id.hex() != key_id:
            raise InputError(
                f"{vkey[:100]!r} is not an Ed25519 verifier key", "copy the whole line, as given"
            )
        return verifier

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Say whether `signature` (64 bytes) is this key's over `message`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A private key under the name it signs as."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        """Return the public half."""
        return Verifier(self.name, self.private.public_key().public_bytes_raw())

    def sign_note(self, text: str) -> str:
        """Return `text`, which must end in a newline, as a note signed by this key."""
        signature = self.verifier.key_id + self.private.sign(text.encode())
        return f"{text}\n{_DASH}{self.name} {base64.b64encode(signature).decode()}\n"


def open_note(note: str, verifier: Verifier) -> str:
    """Return the text of `note` after checking `verifier`'s signature on it.

    Raises:
        IntegrityError: malformed, not signed by that key, or the signature does not verify.
    """
    text, blank, signatures = note.rpartition("\n\n")
    text += "\n"
    if not blank or not signatures.endswith("\n"):
        raise IntegrityError("the note has no signature block")
    for line in signatures.splitlines():
        name, _, encoded = line.removeprefix(_DASH).rpartition(" ")
        try:
            blob = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise IntegrityError("the note's signature block is malformed") from None
        if not line.startswith(_DASH) or len(blob) < 5:
            raise IntegrityError("the note's signature block is malformed")
        if (name, blob[:4]) == (verifier.name, verifier.key_id):
            if verifier.verifies(text.encode(), blob[4:]):
                return text
            raise IntegrityError(f"the signature of {verifier.name} on the note does not verify")
    raise IntegrityError(f"the note is not signed by {verifier.name}")
