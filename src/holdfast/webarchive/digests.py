"""Digests as WARC fields label them: an algorithm, a colon, a value in one of three encodings.

The standard names no encoding, so a value is taken by its length as base 16, 32 or 64 (RFC 4648).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_FORM = re.compile(r"([!#$%&'*+\-.0-9A-Z^_`a-z|~]+):([!-~]+)")
_NAMES = {
    "md5": "md5", "sha1": "sha1", "sha-1": "sha1", "sha224": "sha224", "sha-224": "sha224",
    "sha256": "sha256", "sha-256": "sha256", "sha384": "sha384", "sha-384": "sha384",
    "sha512": "sha512", "sha-512": "sha512", "blake2b": "blake2b", "sha3-256": "sha3_256",
    "blake2s": "blake2s", "sha3-512": "sha3_512",
}  # fmt: skip


@dataclass(frozen=True)
class Labelled:
    """One labelled digest, read."""

    algorithm: str
    """hashlib's name; empty for one that is not known here."""
    value: bytes | None
    """None where the value fits the algorithm in no encoding."""
    padded: bool

    def hasher(self) -> hashlib._Hash | None:
        """Return a new hash of this algorithm, where it is known."""
        if not self.algorithm:
            return None
        return hashlib.new(self.algorithm, usedforsecurity=False)


def read(text: str) -> Labelled | None:
    """Read a labelled digest; None where it has not that form."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    algorithm = _NAMES.get(found[1].lower(), "")
    if not algorithm:
        return Labelled("", None, padded=False)
    size = hashlib.new(algorithm, usedforsecurity=False).digest_size
    return Labelled(algorithm, _value(found[2], size), padded="=" in found[2])


def _value(text: str, size: int) -> bytes | None:
    bare = text.rstrip("=")
    tries: tuple[tuple[int, Callable[[str], bytes]], ...] = (
        (size * 2, bytes.fromhex),
        (-(-size * 8 // 5), _base32),
        (-(-size * 8 // 6), _base64),
    )
    for length, decode in tries:
        if len(bare) != length:
            continue
        try:
            found = decode(bare)
        except (ValueError, binascii.Error):
            continue
        if len(found) == size:
            return found
    return None


def _base32(text: str) -> bytes:
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))


def _base64(text: str) -> bytes:
    plain = text.translate(str.maketrans("-_", "+/"))
    return base64.b64decode(plain + "=" * (-len(text) % 4), validate=True)
