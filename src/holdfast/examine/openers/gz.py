"""Unfold gzip (RFC 1952): all streams in the file are one member, as `gunzip` has it.

The member bears the name that the header gives, or else the file's own without its ending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine import _archive, _warc
from holdfast.examine._streams import Budget, inflated, span, stream
from holdfast.examine.interfaces import Member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)


def match(file: EvidenceFile) -> bool:
    """Accept what starts with gzip's magic and its one method, but no web archive: a WARC's
    records are gzipped one by one, and its own opener unfolds them.
    """
    return _archive.is_gzip(file) and not _warc.is_warc(file.head)


def unfold(file: EvidenceFile) -> Iterator[Member]:
    """Yield the one member."""
    name = _archive.gzip_name(file.head) or _archive.without_ending(file.name, ".gz", ".tgz")
    path = _archive.Places().place(name)
    pieces = inflated(span(file, 0, file.size), window=31, follow=True)
    yield Member(path=path, name=path.rpartition("/")[2], content=stream(pieces, Budget(file)))
