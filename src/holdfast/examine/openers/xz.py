"""Unfold xz: all streams in the file are one member; its dictionary is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine import _archive
from holdfast.examine._streams import Budget, span, stream, unxzipped
from holdfast.examine.interfaces import Member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)


def match(file: EvidenceFile) -> bool:
    """Accept what starts with xz's magic."""
    return file.head.startswith(b"\xfd7zXZ\0")


def unfold(file: EvidenceFile) -> Iterator[Member]:
    """Yield the one member."""
    name = _archive.without_ending(file.name, ".xz", ".txz")
    path = _archive.Places().place(name)
    pieces = unxzipped(span(file, 0, file.size), follow=True)
    yield Member(path=path, name=path.rpartition("/")[2], content=stream(pieces, Budget(file)))
