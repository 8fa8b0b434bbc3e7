"""An authenticator that signs whatever a test wants: as WebAuthn says, or as an attacker would."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from holdfast.vault.passkey import Passkey
from holdfast.vault.signing import PasskeySigner
from holdfast.vault.webauthn import PRESENT, VERIFIED, Assertion

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from holdfast.vault.signing import Shown

PAGE = "http://localhost:1234"
MAKERS: dict[
    str, Callable[[], ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey]
] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
}


def client(
    challenge: bytes, origin: str = PAGE, kind: str = "webauthn.get", **more: object
) -> bytes:
    """Return client data as browsers write it: section 5.8.1.1."""
    text = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
    said = {"type": kind, "challenge": text, "origin": origin, "crossOrigin": False, **more}
    return json.dumps(said, separators=(",", ":")).encode()


class Authenticator:
    """A credential, and how it signs."""

    def __init__(self, name: str, algorithm: str = "ES256", rp: str = "localhost") -> None:
        self.private = MAKERS[algorithm]()
        spki = self.private.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        self.passkey = Passkey(name, rp, b"credential of " + name.encode(), spki)
        self.counter = 0

    def sign(
        self,
        client_data: bytes,
        *,
        flags: int = PRESENT | VERIFIED,
        rp: str = "localhost",
        more: bytes = b"",
    ) -> Assertion:
        """Return an assertion over this client data; the counter goes on by one."""
        self.counter += 1
        data = hashlib.sha256(rp.encode()).digest() + bytes([flags])
        data += self.counter.to_bytes(4, "big") + more
        signed = data + hashlib.sha256(client_data).digest()
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            signature = self.private.sign(signed, ec.ECDSA(SHA256()))
        elif isinstance(self.private, rsa.RSAPrivateKey):
            signature = self.private.sign(signed, padding.PKCS1v15(), SHA256())
        else:
            signature = self.private.sign(signed)
        return Assertion(data, client_data, signature)

    def signer(self) -> PasskeySigner:
        """Return what signs acts with it, as its honest holder."""
        return PasskeySigner(
            self.passkey, lambda _key, challenge, _shown: self.sign(client(challenge))
        )


class Forger:
    """Signs acts with `make`, which nobody judges: whoever has the log's key needs not."""

    asks = False

    def __init__(self, passkey: Passkey, make: Callable[[bytes], Assertion]) -> None:
        self.verifier = passkey
        self._make = make

    def attest(self, message: bytes, _shown: Sequence[Shown], _last: int) -> dict[str, str]:
        """Return what `make` gives for the act's challenge."""
        return self._make(hashlib.sha256(message).digest()).fields()
