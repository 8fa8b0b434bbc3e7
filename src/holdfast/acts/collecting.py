"""The act of collecting: staged and durable, then entered, then in its place, group by group."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.ahead import Ahead
from holdfast.acts.gathering import Gathering
from holdfast.acts.staging import Bounds, Stager
from holdfast.cases import things
from holdfast.collect.collectors import files
from holdfast.collect.interfaces import Skipped, path_field
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.acts.admission import Collected
    from holdfast.cases.case import Case
    from holdfast.cases.things import Made
    from holdfast.core.canonical import Json
    from holdfast.vault.store import Intake

GROUP = Bounds(files=2000, bytes=256 << 20)
FEW = Bounds(files=200, bytes=64 << 20)
"""What is collected before a helper is started, which takes as long as to stage some hundred."""


@dataclass(frozen=True)
class CollectFiles:
    """Which paths go into which case."""

    case: str
    paths: tuple[str, ...]
    made: Made | None = None
    """From which physical exhibit they are made, or which one they show."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        paths: dict[str, Json] = {"paths": [path_field(os.fsencode(path)) for path in self.paths]}
        return paths if self.made is None else {**paths, **self.made.facts()}


@act("collect.files", Needs.AUTHORITY, long=True)
def collect_files(session: Session, request: CollectFiles) -> Iterator[Collected | Skipped]:
    """Collect files and folders; yield each item once it is entered and in its place.

    Raises:
        DeniedError: a path lies outside the case's scope; nothing is collected then.
        InputError: a path holds the vault itself.
    """
    case = session.case(request.case, Needs.AUTHORITY)
    made = request.made
    if made is not None:
        session.look_up(lambda connection: things.source(connection, case.id, made))
    paths = [_checked(session, case, path) for path in request.paths]
    return _Run(session, case, request, paths).items()


def collect_paper(session: Session, case: str, path: str) -> Collected:
    """Collect a document that the case itself stands on, wherever it lies.

    Raises:
        InputError: it holds the vault, or could not be read.
    """
    held = session.case(case, Needs.AUTHORITY)
    run = _Run(session, held, CollectFiles(case, (path,)), [_located(session, path)])
    for one in run.items():
        if isinstance(one, Skipped):
            raise InputError(f"{path} could not be collected: {one.reason}", "name another file")
        return one
    raise InputError(f"{path} could not be collected", "name another file")


def _checked(session: Session, case: Case, path: str) -> tuple[bytes, bytes]:
    """Return the absolute path as given and where it really leads, after checking the latter.

    Raises:
        DeniedError: outside the scope.
        InputError: the vault lies inside it.
    """
    absolute, real = _located(session, path)
    case.authority.check_path(case.id, Path(os.fsdecode(real)))
    return absolute, real


def _located(session: Session, path: str) -> tuple[bytes, bytes]:
    """Return the absolute path as given and where it really leads.

    Raises:
        InputError: the vault lies inside it.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the last link
    # Not Path.resolve(), which raises on a loop of links.
    real = Path(os.path.realpath(absolute.parent)) / absolute.name
    vault = session.vault.root.resolve()
    if real == vault or real in vault.parents or vault in real.parents:
        raise InputError(
            f"{path} holds the vault itself, or lies in it", "collect the evidence beside it"
        )
    return os.fsencode(absolute), os.fsencode(real)


class _Run(Gathering):
    """One run of a collection of files."""

    def __init__(
        self, session: Session, case: Case, request: CollectFiles, paths: list[tuple[bytes, bytes]]
    ) -> None:
        named = {path for path, _ in paths}
        super().__init__(session, case, request.facts(), named, request.made)
        self._waiting = files.start(paths)
        self._stager = Stager(session.vault.root, case.recipient, GROUP)
        self._read = 0

    def groups(self, intake: Intake) -> Iterator[Collected | Skipped]:
        """Stage and finish group by group; where more than a few wait, a helper stages ahead."""
        few = replace(self._stager, bounds=FEW)
        for group in few.groups(self._waiting, intake.staging, self._tell):
            if not self._waiting:
                yield from self.finish(intake, group)
                continue
            with Ahead(self._stager, intake, self._waiting) as ahead:
                yield from self.finish(intake, group)
                for more in ahead.groups(self._tell):
                    yield from self.finish(intake, more)
            return

    def _tell(self, size: int, what: str) -> None:
        self._read += size
        self.session.progress(self._read, None, what)
