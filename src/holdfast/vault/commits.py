"""A commit: the one file whose creation appends its entries to the log.

docs/formats/custody.md, "Commits"; docs/decisions/0003 says why a file, and not a lease.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import IntegrityError
from holdfast.vault.entry import Sealed

if TYPE_CHECKING:
    from pathlib import Path

_TRAILER = 65
"""Bytes of the digest in hex, and a newline."""


def pack(start: int, sealed: list[Sealed], root: bytes) -> bytes:
    """Return the commit of entries that follow a tree of `start`, and make it one of `root`."""
    lines = [line for one in sealed for line in (one.leaf, one.body)]
    header = canonical.encode({"count": len(sealed), "root": root.hex(), "start": start, "v": 1})
    content = b"\n".join([header, *lines, b""])
    return content + sha256_hex(content).encode() + b"\n"


def read(path: Path) -> tuple[list[Sealed], bytes] | None:
    """Return a commit's entries and root; None where there is no such file.

    Raises:
        IntegrityError: it is damaged.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        signed, trailer = content[:-_TRAILER], content[-_TRAILER:].decode().strip()
        header, *lines = signed.splitlines()
        facts = orjson.loads(header)
        if sha256_hex(signed) != trailer or 2 * facts["count"] != len(lines):
            raise ValueError
        sealed = [Sealed(*pair) for pair in zip(lines[::2], lines[1::2], strict=True)]
        return sealed, bytes.fromhex(facts["root"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise IntegrityError(
            f"the log's commit {path} is damaged",
            "keep a copy of it and restore it from a backup",
        ) from None
