"""Evidence records (RFC 4998): a stamp that was stamped again before it lost its worth."""

from __future__ import annotations

import ssl
from functools import partial
from typing import TYPE_CHECKING

from holdfast.core import clock
from holdfast.core.errors import IntegrityError
from holdfast.exchange.check.proof import P
from holdfast.vault import der, evidence, token
from holdfast.vault.authorities import Authority

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.exchange.check.proof import Proof


def check_record(proof: Proof, name: str, roots: Sequence[bytes]) -> str:
    """Check an authority's evidence record over the head; return what it shows.

    Every time stamp in it is judged at its own time, by the authority's `roots` (DER).
    """
    path = f"stamps/{name}.ers"
    try:
        record = evidence.Record.parse(proof.read(path))
        first = der.parts(proof.read(f"stamps/{name}.tsr"))[1:2]
        if record.tokens[:1] != first:
            raise IntegrityError("it begins with another stamp")
        authority = Authority(name, "", tuple(map(ssl.DER_cert_to_PEM_cert, roots)))
        judge = partial(_sound, authority)
        tokens = evidence.check(record, proof.text, judge)
    except IntegrityError as error:
        proof.finding.bad(f"{P}{path}: {error.what}")
        return ""
    except (ValueError, TypeError, IndexError):
        proof.finding.bad(f"{P}{path}: is no evidence record (RFC 4998) of that stamp")
        return ""
    ends = clock.to_text(tokens[-1].expires)
    late = "" if tokens[-1].expires >= clock.now() else ", and nothing renewed it since"
    return f"{name} renewed it {len(tokens) - 1} times; its last certificate ends {ends}{late}"


def _sound(authority: Authority, content: bytes, name: str, digest: bytes) -> token.Token:
    return token.sound(content, name, digest, authority)
