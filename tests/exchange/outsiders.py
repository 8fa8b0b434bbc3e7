"""Witnesses and a time-stamping authority of the tests' own: true keys, true tokens, no network."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, mldsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

    from tests.exchange.making import Made, Work

TIME = 1_790_000_000


@dataclass(frozen=True)
class Witness:
    """Signs whatever it is shown, as C2SP tlog-cosignature says, type 0x04."""

    name: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public(self) -> bytes:
        """Type and key."""
        return b"\x04" + self.key.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        """SHA-256(<name> || "\\n" || 0x04 || 32-byte Ed25519 cosigner public key)[:4]."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """Its verifier key."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.public).decode()}"

    def line(self, text: str, time: int = TIME) -> str:
        """Return its signature line on a checkpoint's text."""
        message = f"cosignature/v1\ntime {time}\n{text}".encode()
        blob = self.key_id + time.to_bytes(8, "big") + self.key.sign(message)
        return f"— {self.name} {base64.b64encode(blob).decode()}\n"


@dataclass(frozen=True)
class Modern:
    """A witness that signs with ML-DSA-44, type 0x06."""

    name: str
    key: mldsa.MLDSA44PrivateKey = field(default_factory=mldsa.MLDSA44PrivateKey.generate)

    @property
    def public(self) -> bytes:
        """Type and key."""
        return b"\x06" + self.key.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        """SHA-256(<name> || "\n" || 0x06 || 1312-byte ML-DSA-44 cosigner public key)[:4]."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """Its verifier key."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.public).decode()}"

    def line(self, text: str, time: int = TIME) -> str:
        """Return its signature line: `cosigned_message` of C2SP tlog-cosignature."""
        origin, size, root = text.splitlines()[:3]
        message = b"subtree/v1\n\0" + bytes([len(self.name)]) + self.name.encode()
        message += time.to_bytes(8, "big") + bytes([len(origin.encode())]) + origin.encode()
        message += bytes(8) + int(size).to_bytes(8, "big") + base64.b64decode(root)
        blob = self.key_id + time.to_bytes(8, "big") + self.key.sign(message)
        return f"— {self.name} {base64.b64encode(blob).decode()}\n"


def cosign(work: Work, *witnesses: Witness | Modern, more: str = "") -> None:
    """Lay the log's present head down as cosigned."""
    vault = work.session.vault
    note = (vault.log.path / "checkpoint").read_text("utf-8")
    text = note.partition("\n\n")[0] + "\n"
    path = vault.log.path / "cosigned" / f"{vault.log.head().size:016d}"
    path.parent.mkdir(exist_ok=True)
    path.write_text(note + "".join(one.line(text) for one in witnesses) + more, "utf-8")


_CONFIG = """\
[ts]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/ca.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
"""id-ct-TSTInfo: RFC 3161 section 2.4.2."""


@dataclass(frozen=True)
class Authority:
    """A root, and under it a time-stamping authority: `openssl ts`."""

    name: str
    folder: Path

    @classmethod
    def make(cls, name: str, folder: Path, years: tuple[int, int] = (2020, 2090)) -> Authority:
        """Make a root, and a certificate under it that is valid in these years."""
        folder.mkdir(parents=True)
        (folder / "config").write_text(_CONFIG.format(folder=folder))
        (folder / "serial").write_text("01\n")
        root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _certificate(f"{name} root", root_key, f"{name} root", root_key, (2010, 2090))
        own = _certificate(name, key, f"{name} root", root_key, years)
        (folder / "ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
        (folder / "tsa.pem").write_bytes(own.public_bytes(Encoding.PEM))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "tsa.key").write_bytes(pem)
        return cls(name, folder)

    def openssl(self, *arguments: str | Path) -> bytes:
        """Run openssl in its folder."""
        done = subprocess.run(
            ["openssl", *arguments], cwd=self.folder, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def stamp(self, data: bytes) -> bytes:
        """Return its answer to a request for a time stamp of `data`."""
        (self.folder / "data").write_bytes(data)
        self.openssl("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query")
        self.openssl("ts", "-reply", "-config", "config", "-section", "ts", "-queryfile", "query",
                     "-out", "reply")  # fmt: skip
        return (self.folder / "reply").read_bytes()

    def stamp_in(self, year: int, data: bytes) -> bytes:
        """Return an answer that says it was given at the beginning of `year`: RFC 3161, 2.4.2."""
        (self.folder / "reply").write_bytes(self.stamp(data))
        self.openssl("ts", "-reply", "-in", "reply", "-token_out", "-out", "token")
        info = bytearray(
            self.openssl("cms", "-verify", "-noverify", "-inform", "DER", "-in", "token")
        )
        at = info.index(b"\x18\x0f") + 2  # GeneralizedTime of 15 characters
        info[at : at + 15] = b"%d0102030405Z" % year
        (self.folder / "info").write_bytes(info)
        self.openssl("cms", "-sign", "-binary", "-nodetach", "-cades", "-econtent_type", _TST_INFO,
                     "-signer", "tsa.pem", "-inkey", "tsa.key", "-in", "info", "-outform", "DER",
                     "-out", "token")  # fmt: skip
        body = b"\x30\x03\x02\x01\x00" + (self.folder / "token").read_bytes()
        return b"\x30\x82" + len(body).to_bytes(2, "big") + body

    @property
    def anchor(self) -> str:
        """Its line in a file of anchors."""
        der = self.openssl("x509", "-in", "ca.pem", "-outform", "DER")
        return f"#tsa {self.name} {base64.b64encode(der).decode()}\n"


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    years: tuple[int, int],
) -> x509.Certificate:
    start, end = (datetime(year, 1, 1, tzinfo=UTC) for year in years)
    root = name == issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
    )
    if not root:
        stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(stamping, critical=True)
    return builder.sign(issuer_key, SHA256())


def stamp(work: Work, *authorities: Authority) -> None:
    """Lay the log's present head down as stamped."""
    vault = work.session.vault
    head = vault.log.head()
    folder = vault.log.path / "stamps" / f"{head.size:016d}"
    folder.mkdir(parents=True, exist_ok=True)
    text = head.text().encode()
    (folder / "checkpoint.text").write_bytes(text)
    for one in authorities:
        (folder / f"{one.name}.tsr").write_bytes(one.stamp(text))


def anchors(made: Made, *lines: str) -> Path:
    """Write a file of anchors: the log's key, and `lines`."""
    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    path = made.folder.with_name(f"anchors-{hashlib.sha256(text.encode()).hexdigest()[:8]}.txt")
    path.write_text(f"log {made.written.vkey}\n{text}", "utf-8")
    return path
