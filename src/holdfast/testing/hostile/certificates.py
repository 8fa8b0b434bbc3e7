"""The site's certificate authority, and the certificates that a browser must not like."""

from __future__ import annotations

import base64
import hashlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GOOD = ("one.test", "other.test", "two.test")
"""Host names with a certificate that is as it should be, once the site's root is trusted."""
BAD = ("wrong-name.test", "expired.test", "self-signed.test", "untrusted.test")
"""Host names whose certificate says by its name what is the matter with it."""


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, in one PEM file with the chain below the root."""

    host: str
    file: Path
    sha256: str
    """Of the certificate's DER."""
    spki: str
    """SHA-256 of its public key info, base64: as Chromium's command line wants it."""

    def context(self, protocols: Sequence[str]) -> ssl.SSLContext:
        """Return a server's TLS settings; `protocols` are offered by ALPN."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        context.set_alpn_protocols(list(protocols))
        return context


@dataclass(frozen=True)
class Authority:
    """A root."""

    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def made(cls, name: str) -> Authority:
        """Make a root certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(name, key, _signed(name, (), key, name, key, ca=True))


def make(folder: Path) -> dict[str, Identity]:
    """Make the root (`root.pem`) and a certificate for every host, good and bad."""
    folder.mkdir(parents=True, exist_ok=True)
    root, stranger = Authority.made("Hostile root"), Authority.made("Nobody's root")
    (folder / "root.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    made = {host: _leaf(folder, host, (host,), root) for host in GOOD}
    made["wrong-name.test"] = _leaf(folder, "wrong-name.test", ("somebody-else.test",), root)
    made["expired.test"] = _leaf(folder, "expired.test", ("expired.test",), root, expired=True)
    made["self-signed.test"] = _leaf(folder, "self-signed.test", ("self-signed.test",), None)
    made["untrusted.test"] = _leaf(folder, "untrusted.test", ("untrusted.test",), stranger)
    return made


def _leaf(
    folder: Path,
    host: str,
    names: Sequence[str],
    issuer: Authority | None,
    *,
    expired: bool = False,
) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    above, signer = (issuer.name, issuer.key) if issuer else (host, key)
    certificate = _signed(host, names, key, above, signer, expired=expired)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem += certificate.public_bytes(Encoding.PEM)
    if issuer:
        pem += issuer.certificate.public_bytes(Encoding.PEM)
    file = folder / f"{host}.pem"
    file.write_bytes(pem)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Identity(
        host=host,
        file=file,
        sha256=hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
        spki=base64.b64encode(hashlib.sha256(public).digest()).decode(),
    )


def _signed(
    subject: str,
    names: Sequence[str],
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    *,
    ca: bool = False,
    expired: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    start, days = (now - timedelta(days=60), 30) if expired else (now - timedelta(days=1), 90)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(_usage(ca=ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if not ca:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        ).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
        )
    return builder.sign(signer, hashes.SHA256())


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
