"""The anchors: what a court keeps to hold bundles to. docs/formats/proof.md, "Anchors"."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from holdfast.vault import authorities, settings, witnessing
from holdfast.vault.eras import STOLEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.log import Log

_OF_WITNESSES = ("group", "quorum", "witness")


def of_log(log: Log, head: Checkpoint) -> Iterator[str]:
    """Yield the log's own lines: its key, those that it had before, and where each ended.

    A stolen key is none that is trusted, so it has no `log` line.
    """
    yield f"log {log.eras.present.verifier}"
    for era in log.eras.before(head.size):
        if era.why != STOLEN:
            yield f"log {era.verifier}"
        if era.until is not None:
            root = base64.b64encode(log.past(head, era.until).root).decode()
            yield f"#ended {era.why} {era.until} {root} {era.verifier}"


def others(connection: Connection) -> Iterator[str]:
    """Yield the lines of the log's witnesses, their quorum, and its time authorities.

    The policy's own lines are repeated as they were set; a log it names is this one.
    """
    policy = settings.read(connection, witnessing.NAME)
    for line in str(policy or "").splitlines():
        if line.split()[:1] and line.split()[0] in _OF_WITNESSES:
            yield line.strip()
    for authority in authorities.parse(settings.read(connection, authorities.SETTING)):
        for root in authority.roots:
            der = x509.load_pem_x509_certificate(root.encode()).public_bytes(Encoding.DER)
            yield f"#tsa {authority.name} {base64.b64encode(der).decode()}"
