"""The unit's signature under a report: PAdES (baseline B-B) by pyHanko.

It is added behind the document's own bytes, which stay as they are: the signed file begins with the
file that anybody can make again. The certificate is a PKCS#12 file in the vault's keyring.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import InputError
from holdfast.vault import private

if TYPE_CHECKING:
    from pathlib import Path

    from pyhanko.sign.signers import SimpleSigner

FILE = "report.p12"
PASSPHRASE = "HOLDFAST_REPORT_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable
_FIELD = "Holdfast"


@dataclass(frozen=True)
class Seal:
    """The certificate that reports are signed with, and its key."""

    signer: SimpleSigner

    @property
    def name(self) -> str:
        """Whom the certificate names."""
        certificate: Any = self.signer.signing_cert
        return str(certificate.subject.human_friendly)

    def sign(self, document: bytes, reason: str) -> bytes:
        """Return the document with a signature behind it."""
        from pyhanko.pdf_utils.incremental_writer import (  # noqa: PLC0415
            IncrementalPdfFileWriter,
        )
        from pyhanko.sign import fields, signers  # noqa: PLC0415

        writer = IncrementalPdfFileWriter(io.BytesIO(document))
        facts = signers.PdfSignatureMetadata(
            field_name=_FIELD,
            md_algorithm="sha256",
            reason=reason,
            subfilter=fields.SigSeedSubFilter.PADES,
        )
        # Outside the page: PDF/UA wants what isn't tagged out of sight, PDF/A wants nothing hidden.
        unseen = fields.InvisSigSettings(box_out_of_bounds=True)
        place = fields.SigFieldSpec(_FIELD, invis_sig_settings=unseen)
        signed = signers.PdfSigner(facts, self.signer, new_field_spec=place).sign_pdf(writer)
        return bytes(signed.getbuffer())


def find(keyring: Path) -> Seal | None:
    """Return the seal of a vault; None where none is configured.

    Raises:
        InputError: the file is no PKCS#12 with a certificate and its key, or pyHanko is missing.
        DeniedError: other accounts can read it, or its passphrase is missing.
    """
    path = keyring / FILE
    if not path.exists():
        return None
    try:
        from pyhanko.sign.signers import SimpleSigner  # noqa: PLC0415 - an extra
    except ImportError:
        raise InputError(
            f"{path} is to sign reports, and pyHanko is missing",
            "pip install 'holdfast[pdf-sign]'",
        ) from None
    private.check_mode(path, shared=True)
    secret = private.passphrase(PASSPHRASE, f"Passphrase of {path}: ")
    load: Any = SimpleSigner.load_pkcs12  # untyped there
    signer = load(str(path), passphrase=secret or None)
    if signer is None:
        raise InputError(
            f"{path} opens to no certificate with its key", f"check it, and what {PASSPHRASE} names"
        )
    return Seal(signer)
