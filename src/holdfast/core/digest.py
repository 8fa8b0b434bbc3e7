"""SHA-256, the one digest: courts know it, RFC 3161 and C2SP use it, `sha256sum` checks it."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import BinaryIO

CHUNK = 1 << 20
"""Bytes read at a time; large enough that hashing runs outside the interpreter's lock."""

_HEX = re.compile(r"[0-9a-f]{64}")


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_stream(stream: BinaryIO) -> tuple[str, int]:
    """Read `stream` to its end; return its SHA-256 in hex and its length in bytes."""
    hasher, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK):
        hasher.update(chunk)
        size += len(chunk)
    return hasher.hexdigest(), size


def from_base64(text: str) -> bytes:
    """Decode base64 (RFC 4648, section 4) in its one canonical form.

    Python's own decoder takes any last bits; two texts of one signature would be two signatures.

    Raises:
        ValueError: other characters, wrong padding, or spare bits that are not zero (section 3.5).
    """
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("base64 is not in canonical form")
    return data


def is_sha256_hex(text: str) -> bool:
    """Say whether `text` is 64 lower-case hex digits."""
    return _HEX.fullmatch(text) is not None
