"""Unfold tar archives: v7, ustar, pax, GNU; sparse files come whole, links have no bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine import _archive, _tar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.interfaces import Member

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)


def match(file: EvidenceFile) -> bool:
    """Accept what starts with a header whose checksum fits."""
    return _tar.is_tar(file.head)


def unfold(file: EvidenceFile) -> Iterator[Member]:
    """Yield each member in order.

    Raises:
        UnreadableError: after the last, where headers are damaged or the archive is cut.
    """
    return _archive.members(_tar.entries(file))
