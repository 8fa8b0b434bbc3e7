"""The anchors: what a court keeps to hold bundles to. docs/formats/proof.md, "Anchors"."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from holdfast.vault import authorities, settings, witnessing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

_OF_WITNESSES = ("group", "quorum", "witness")


def lines(connection: Connection, vkey: str) -> Iterator[str]:
    """Yield the anchors: the log, its witnesses and their quorum, its time authorities.

    The policy's own lines are repeated as they were set; a log it names is this one.
    """
    yield f"log {vkey}"
    policy = settings.read(connection, witnessing.NAME)
    for line in str(policy or "").splitlines():
        if line.split()[:1] and line.split()[0] in _OF_WITNESSES:
            yield line.strip()
    for authority in authorities.parse(settings.read(connection, authorities.SETTING)):
        for root in authority.roots:
            der = x509.load_pem_x509_certificate(root.encode()).public_bytes(Encoding.DER)
            yield f"#tsa {authority.name} {base64.b64encode(der).decode()}"
