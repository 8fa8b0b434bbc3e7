"""The proof that a bundle has all entries of its case: the case's tags, and every leaf of the log.

Each leaf carries HMAC(K, i), K being its case's key and i its number there. A bundle reveals K, so
whoever has all leaves up to the checkpoint can look for every number. Each HMAC lies here as the
two inputs of SHA-256 that it is made of (RFC 2104), and each leaf as the input of its leaf hash, so
the one pass of `sha256sum` computes them all. docs/formats/bundle.md has the bytes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from holdfast.vault.entry import CASE_DOMAIN, KEY_DOMAIN, TAG_DOMAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from holdfast.vault.log import Log

LARGEST = 20_000
"""Entries of the whole log up to which the proof is written unasked: two small files each."""
BEYOND = 16
"""Numbers after the hand-over's own that are looked for too."""
BLOCK = 64
"""Bytes in a block of SHA-256, to which HMAC pads its key: RFC 2104 section 2."""


def halves(key: bytes, number: int) -> tuple[bytes, bytes]:
    """Return what SHA-256 is computed of for the tag of entry `number` under `key` (32 bytes).

    RFC 2104 section 2: H(K XOR opad, H(K XOR ipad, text)). The digest of the second is the tag.
    """
    padded = key.ljust(BLOCK, b"\0")
    inner = bytes(byte ^ 0x36 for byte in padded) + TAG_DOMAIN + str(number).encode()
    outer = bytes(byte ^ 0x5C for byte in padded) + hashlib.sha256(inner).digest()
    return inner, outer


def write_tags(put: Callable[[str, bytes], None], case: str, key: bytes, count: int) -> None:
    """Write what the case's opening commits to, and the tags 1 to `count` and a few beyond."""
    put("tags/case", CASE_DOMAIN + case.encode())
    put("tags/key", KEY_DOMAIN + key)
    for number in range(1, count + BEYOND + 1):
        inner, outer = halves(key, number)
        put(f"tags/{number}.inner", inner)
        put(f"tags/{number}.outer", outer)


def write_leaves(
    put: Callable[[str, bytes], None], log: Log, size: int, shown: Container[int]
) -> None:
    """Write each leaf of the log's first `size` that is not `shown` already; no body of any."""
    for index, leaf, _body in log.raw(0, size):
        if index not in shown:
            put(f"leaves/{index}", b"\x00" + leaf)
