"""Unfold bzip2: all streams in the file are one member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine import _archive
from holdfast.examine._streams import Budget, bunzipped, span, stream
from holdfast.examine.interfaces import Member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)


def match(file: EvidenceFile) -> bool:
    """Accept what starts with bzip2's magic, a level, and a block's or the end's mark."""
    marks = (b"1AY&SY", b"\x17rE8P\x90")
    head = file.head
    return head.startswith(b"BZh") and head[3:4] in b"123456789" and head[4:10] in marks


def unfold(file: EvidenceFile) -> Iterator[Member]:
    """Yield the one member."""
    name = _archive.without_ending(file.name, ".bz2", ".tbz2")
    path = _archive.Places().place(name)
    pieces = bunzipped(span(file, 0, file.size), follow=True)
    yield Member(path=path, name=path.rpartition("/")[2], content=stream(pieces, Budget(file)))
