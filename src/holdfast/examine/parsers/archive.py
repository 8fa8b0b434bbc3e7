"""What archives say of their members: ZIP, tar, 7z, one record an entry; gzip's header.

The members' own bytes are the openers' work. A name is the archive's word: it may lead anywhere,
differ from what lies beside it, or be there twice. Times in ZIP without an extra field, and all in
7z, are as the writer's machine had them; `notes` says where no zone is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from holdfast.core import clock
from holdfast.examine import _archive, _sevenzip, _tar, _warc, _zip
from holdfast.examine.record import EXACT, ZONE_ASSUMED, Failure, Record, UnreadableError, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine._archive import Entry
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Timed

_SHOWN = 300
_MAX_NAME = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveEntry(Record):
    """An entry of an archive; `time` is when its writer says the file was last modified."""

    KIND: ClassVar[str] = "archive.entry"

    name: str | None = None
    entry_type: str | None = None
    """`file`, `folder`, `symlink`, `hardlink`, `device`, `fifo`, or `data` beside the entries."""
    size: int | None = None
    packed_size: int | None = None
    method: str | None = None
    link: str | None = None
    owner: str | None = None
    mode: int | None = None
    comment: str | None = None
    encrypted: bool = False
    notes: list[str] = field(default_factory=list)
    """Where the archive breaks its format, or says two things of one entry."""


VERSION = 2
DECODERS: tuple[str, ...] = ("python", "zstandard")
RECORDS: tuple[type[Record], ...] = (ArchiveEntry,)


def match(file: EvidenceFile) -> bool:
    """Accept what the openers of these formats accept."""
    head = file.head
    return (
        _zip.is_zip(file)
        or _tar.is_tar(head)
        or _sevenzip.is_sevenzip(head)
        or (_archive.is_gzip(file) and not _warc.is_warc(head))
    )


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield a record for each entry, then a failure where the archive can't be read on."""
    row = 0
    names: set[int] = set()
    try:
        for entry in _entries(file):
            row += 1
            twice = hash(entry.name) in names
            names.add(hash(entry.name))
            yield _record(entry, row, twice=twice)
    except UnreadableError as error:
        yield Failure(message=str(error), reason=str(error))


def _entries(file: EvidenceFile) -> Iterator[Entry]:
    head = file.head
    if _tar.is_tar(head):
        return _tar.entries(file)
    if _sevenzip.is_sevenzip(head):
        return _sevenzip.entries(file)
    if head.startswith(b"\x1f\x8b"):
        return iter((_archive.gzip_entry(file),))
    return _zip.entries(file)


def _record(entry: Entry, row: int, *, twice: bool) -> ArchiveEntry:
    name = entry.name[:_MAX_NAME]
    return ArchiveEntry(
        message=" ".join(name.split())[:_SHOWN],
        **_modified(entry),
        offset=entry.offset if entry.length else None,
        length=entry.length or None,
        row=row,
        name=name,
        entry_type=entry.kind,
        size=_fit(entry.size),
        packed_size=_fit(entry.packed),
        method=entry.method,
        link=entry.link,
        owner=entry.owner,
        mode=entry.mode,
        comment=entry.comment,
        encrypted=entry.encrypted,
        notes=[*entry.notes, *(["the name was there before"] if twice else [])],
    )


def _modified(entry: Entry) -> Timed:
    """Return when the file was last changed: a DOS time is local time, in words as it stands."""
    if entry.zoned or entry.time is None:
        return timed(entry.time, "modified", EXACT, nanos=entry.time_nanos)
    local = clock.to_text(entry.time).removesuffix("Z")
    return timed(entry.time, "modified", ZONE_ASSUMED, local)


def _fit(number: int | None) -> int | None:
    return number if number is not None and number < 1 << 63 else None
