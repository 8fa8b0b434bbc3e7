"""Unfold ZIP archives (also ZIP64, self-extracting, cut off), and what lies beside their entries.

Encrypted members and those of a method that is not read come empty, with the reason. Data before
and after the archive are the members `prefix data` and `appended data`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine import _archive, _zip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.interfaces import Member

VERSION = 1
DECODERS: tuple[str, ...] = ("python", "zstandard")


def match(file: EvidenceFile) -> bool:
    """Accept what starts with a ZIP entry, or ends with a directory that fits its file."""
    return _zip.is_zip(file)


def unfold(file: EvidenceFile) -> Iterator[Member]:
    """Yield each member by its place in the file.

    Raises:
        UnreadableError: after the last, where entries overlap or the directory is damaged.
    """
    return _archive.members(_zip.entries(file))
