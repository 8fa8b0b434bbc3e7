"""What archives have in common: an entry, its place as a path, its time.

An archive's format is read by one module (`_zip`, `_tar`, `_sevenzip`), and used twice: the
opener hands out the members' bytes, the `archive` parser records what the archive says of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from holdfast.examine.interfaces import Member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    from holdfast.examine.file import EvidenceFile

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FILETIME = 11_644_473_600_000_000
_SAFE = re.compile(r"[\x00-\x1f\x7f]")
_GZIP_LEAST = 18
"""Bytes of an empty gzip file less two: a header and a trailer."""
_LONGEST = 1024
_NO_DATE = 1 << 5 | 1
_PARTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of an archive, as the archive tells it."""

    name: str
    """As given: it may lead anywhere, and nothing here follows it."""
    offset: int
    """Of its header in the file."""
    length: int
    """Bytes of its header and data, as far as they lie together."""
    kind: str = "file"
    """`file`, `folder`, `symlink`, `hardlink`, `device`, `fifo`, or `data` (no entry at all)."""
    size: int | None = None
    packed: int | None = None
    time: int | None = None
    """Modified: microseconds since 1970, UTC."""
    time_nanos: int | None = None
    """Nanoseconds beyond it, where the archive is that fine."""
    zoned: bool = True
    """Whether the time is UTC; else it is local time of a zone that the archive doesn't name."""
    method: str | None = None
    link: str | None = None
    owner: str | None = None
    mode: int | None = None
    comment: str | None = None
    encrypted: bool = False
    notes: list[str] = field(default_factory=list)
    """Where it breaks its format, or says two things."""
    content: Callable[[], BinaryIO] | None = None
    """Opens its bytes; None where it has none of its own."""


class Places:
    """Members' paths: data that look like paths, each different, none leading out."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def place(self, name: str) -> str:
        """Return `name` with empty parts dropped and `.` and `..` made harmless; numbered."""
        parts = _SAFE.sub("_", name[-_LONGEST:]).replace("\\", "/").split("/")
        kept = [part.replace(".", "_") if part in {".", ".."} else part for part in parts if part]
        plain = candidate = "/".join(kept[-_PARTS:]) or "unnamed"
        key = hash(plain)
        while hash(candidate) in self._seen:
            self._seen[key] = number = self._seen.get(key, 1) + 1
            candidate = f"{plain}#{number}"
        self._seen.setdefault(hash(candidate), 1)
        return candidate


def members(entries: Iterable[Entry]) -> Iterator[Member]:
    """Yield a member for each entry that has bytes."""
    places = Places()
    for entry in entries:
        if entry.content is None:
            continue
        path = places.place(entry.name)
        yield Member(path=path, name=path.rpartition("/")[2], content=entry.content())


def is_gzip(file: EvidenceFile) -> bool:
    """Say whether the file starts with gzip's magic and its one method."""
    return file.head.startswith(b"\x1f\x8b\x08") and file.size > _GZIP_LEAST


def gzip_name(head: bytes) -> str | None:
    """Return the name in a gzip header (RFC 1952, 2.3.1; ISO 8859-1), None where there is none."""
    flags = head[3] if len(head) > 10 else 0
    at = 10 + (2 + int.from_bytes(head[10:12], "little") if flags & 4 else 0)
    if not flags & 8:
        return None
    return decoded(head[at:].partition(b"\0")[0][:_LONGEST], "latin-1") or None


def gzip_entry(file: EvidenceFile) -> Entry:
    """Return what a gzip header says: a name and a time."""
    head = file.head
    seconds = int.from_bytes(head[4:8], "little")
    return Entry(
        name=gzip_name(head) or without_ending(file.name, ".gz", ".tgz"),
        offset=0, length=file.size, packed=file.size, method="deflate",
        time=seconds * 1_000_000 if seconds else None,
        notes=[] if gzip_name(head) else ["no name in the header"],
    )  # fmt: skip


def without_ending(name: str, *endings: str) -> str:
    """Return a compressed file's name as that of what is in it."""
    stem, dot, ending = name.rpartition(".")
    if f".{ending.lower()}" not in endings or not dot:
        return f"{name}.out" if name else "unnamed"
    return stem + (".tar" if ending.lower().startswith("t") else "") or "unnamed"


def decoded(raw: bytes, fallback: str) -> str:
    """Return a name as text: UTF-8 where it is that, or else `fallback`, which reads any byte."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode(fallback, "backslashreplace")


def from_dos(date: int, time: int) -> int | None:
    """Return a DOS date and time, which name no zone, as if they were UTC; None if impossible.

    The first moment it can say, 1980-01-01 00:00, is what writers give that have no time.
    """
    if date == _NO_DATE and not time:
        return None
    try:
        moment = datetime(
            1980 + (date >> 9), date >> 5 & 15, date & 31,
            time >> 11, time >> 5 & 63, min(59, (time & 31) * 2), tzinfo=UTC,
        )  # fmt: skip
    except ValueError:
        return None
    return int((moment - _EPOCH).total_seconds()) * 1_000_000


def finer(ticks: int) -> int:
    """Return the nanoseconds of a FILETIME beyond its microseconds: it counts 100 of them."""
    return ticks % 10 * 100


def from_filetime(ticks: int) -> int | None:
    """Return a Windows FILETIME in microseconds since 1970; None for zero and for the absurd."""
    micros = ticks // 10 - _FILETIME
    return micros if ticks and abs(micros) < 1 << 57 else None
