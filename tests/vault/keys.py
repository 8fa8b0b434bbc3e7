"""Keys that are the same in every run, so that a failure can be looked at again."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def fixed_key(number: int) -> Ed25519PrivateKey:
    """Return the `number`-th key."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
