"""Unfold 7z archives; what is encrypted or packed by PPMd or BCJ2 comes empty and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine import _archive, _sevenzip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.interfaces import Member

VERSION = 1
DECODERS: tuple[str, ...] = ("python", "zstandard")


def match(file: EvidenceFile) -> bool:
    """Accept what starts with the signature."""
    return _sevenzip.is_sevenzip(file.head)


def unfold(file: EvidenceFile) -> Iterator[Member]:
    """Yield each member in order.

    Raises:
        UnreadableError: the header can't be read.
    """
    return _archive.members(_sevenzip.entries(file))
