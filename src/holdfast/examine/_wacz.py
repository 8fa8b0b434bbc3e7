"""A WACZ from the inside: its parts by name, by the reader of ZIP archives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine import _zip
from holdfast.examine.record import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from holdfast.examine.file import EvidenceFile

_LOOKED = 64
"""Entries at the start among which a package's own must be."""


def is_wacz(file: EvidenceFile) -> bool:
    """Say whether a ZIP archive has WARC files in `archive/` beside a `datapackage.json`."""
    if not file.head.startswith(b"PK\3\4"):
        return False
    names = set()
    try:
        for number, entry in enumerate(_zip.entries(file)):
            names.add(entry.name)
            if number > _LOOKED and not any(one.startswith("archive/") for one in names):
                return False
    except UnreadableError:
        pass
    return "datapackage.json" in names and any(_is_warc(name) for name in names)


def part(file: EvidenceFile, name: str, most: int) -> bytes:
    """Return the first `most` bytes of a part; nothing where there is none."""
    for found, content in _parts(file):
        if found == name:
            return content.read(most)
    return b""


def archives(file: EvidenceFile) -> Iterator[BinaryIO]:
    """Yield each WARC file in it, to be read before the next."""
    for name, content in _parts(file):
        if _is_warc(name):
            yield content


def _is_warc(name: str) -> bool:
    return name.startswith("archive/") and name.endswith((".warc", ".warc.gz"))


def _parts(file: EvidenceFile) -> Iterator[tuple[str, BinaryIO]]:
    for entry in _zip.entries(file):
        if entry.content is not None:
            yield entry.name, entry.content()
