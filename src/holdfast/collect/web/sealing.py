"""Seal what only the unit may read: gzip inside age, in one pass, with bounded memory.

Opened without a program of ours: `age -d -i KEY netlog.json.gz.age | gunzip`.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import pyrage

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 1 << 20
GZIP = 31
"""zlib's `wbits` for a gzip member."""


@dataclass(frozen=True)
class Sealed:
    """What was sealed."""

    sha256: str
    """Of the plain bytes."""
    size: int
    """Of the plain bytes."""


class _Compressed:
    """A stream of a file's gzip, hashing the plain bytes on the way."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._packer = zlib.compressobj(1, wbits=GZIP)
        self._ready = b""
        self._ended = False
        self.hasher = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; nothing at the end."""
        while not self._ended and (size < 0 or len(self._ready) < size):
            plain = self._source.read(_CHUNK)
            if plain:
                self.hasher.update(plain)
                self.size += len(plain)
                self._ready += self._packer.compress(plain)
            else:
                self._ready += self._packer.flush()
                self._ended = True
        taken = self._ready if size < 0 else self._ready[:size]
        self._ready = self._ready[len(taken) :]
        return taken


def seal(source: Path, target: Path, recipients: list[str]) -> Sealed:
    """Write `source` to `target`, compressed and encrypted to `recipients` (`age1…`).

    Raises:
        OSError: the disk refused.
    """
    to = [pyrage.x25519.Recipient.from_str(one) for one in recipients]
    with source.open("rb") as plain, target.open("xb") as out:
        stream = _Compressed(plain)
        pyrage.encrypt_io(stream, out, to)
    return Sealed(stream.hasher.hexdigest(), stream.size)
