"""One stamp's own proof: its token, and what renewed it (RFC 3161, RFC 4998)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from holdfast.core.digest import sha256_hex
from holdfast.core.errors import IntegrityError
from holdfast.vault import evidence, token

if TYPE_CHECKING:
    from holdfast.vault.authorities import Authority
    from holdfast.vault.stamp_files import Stamped
    from holdfast.vault.token import Token


def proven(stamped: Stamped, authority: Authority) -> tuple[Token, Token]:
    """Check one stamp's files; return its own token and the last one that renewed it.

    Raises:
        IntegrityError: the stamp or its renewal is not good.
    """
    if stamped.query is None or stamped.text is None:
        raise IntegrityError("its request or its text is missing")
    digest = token.digest_of(stamped.text)
    first = token.answered(stamped.query, stamped.response, digest, authority)
    if stamped.record is None:
        return first, first
    record = evidence.Record.parse(stamped.record)
    if record.tokens[0] != first.content:
        raise IntegrityError("its evidence record begins with another stamp")
    tokens = evidence.check(record, stamped.text, partial(_sound, authority))
    return first, tokens[-1]


def _sound(authority: Authority, content: bytes, name: str, digest: bytes) -> Token:
    return token.sound(content, name, digest, authority)


def held(stamped: Stamped) -> frozenset[str]:
    """Return the SHA-256 of each token in the stamp's evidence record.

    Raises:
        IntegrityError: it is no evidence record.
    """
    if stamped.record is None:
        return frozenset()
    return frozenset(map(sha256_hex, evidence.Record.parse(stamped.record).tokens))
