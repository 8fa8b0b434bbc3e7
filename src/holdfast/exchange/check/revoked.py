"""Whether a stamp's certificate was revoked, by the lists (CRLs) that lie beside it in a bundle."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from cryptography import x509

from holdfast.core.errors import IntegrityError
from holdfast.exchange.check.proof import P
from holdfast.vault import der, revocation, token
from holdfast.vault.authorities import Authority

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.exchange.check.proof import Proof


def check_revoked(proof: Proof, name: str, roots: Sequence[bytes]) -> tuple[bool, str]:
    """Say whether a stamp counts, and what is to be told of it: docs/formats/proof.md.

    One made when its certificate was revoked already is a failure.
    """
    path = f"stamps/{name}.crls"
    if not proof.has(path):
        return True, ""
    authority = Authority(name, "", tuple(map(ssl.DER_cert_to_PEM_cert, roots)))
    try:
        crls = revocation.read([proof.read(path)])
        content = der.parts(proof.read(f"stamps/{name}.tsr"))[1]
        stamp = token.sound(content, "sha256", token.digest_of(proof.text), authority)
    except (IntegrityError, ValueError, IndexError) as error:
        why = error.what if isinstance(error, IntegrityError) else "its stamp can't be read"
        proof.finding.bad(f"{P}{path}: {why}")
        return False, ""
    known = [x509.load_der_x509_certificate(one) for one in roots]
    found = revocation.find(stamp, crls, known)
    if found is None:
        told = "not revoked, by the list that was kept with it"
        if not revocation.told_of(stamp, crls, known):
            told = "whether it was revoked is not known: its list is by somebody else"
        return True, told
    if not found.harmless:
        return False, (
            f"the stamp of {name} counts for nothing: its certificate was {found.told}, and "
            "whoever has its key can make a stamp of any time"
        )
    if found.voids(stamp.time):
        proof.finding.bad(
            f"{P}stamps/{name}.tsr: its certificate was {found.told}, before it stamped this"
        )
        return False, ""
    return True, f"its certificate was {found.told}, after it"
