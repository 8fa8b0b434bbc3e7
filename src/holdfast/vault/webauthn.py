"""Judge what an authenticator and a browser give back: WebAuthn Level 2, without any I/O.

Whoever shows the page (the command line's own, later a workbench) hands over the bytes as they
came. `fault` judges a signature; `enrolled` a new credential. docs/formats/custody.md says which
bytes a signature keeps.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from holdfast.core.digest import from_base64
from holdfast.core.errors import InputError, IntegrityError
from holdfast.vault.passkey import Passkey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

ALGORITHMS = (-7, -8, -257)
"""COSE: ES256, EdDSA, RS256, in the order in which they are asked for."""
PRESENT, VERIFIED, COPYABLE, CREDENTIAL, EXTENDED = 0x01, 0x04, 0x08, 0x40, 0x80
"""Section 6.1: flags UP, UV, BE (Level 3), AT and ED."""
_FIXED = 37
"""Bytes of authenticator data without a credential and extensions: section 6.1."""
LARGEST = 4096
"""Bytes of client data, and of authenticator data, that are looked at."""
_CLIENT = (
    rb'\{"type":"%s","challenge":"([A-Za-z0-9_-]{43})","origin":"(https?)://([a-z0-9.-]+)'
    rb'(?::[0-9]{1,5})?"(?:,"crossOrigin":false(?:,[^\x00-\x1f\x7f]*)?)?\}'
)
"""The form that section 5.8.1.1 prescribes, as section 5.8.1.2 reads it without a JSON parser."""


@dataclass(frozen=True)
class Assertion:
    """What `navigator.credentials.get` gave: three byte strings."""

    authenticator: bytes
    client: bytes
    """`clientDataJSON`."""
    signature: bytes

    @property
    def signed(self) -> bytes:
        """What the signature is over: authenticator data || SHA-256(client data)."""
        return self.authenticator + hashlib.sha256(self.client).digest()

    @property
    def counter(self) -> int:
        """The authenticator's count of signatures; 0 where it keeps none."""
        return int.from_bytes(self.authenticator[33:_FIXED], "big")

    def fields(self) -> dict[str, str]:
        """Return it as an entry's field `signature` has it."""
        return {
            "authenticator": base64.b64encode(self.authenticator).decode(),
            "client": base64.b64encode(self.client).decode(),
            "sig": base64.b64encode(self.signature).decode(),
        }

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Assertion:
        """Read it back.

        Raises:
            ValueError, LookupError: a part is missing, or no base64.
        """
        parts = (str(fields[name]) for name in ("authenticator", "client", "sig"))
        return cls(*map(from_base64, parts))


def challenge(message: bytes) -> bytes:
    """Return what an authenticator is given to sign an act: its SHA-256.

    The act's own first line says what it is, so that nothing else has this digest.
    """
    return hashlib.sha256(message).digest()


def fault(passkey: Passkey, assertion: Assertion, message: bytes) -> str | None:
    """Return why `assertion` is no signature of `passkey` on an act; None where it is one."""
    why = _client_fault(assertion.client, b"webauthn\\.get", challenge(message), passkey.rp)
    why = why or _authenticator_fault(assertion.authenticator, passkey.rp)
    if why is None and assertion.authenticator[32] & CREDENTIAL:
        why = "its authenticator data holds a credential, as none that signs does"
    if why is None and not passkey.verifies(assertion.signed, assertion.signature):
        why = f"the signature of {passkey.name} does not verify"
    return why


def enrolled(
    name: str, rp: str, asked: bytes, client: bytes, attestation: bytes
) -> tuple[Passkey, bool]:
    """Return a new credential's passkey, and whether it can be copied to other devices.

    Nothing is asked of who made the authenticator: an attestation is not looked at.

    Raises:
        IntegrityError: it is not what was asked for.
        InputError: its key is of another kind than ours.
    """
    # Loaded where one is enrolled: signing and checking need no CBOR.
    from fido2.webauthn import AttestationObject  # noqa: PLC0415

    why = _client_fault(client, b"webauthn\\.create", asked, rp)
    if why is None and len(attestation) > 16 * LARGEST:
        why = "its attestation is too large"
    try:
        data = AttestationObject(attestation).auth_data
        credential = data.credential_data
    except Exception:  # noqa: BLE001 - whatever a decoder makes of bytes that a browser posted
        raise IntegrityError("the browser's answer is no attestation object") from None
    why = why or _authenticator_fault(bytes(data), rp)
    if why is None and credential is None:
        why = "it holds no credential"
    if why is not None or credential is None:
        raise IntegrityError(f"the new passkey is refused: {why}", "repeat the command")
    key = Passkey(name, rp, bytes(credential.credential_id), _spki(credential.public_key))
    if not key.sound():
        raise InputError(
            "the new passkey's key is of a kind that is not checked here",
            "use an authenticator with ES256, EdDSA or RS256",
        )
    return key, bool(data.flags & COPYABLE)


def _client_fault(client: bytes, kind: bytes, asked: bytes, rp: str) -> str | None:
    found = re.fullmatch(_CLIENT % kind, client)
    if found is None or len(client) > LARGEST:
        return "its client data is not what a browser says of such a signature"
    if found[1] != base64.urlsafe_b64encode(asked).rstrip(b"="):
        return "its challenge is not this act's"
    if found[3] != rp.encode() or (found[2] == b"http" and rp != "localhost"):
        return f"it was made on a page of another origin than {rp}"
    return None


def _authenticator_fault(data: bytes, rp: str) -> str | None:
    if not _FIXED <= len(data) <= LARGEST:
        return "its authenticator data is malformed"
    flags = data[32]
    if data[:32] != hashlib.sha256(rp.encode()).digest():
        return f"its authenticator signed for another relying party than {rp}"
    if not flags & PRESENT:
        return "nobody was present (flag UP)"
    if not flags & VERIFIED:
        return "the authenticator did not verify who was there (flag UV)"
    if (len(data) > _FIXED) != bool(flags & (CREDENTIAL | EXTENDED)):
        return "its authenticator data is malformed"
    return None


def _spki(cose: Mapping[int, Any]) -> bytes:
    """Return a COSE key (RFC 9053) as a SubjectPublicKeyInfo; empty where it is no key of ours."""
    key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
    try:
        if (cose[1], cose[3]) == (2, -7):
            point = b"\x04" + cose[-2] + cose[-3]
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        elif (cose[1], cose[3]) == (1, -8):
            key = ed25519.Ed25519PublicKey.from_public_bytes(cose[-2])
        elif (cose[1], cose[3]) == (3, -257):
            numbers = (int.from_bytes(cose[at], "big") for at in (-2, -1))
            key = rsa.RSAPublicNumbers(*numbers).public_key()
        else:
            return b""
    except (KeyError, ValueError, TypeError):
        return b""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
