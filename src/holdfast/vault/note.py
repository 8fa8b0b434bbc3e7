"""C2SP signed notes (v1.0.0) with Ed25519: text, a blank line, one signature a line.

https://c2sp.org/signed-note, commit 5ba5ee8.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from holdfast.core.digest import from_base64
from holdfast.core.errors import InputError, IntegrityError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = b"\x01"
"""Signature type identifier of "Signature types"."""
MAX_SIGNATURES = 100
""""Verifiers SHOULD apply a maximum limit to the number of signatures" and take at least 16."""
_DASH = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


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
            material = from_base64(encoded)
            verifier = cls(name, material[1:])
            sound = material[:1] == ED25519 and len(material) == 33 and is_key_name(name)
            if sound and verifier.key_id.hex() == key_id:
                return verifier
        except ValueError:
            pass
        raise InputError(
            f"{vkey[:100]!r} is not an Ed25519 verifier key", "copy the whole line, as given"
        )

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
    asks: bool = False
    """Of a person's key: nobody is asked each time (`signing.ActSigner`)."""

    @property
    def verifier(self) -> Verifier:
        """Return the public half."""
        return Verifier(self.name, self.private.public_key().public_bytes_raw())

    def attest(self, message: bytes, _shown: object = (), _last: int = 0) -> dict[str, str]:
        """Return a person's signature over a canonical act, as its entry has it."""
        return {"sig": base64.b64encode(self.private.sign(message)).decode()}

    def sign_note(self, text: str) -> str:
        """Return `text`, which must end in a newline, as a note signed by this key."""
        signature = self.verifier.key_id + self.private.sign(text.encode())
        return f"{text}\n{_DASH}{self.name} {base64.b64encode(signature).decode()}\n"


@dataclass(frozen=True)
class Signature:
    """One signature line of a note, unchecked."""

    name: str
    key_id: bytes
    """4 bytes."""
    value: bytes
    """What follows the key ID; its form depends on the key's type."""

    def __str__(self) -> str:
        """Return the line, without its newline."""
        encoded = base64.b64encode(self.key_id + self.value).decode()
        return f"{_DASH}{self.name} {encoded}"

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Read a signature line.

        Raises:
            IntegrityError: it has another form.
        """
        name, _, encoded = line.removeprefix(_DASH).rpartition(" ")
        try:
            blob = from_base64(encoded)
        except ValueError:
            blob = b""
        if not line.startswith(_DASH) or not is_key_name(name) or len(blob) < 5:
            raise IntegrityError("the note's signature block is malformed")
        return cls(name, blob[:4], blob[4:])


def split(note: str) -> tuple[str, list[Signature]]:
    """Return a note's text, which may not be believed yet, and its signatures.

    Raises:
        IntegrityError: it is no signed note, or has more than `MAX_SIGNATURES`.
    """
    text, blank, signatures = note.rpartition("\n\n")
    text += "\n"
    if not blank or not signatures.endswith("\n"):
        raise IntegrityError("the note has no signature block")
    if _CONTROL.search(note):
        raise IntegrityError("the note holds a control character")
    lines = signatures[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise IntegrityError(f"the note has more than {MAX_SIGNATURES} signatures")
    return text, [Signature.parse(line) for line in lines]


def open_note(note: str, verifier: Verifier) -> str:
    """Return the text of `note` after checking `verifier`'s signature on it.

    Raises:
        IntegrityError: malformed, not signed by that key, or the signature does not verify.
    """
    text, signatures = split(note)
    ours = [
        one.value
        for one in signatures
        if (one.name, one.key_id) == (verifier.name, verifier.key_id)
    ]
    if not ours:
        raise IntegrityError(f"the note is not signed by {verifier.name}")
    if not all(verifier.verifies(text.encode(), signature) for signature in ours):
        raise IntegrityError(f"the signature of {verifier.name} on the note does not verify")
    return text


def is_key_name(name: str) -> bool:
    """Say whether a key can have this name: not empty, no spaces, no plus signs."""
    return name != "" and "+" not in name and not any(c.isspace() for c in name)
