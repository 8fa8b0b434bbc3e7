"""MD5 and SHA-1 of every file, where a set of known files has nothing else to be compared by.

The SHA-256 of every file is in the list of files seen. Without `use` nothing is found: reading
everything once more is not free, and these two are no proof of anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ()
ALGORITHMS = ("md5", "sha1")

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigests(Record):
    """Other digests of a file; `message` repeats them."""

    KIND: ClassVar[str] = "file.digests"

    md5: str | None = None
    sha1: str | None = None


class _InUse:
    """What this worker computes: set once, before the first item."""

    algorithms: tuple[str, ...] = ()


def use(settings: Json) -> None:
    """Compute these of `ALGORITHMS` from now on."""
    wanted = settings if isinstance(settings, list) else []
    _InUse.algorithms = tuple(one for one in ALGORITHMS if one in wanted)


def find(file: EvidenceFile) -> Iterator[FileDigests]:
    """Yield the file's digests, one record."""
    if not _InUse.algorithms:
        return
    hashers = {one: hashlib.new(one, usedforsecurity=False) for one in _InUse.algorithms}
    with file.open() as stream:
        while chunk := stream.read(_CHUNK):
            for hasher in hashers.values():
                hasher.update(chunk)
    found = {name: hasher.hexdigest() for name, hasher in hashers.items()}
    words = ", ".join(f"{name} {digest}" for name, digest in found.items())
    yield FileDigests(
        message=words, offset=0, length=file.size, md5=found.get("md5"), sha1=found.get("sha1")
    )
