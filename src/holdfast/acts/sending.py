"""The act of collecting files that were sent over the network: they become items as others do.

What the sender says of a file (its path, times, owner) is kept as what the sender says. Its digest,
if one was said, is held against the bytes that are staged: another means that nothing is entered.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.collecting import GROUP
from holdfast.acts.gathering import Gathering
from holdfast.acts.staging import Group, stage_file
from holdfast.collect.interfaces import Skipped
from holdfast.core import clock, durable
from holdfast.core.errors import InputError, IntegrityError
from holdfast.vault import served
from holdfast.vault.arriving import Arrivals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.acts.admission import Collected
    from holdfast.cases.case import Case
    from holdfast.core.canonical import Json
    from holdfast.vault.arriving import Arriving
    from holdfast.vault.store import Intake


@dataclass(frozen=True)
class LeftOut:
    """Something that the sender saw and did not send, and why."""

    path: str
    kind: str
    reason: str


@dataclass(frozen=True)
class CollectUploads:
    """Which files that were sent go into which case."""

    case: str
    uploads: tuple[str, ...]
    """Their numbers, as the server gave them."""
    left_out: tuple[LeftOut, ...] = ()

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"left_out": len(self.left_out), "uploads": [*self.uploads]}


def arrivals(session: Session) -> Arrivals:
    """Return the files that are being sent to this vault."""
    return Arrivals(served.uploads(session.vault.root))


def begin(session: Session, case: str, path: str, size: int, **said: object) -> Arriving:
    """Make room for a file, if it could be collected now.

    Raises:
        DeniedError: it could not: no authority, no right, out of scope.
        InputError: no path that can be one.
    """
    collect_uploads.permit(session, CollectUploads(case, ()))
    _checked(session.case(case, Needs.AUTHORITY), path)
    return arrivals(session).begin(session.operator, case, path, size, **said)


def _checked(case: Case, path: str) -> str:
    """Return the path under which a file is recorded, after holding it to the scope.

    Raises:
        DeniedError: outside it.
        InputError: it can't be one.
    """
    name = os.path.normpath(path)
    if not path or "\0" in path or len(path) > 4096 or name.startswith("..") or name == ".":
        raise InputError(f"{path[:100]!r} can't be a file's path", "name it as it was")
    case.authority.check_path(case.id, Path(name))
    return name


@act("collect.sent", Needs.AUTHORITY, long=True)
def collect_uploads(session: Session, request: CollectUploads) -> Iterator[Collected | Skipped]:
    """Collect files that were sent; yield each item once it is entered and in its place.

    Raises:
        DeniedError: a path lies outside the case's scope; nothing is collected then.
        InputError: a file is not there, or not all of it.
        IntegrityError: its bytes are not what the sender said.
    """
    case = session.case(request.case, Needs.AUTHORITY)
    here, files = arrivals(session), []
    for number in dict.fromkeys(request.uploads):
        one = here.find(number)
        if one is None or one.case != case.id or one.who != session.operator:
            raise InputError(f"there is no file {number[:40]!r} of yours", "send it first")
        here.data(one)
        files.append((_checked(case, one.path), one))
    return _Run(session, case, request, files).items()


class _Run(Gathering):
    """One run of a collection of files that were sent."""

    def __init__(
        self,
        session: Session,
        case: Case,
        request: CollectUploads,
        files: list[tuple[str, Arriving]],
    ) -> None:
        named = {path.encode() for path, _ in files}
        super().__init__(session, case, request.facts(), named)
        self._files = files
        self._left_out = request.left_out
        self._here = arrivals(session)

    def groups(self, intake: Intake) -> Iterator[Collected | Skipped]:
        """Stage and finish group by group; what is in its place is taken from where it waited."""
        group = Group()
        waiting: list[Arriving] = []
        for left in self._left_out:
            group.skipped.append(Skipped(left.path.encode(), left.kind[:40], left.reason[:200]))
        read = 0
        for path, one in self._files:
            with durable.disk_errors(self.session.vault.root):
                started = clock.to_text(clock.now())
                staged = stage_file(
                    intake.staging, self._here.data(one), path,
                    {"received": started, "sender": one.sender, "size": one.size,
                     "upload": one.id}, self.case.recipient,
                )  # fmt: skip
            if one.sha256 not in {"", staged.copied.item}:
                raise IntegrityError(
                    f"what came of {path} has the SHA-256 {staged.copied.item}, not {one.sha256}",
                    "send it again",
                )
            group.staged.append(staged)
            group.bytes += one.size
            waiting.append(one)
            read += one.size
            self.session.progress(read, sum(file.size for _, file in self._files), path)
            if GROUP.full(group):
                yield from self._finished(intake, group, waiting)
                group, waiting = Group(), []
        yield from self._finished(intake, group, waiting)

    def _finished(
        self, intake: Intake, group: Group, waiting: list[Arriving]
    ) -> Iterator[Collected | Skipped]:
        if len(group):
            told = list(self.finish(intake, group))
            for one in waiting:
                self._here.remove(one)
            yield from told
