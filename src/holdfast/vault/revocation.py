"""What stamps by revoked certificates are worth: RFC 3161 section 4, by CRLs that were kept.

    reason unspecified, affiliationChanged, superseded, cessationOfOperation
        stamps before the revocation stay good, later ones are none
    any other, or none said: whoever has the key can make a stamp of any time
        a stamp counts only where others show that it was there before

Nothing here reads a file or asks anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from holdfast.core import clock
from holdfast.core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from holdfast.vault.token import Token

HARMLESS = {
    x509.ReasonFlags.unspecified,
    x509.ReasonFlags.affiliation_changed,
    x509.ReasonFlags.superseded,
    x509.ReasonFlags.cessation_of_operation,
}
"""Reasons that leave earlier stamps good; "unspecified" only where it is written."""
_BEGIN = b"-----BEGIN X509 CRL-----"


@dataclass(frozen=True)
class Revoked:
    """That a certificate of a stamp's chain was revoked."""

    time: int
    """From when on nothing by its key counts: microseconds since the epoch."""
    reason: str
    """As CRLs name it; "no reason said" where they don't."""
    harmless: bool
    """Whether stamps before `time` stay good."""

    def voids(self, time: int) -> bool:
        """Say whether a stamp of that time, by itself, is worth nothing."""
        return not self.harmless or time >= self.time

    @property
    def told(self) -> str:
        """When and why, for people."""
        return f"revoked on {clock.to_text(self.time)} ({self.reason})"


def to_pem(data: bytes) -> bytes:
    """Return a CRL that was fetched, DER or PEM, as it is kept.

    Raises:
        IntegrityError: it is none.
    """
    try:
        if data.lstrip().startswith(_BEGIN):
            found = x509.load_pem_x509_crl(data)
        else:
            found = x509.load_der_x509_crl(data)
        return found.public_bytes(Encoding.PEM)
    except (ValueError, UnsupportedAlgorithm):
        raise IntegrityError("it is no list of revoked certificates (CRL)") from None


def read(kept: Sequence[bytes]) -> list[x509.CertificateRevocationList]:
    """Return the CRLs of PEM files, each once.

    Raises:
        IntegrityError: a file holds something else.
    """
    blocks = {_BEGIN + one for data in kept for one in data.split(_BEGIN)[1:]}
    if any(not data.startswith(_BEGIN) for data in kept):
        raise IntegrityError("a kept list of revoked certificates (CRL) is malformed")
    return [x509.load_pem_x509_crl(to_pem(one)) for one in sorted(blocks)]


def find(
    token: Token,
    crls: Sequence[x509.CertificateRevocationList],
    roots: Sequence[x509.Certificate],
) -> Revoked | None:
    """Return what is worst of all that `crls` say of the token's chain.

    A CRL counts that the certificate's own issuer signed; indirect ones are not read.
    """
    found = []
    for one in token.chain:
        for crl in _of_issuer(one, crls, (*token.chain, *roots)):
            entry = crl.get_revoked_certificate_by_serial_number(one.serial_number)
            if entry is not None:
                found.append(_revoked(entry))
    return min(found, key=lambda one: (one.harmless, one.time), default=None)


def told_of(
    token: Token,
    crls: Sequence[x509.CertificateRevocationList],
    roots: Sequence[x509.Certificate],
) -> bool:
    """Say whether any of `crls` tells of the certificate that signed the token."""
    return bool(_of_issuer(token.chain[0], crls, (*token.chain, *roots)))


def _of_issuer(
    one: x509.Certificate,
    crls: Sequence[x509.CertificateRevocationList],
    known: Sequence[x509.Certificate],
) -> list[x509.CertificateRevocationList]:
    return [
        crl for crl in crls if crl.issuer == one.issuer and any(_signed(crl, by) for by in known)
    ]


def _signed(crl: x509.CertificateRevocationList, by: x509.Certificate) -> bool:
    try:
        return by.subject == crl.issuer and crl.is_signature_valid(by.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


def _revoked(entry: x509.RevokedCertificate) -> Revoked:
    reason, since = None, entry.revocation_date_utc
    for one in entry.extensions:
        if isinstance(one.value, x509.CRLReason):
            reason = one.value.reason
        elif isinstance(one.value, x509.InvalidityDate):
            since = min(since, one.value.invalidity_date_utc)
    harmless = reason in HARMLESS
    time = entry.revocation_date_utc if harmless else since
    return Revoked(_micros(time), "no reason said" if reason is None else reason.value, harmless)


def _micros(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000
