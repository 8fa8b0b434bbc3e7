"""A passkey's public half: what a person keeps, what the log says, and how its signatures verify.

A vkey line as C2SP signed-note has them, of type 0xff ("without explicit assignment"), whose key is

    holdfast-passkey/1, newline,
    1 byte: length of the relying party's ID, the ID
    2 bytes, big-endian: length of the credential's ID, the ID
    the public key: DER, SubjectPublicKeyInfo

Nothing in it is secret; the private half is in the authenticator. docs/formats/custody.md.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from holdfast.core.digest import from_base64
from holdfast.core.errors import InputError
from holdfast.vault.note import is_key_name

KIND = b"\xff"
LABEL = b"holdfast-passkey/1\n"
_RP = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_RSA_BITS = {2048, 3072, 4096}


@dataclass(frozen=True)
class Passkey:
    """A WebAuthn credential under the name that it signs as."""

    name: str
    rp: str
    """The relying party's ID: the host name of the pages that may use it."""
    credential: bytes
    """Its ID, 1 to 1023 bytes, by which the authenticator finds it."""
    spki: bytes
    """DER: P-256 (ES256), Ed25519 (EdDSA), or RSA of 2048 to 4096 bits (RS256)."""

    @property
    def material(self) -> bytes:
        """The key as the vkey has it, with its type."""
        rp = self.rp.encode()
        ids = bytes([len(rp)]) + rp + len(self.credential).to_bytes(2, "big") + self.credential
        return KIND + LABEL + ids + self.spki

    @property
    def key_id(self) -> bytes:
        """The 4-byte key ID: SHA-256(name || 0x0A || type || key)[:4]."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.material).digest()[:4]

    def __str__(self) -> str:
        """Return the vkey."""
        key = base64.b64encode(self.material).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @classmethod
    def parse(cls, vkey: str) -> Passkey:
        """Read a vkey.

        Raises:
            InputError: not a passkey's, its key ID does not match, or its key is of no such kind.
        """
        try:
            name, key_id, encoded = vkey.strip().split("+", 2)
            data = from_base64(encoded)
            start = len(KIND + LABEL)
            rp_end = start + 1 + data[start]
            ids = rp_end + 2
            end = ids + int.from_bytes(data[rp_end:ids], "big")
            found = cls(name, data[start + 1 : rp_end].decode("ascii"), data[ids:end], data[end:])
            if found.material == data and found.key_id.hex() == key_id and found.sound():
                return found
        except (ValueError, IndexError):
            pass
        raise InputError(
            f"{vkey[:100]!r} is not a passkey's public line", "copy the whole line, as given"
        )

    def sound(self) -> bool:
        """Say whether each part can be what it is said to be."""
        ids = _RP.fullmatch(self.rp) is not None and 1 <= len(self.credential) <= 1023
        return is_key_name(self.name) and ids and _load(self.spki) is not None

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Say whether `signature`, in WebAuthn's form, is this key's over `message`."""
        key = _load(self.spki)
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, message)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, message, ec.ECDSA(SHA256()))
            elif isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, message, padding.PKCS1v15(), SHA256())
            else:
                return False
        except InvalidSignature:
            return False
        return True


def _load(
    spki: bytes,
) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey | None:
    """Return the key; None where it is of another kind, or in another than its one encoding."""
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey):
        ours = isinstance(key.curve, ec.SECP256R1)
    elif isinstance(key, rsa.RSAPublicKey):
        ours = key.key_size in _RSA_BITS and key.public_numbers().e == 65537
    elif isinstance(key, ed25519.Ed25519PublicKey):
        ours = True
    else:
        return None
    same = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == spki
    return key if ours and same else None
