"""X.509 certificates as files, DER or PEM: whom they name, who issued them, when they hold.

Source: RFC 5280; PEM is RFC 7468. A web capture keeps each certificate that a server showed as a
file of its own. Read by the `cryptography` library.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, TypedDict

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from holdfast.examine.parsers._sniff import is_certificate
from holdfast.examine.record import Failure, Record, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

LIMIT = 1 << 20
"""Bytes of a DER file that may be one certificate; and of a PEM file that are read."""
MOST = 1000
_PEM = re.compile(
    rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]{1,200000}-----END CERTIFICATE-----"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TBS = re.compile(
    rb"\x30(?:\x82..|\x83...)\x30(?:\x81.|\x82..|\x83...)(?:\xa0\x03\x02\x01|\x02)", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate(Record):
    """One certificate; `time` is when it began to hold."""

    KIND: ClassVar[str] = "certificate"

    subject: str | None = None
    issuer: str | None = None
    serial: str | None = None
    """In hex."""
    names: list[str] = field(default_factory=list)
    """The DNS names and addresses it is for."""
    until_time: int | None = None
    sha256: str | None = None
    """The fingerprint: of the certificate as DER."""
    self_signed: bool = False


class _Place(TypedDict):
    offset: int
    length: int
    row: int


VERSION = 2
DECODERS: tuple[str, ...] = ("cryptography",)
RECORDS: tuple[type[Record], ...] = (Certificate,)


def match(file: EvidenceFile) -> bool:
    """Accept a file that begins as a DER certificate does, or with a PEM one."""
    return is_certificate(file.head) or (file.size <= LIMIT and _TBS.match(file.head) is not None)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield each certificate, in the order of the file."""
    with file.open() as stream:
        data = stream.read(LIMIT)
    if is_certificate(data):
        for number, found in enumerate(_PEM.finditer(data), 1):
            if number > MOST:
                yield Failure(message="more certificates", reason=f"over {MOST} in one file")
                return
            yield _one(found[0], found.start(), number, pem=True)
    else:
        yield _one(data, 0, 1, pem=False)


def _one(raw: bytes, offset: int, row: int, *, pem: bool) -> Record:
    place: _Place = {"offset": offset, "length": len(raw), "row": row}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd serial numbers are no fault of ours
            load = x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate
            found = load(raw)
            return _record(found, place)
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        return Failure(
            message="a certificate", reason=f"not readable ({type(error).__name__})", **place
        )


def _record(found: x509.Certificate, place: _Place) -> Certificate:
    subject, issuer = _plain(found.subject.rfc4514_string()), _plain(found.issuer.rfc4514_string())
    begins = (found.not_valid_before_utc - _EPOCH) // timedelta(microseconds=1)
    return Certificate(
        message=f"certificate of {subject or ', '.join(_names(found)) or '(nobody)'} by {issuer}"[
            :300
        ],
        **timed(begins, "valid from"),
        subject=subject,
        issuer=issuer,
        serial=f"{found.serial_number:x}",
        names=_names(found),
        until_time=(found.not_valid_after_utc - _EPOCH) // timedelta(microseconds=1),
        sha256=found.fingerprint(hashes.SHA256()).hex(),
        self_signed=found.subject == found.issuer,
        **place,
    )


def _names(found: x509.Certificate) -> list[str]:
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError, UnsupportedAlgorithm):
        return []
    texts = names.get_values_for_type(x509.DNSName)
    texts += [str(one) for one in names.get_values_for_type(x509.IPAddress)]
    return [_plain(one) for one in texts[:MOST]]


def _plain(text: str) -> str:
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return " ".join(shown.split())
