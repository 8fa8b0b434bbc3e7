"""The act of taking in files that somebody hands over: in a browser, or by the command line.

Where such a file was before nobody here can see, so whoever hands it in says where it comes from,
and the record says that it is their word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.gathering import Gathering
from holdfast.acts.staging import Group, stage_file
from holdfast.core import clock, durable
from holdfast.core.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from holdfast.acts.admission import Collected
    from holdfast.collect.interfaces import Skipped
    from holdfast.core.canonical import Json
    from holdfast.vault.store import Intake

_NAME = 255
_SOURCE = 1000


@dataclass(frozen=True)
class Handed:
    """A file that was handed over."""

    path: Path
    """Where it lies for now."""
    name: str
    """What it is called, as whoever handed it over says."""


@dataclass(frozen=True)
class CollectUpload:
    """Which files go into which case, and where they come from."""

    case: str
    files: tuple[Handed, ...]
    source: str
    """In words, for the record: `sent by the bank's branch in Lyon, by mail, 3 May`."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        names: list[Json] = [one.name for one in self.files]
        return {"names": names, "source": self.source}


@act("collect.upload", Needs.AUTHORITY)
def collect_upload(session: Session, request: CollectUpload) -> Iterator[Collected | Skipped]:
    """Take in files; yield each item once it is entered and in its place.

    Raises:
        InputError: no file, no word of where they come from, or a name that can't be one.
    """
    if not request.files:
        raise InputError("no file was handed over", "choose one")
    if not 0 < len(request.source.strip()) <= _SOURCE:
        raise InputError("nobody says where the files come from", "say it in a few words")
    for one in request.files:
        if not 0 < len(one.name) <= _NAME or "/" in one.name or "\0" in one.name:
            raise InputError(f"{printable(one.name)[:80]!r} can't be a file's name", "rename it")
    return _Run(session, request).items()


class _Run(Gathering):
    """One run of taking in."""

    def __init__(self, session: Session, request: CollectUpload) -> None:
        case = session.case(request.case, Needs.AUTHORITY)
        named = {one.name.encode() for one in request.files}
        super().__init__(session, case, request.facts(), named)
        self._request = request

    def groups(self, intake: Intake) -> Iterator[Collected | Skipped]:
        """Take in one file after the other."""
        sizes = [one.path.stat().st_size for one in self._request.files]
        done = 0
        for one, size in zip(self._request.files, sizes, strict=True):
            self.session.progress(done, sum(sizes), one.name)
            record: dict[str, Json] = {
                "kind": "upload",
                "name": one.name,
                "source": self._request.source,
                "started": clock.to_text(clock.now()),
            }
            with durable.disk_errors(self.session.vault.root):
                staged = stage_file(intake.staging, one.path, one.name, record, self.case.recipient)
            yield from self.finish(intake, Group([staged], [], staged.copied.size))
            done += size
            self.session.progress(done, sum(sizes), one.name)
