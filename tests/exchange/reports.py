"""A report made of plain values, and a certificate to sign with: for tests."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID

from holdfast.exchange.report import content, document, methods
from holdfast.exchange.report.words import Words

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "<script>alert(1)</script> #set text(red) \u202egnp.exe 你"


def report(language: str = "en", audience: str = "court") -> content.Content:
    """Return a report with everything that one can have."""
    words = Words.of(language)
    cited = (
        content.Cited(
            "AL/1", "a" * 64, "mail/inbox.mbox", "offset 4096", "message", "2026-03-01T09:00:00Z",
            f"From billing@bank.example to anna.berg@example.org: {HOSTILE}", "mail", "3",
        ),
        content.Cited(
            "AL/2", "b" * 64, "History", "row 12", "visit", "2026-03-01T09:03:00Z",
            "https://login.bank.example/" + "long/" * 30, "chromium_history", "2",
        ),
    )  # fmt: skip
    findings = (
        content.Statement(
            "F-1", "The mail came from the suspect's server",
            "Sent from 192.0.2.7 to Anna Berg. ANNA BERG answered; Annabel Bergmann did not.",
            "B", "2", "alice", "bob", 40, 44, exonerates=False, cited=cited, method="read twice",
            verified=(content.Verified("partly", "one hop is missing", "carol", 47),),
        ),
        content.Statement(
            "F-2", "The suspect was abroad", "A boarding pass shows it.", "A", "1", "bob", "alice",
            50, 52, exonerates=True, cited=(),
        ),
    )  # fmt: skip
    steps = (
        content.Step(
            3, "2026-03-01T08:00:00.000000Z", "alice", True, "collect.item", "acquisition"
        ),
        content.Step(9, "2026-03-01T08:10:00.000000Z", "bob", False, "examine.end", "other"),
    )
    exhibits = tuple(
        content.Shown(label, item * 64, 1234, f"/seized/{label}", "2026-03-01T08:00:00Z", 3,
                      "unchanged", steps, more)
        for label, item, more in (("AL/1", "a", 11), ("AL/2", "b", 0))
    )  # fmt: skip
    return content.Content(
        language=language,
        case="2026-0001",
        title="The fake bank",
        purpose="Who sent the mails to Anna Berg",
        authority=content.Standing(
            "Section 5", "District court", ("domain:bank.example",), "2026-01-01T00:00:00Z",
            "2026-12-31T23:59:59Z", 1,
        ),
        audience=audience,
        made="2026-11-24T15:00:00.000000Z",
        maker="alice",
        log="holdfast.example/unit",
        entries=77,
        root="c" * 64,
        findings=findings,
        left_out=1,
        unreviewed=2,
        exhibits=exhibits,
        methods=(methods.method("mail", "3", words), methods.method("unheard_of", "1", words)),
        ledger={"failed": 1, "not_examined": 3, "parsed": 10, "unsupported": 2},
        withheld={},
        validator="",
        software=document.software(),
    )  # fmt: skip


def certificate(folder: Path, passphrase: bytes) -> tuple[Path, x509.Certificate]:
    """Write a PKCS#12 file with a certificate and its key; return it and who issued it."""
    now = datetime.datetime.now(datetime.UTC)

    def issued(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey,
               by: ec.EllipticCurvePrivateKey, ca: bool) -> x509.Certificate:  # fmt: skip
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        over = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
        usage = x509.KeyUsage(
            digital_signature=not ca, content_commitment=not ca, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=ca, crl_sign=ca,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(over)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), False
            )
            .sign(by, hashes.SHA256())
        )

    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = issued("Test root", "Test root", root, root, True)
    own = issued("Unit 7", "Test root", leaf, root, False)
    path = folder / "report.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"unit", leaf, own, [ca], BestAvailableEncryption(passphrase)
        )
    )
    path.chmod(0o600)
    return path, ca
