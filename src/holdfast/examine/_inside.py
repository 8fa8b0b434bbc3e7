"""A file inside an item, found by its path; and what a container holds, a page at a time.

The same paths as the examination's (`_walk`): containers are unfolded in the same order by the
same openers, and only as far as is needed. Runs in the sandbox.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.examine._shape import storable
from holdfast.examine._spool import Spool
from holdfast.examine._walk import CHUNK, unique
from holdfast.examine.file import EvidenceFile
from holdfast.examine.interfaces import openers
from holdfast.examine.record import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from holdfast.examine.interfaces import Member

DEPTH = 8
"""Containers inside containers, as in an examination."""


@dataclass(frozen=True)
class Found:
    """A file inside an item, and its digest."""

    file: EvidenceFile
    sha256: str


def find(item: EvidenceFile, path: str, most: int) -> Found:
    """Return the file at `path`, brought over into memory or scratch; `most` bytes at most.

    Raises:
        UnreadableError: there is none, or it can't be read to its end.
    """
    file, digest = item, ""
    for depth in range(DEPTH + 1):
        if file.path == path:
            return Found(file, digest)
        if depth == DEPTH:
            break
        found = _towards(file, path, depth, most)
        if found is None:
            break
        file, digest = found.file, found.sha256
    raise UnreadableError("there is no such file inside it")


def _towards(file: EvidenceFile, path: str, depth: int, most: int) -> Found | None:
    """Return the member of `file` that is at `path` or that it lies in."""
    for member, at in members(file):
        if path == at or path.startswith(f"{at}/"):
            return _fetched(member, file, at, depth, most)
    return None


def members(file: EvidenceFile) -> Iterator[tuple[Member, str]]:
    """Yield what lies directly in `file`, each with its path in the item."""
    for opener in openers():
        if not opener.match(file):
            continue
        names: dict[int, int] = {}
        for member in opener.unfold(file):
            path = unique(storable(member.path), names)
            yield member, f"{file.path}/{path}" if file.path else path


def _fetched(member: Member, parent: EvidenceFile, path: str, depth: int, most: int) -> Found:
    assert parent.scratch is not None  # noqa: S101 - the child gives one
    spool = Spool(_room(parent.scratch, depth))
    while chunk := bytes(member.content.read(CHUNK)):
        if spool.size + len(chunk) > most:
            raise UnreadableError(f"it unfolds to more than {most} bytes")
        spool.write(chunk)
    file = EvidenceFile(
        spool.descriptor, spool.size, storable(member.name), path, parent.scratch, parent.latest
    )
    return Found(file, spool.digest())


def _room(scratch: Path, depth: int) -> Path:
    return scratch / f"member-{depth}-{os.getpid()}"


def listed(file: EvidenceFile, start: int, count: int) -> tuple[list[str], bool, str]:
    """Return paths of what lies directly in `file`, whether more follow, and what stopped it."""
    paths: list[str] = []
    try:
        for at, (_, path) in enumerate(members(file)):
            if at >= start + count:
                return paths, True, ""
            if at >= start:
                paths.append(path)
    except UnreadableError as error:
        return paths, False, str(error)
    return paths, False, ""
