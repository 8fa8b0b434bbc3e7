"""Unfold Zstandard (RFC 8878): all frames in the file are one member; its window is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine import _archive
from holdfast.examine._streams import Budget, span, stream, unzstd
from holdfast.examine.interfaces import Member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ("python", "zstandard")


def match(file: EvidenceFile) -> bool:
    """Accept what starts with a frame's magic, a skippable one's too."""
    head = file.head
    return head.startswith(b"\x28\xb5\x2f\xfd") or (
        head[1:4] == b"\x2a\x4d\x18"
        and head[:1] >= b"\x50"
        and head[:1] <= b"\x5f"
        and b"\x28\xb5\x2f\xfd" in head
    )


def unfold(file: EvidenceFile) -> Iterator[Member]:
    """Yield the one member."""
    name = _archive.without_ending(file.name, ".zst", ".tzst")
    path = _archive.Places().place(name)
    pieces = unzstd(span(file, 0, file.size))
    yield Member(path=path, name=path.rpartition("/")[2], content=stream(pieces, Budget(file)))
