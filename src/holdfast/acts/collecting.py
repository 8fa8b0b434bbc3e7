"""The act of collecting: staged and durable, then entered, then in its place, group by group."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.admission import Admission, Collected
from holdfast.acts.ahead import Ahead
from holdfast.acts.staging import Bounds, Group, Stager
from holdfast.cases import case as cases
from holdfast.cases import exhibits
from holdfast.collect.collectors import files
from holdfast.collect.interfaces import Skipped, path_field
from holdfast.core import clock, durable
from holdfast.core.errors import InputError
from holdfast.core.reference import clock_reference
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from holdfast.cases.case import Case
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

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"paths": [path_field(os.fsencode(path)) for path in self.paths]}


@act("collect.files", Needs.AUTHORITY)
def collect_files(session: Session, request: CollectFiles) -> Iterator[Collected | Skipped]:
    """Collect files and folders; yield each item once it is entered and in its place.

    Raises:
        DeniedError: a path lies outside the case's scope; nothing is collected then.
        InputError: a path holds the vault itself.
    """
    case = session.case(request.case, Needs.AUTHORITY)
    paths = [_checked(session, case, path) for path in request.paths]
    return _Run(session, case, request, paths).items()


def _checked(session: Session, case: Case, path: str) -> tuple[bytes, bytes]:
    """Return the absolute path as given and where it really leads, after checking the latter.

    Raises:
        DeniedError: outside the scope.
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
    case.authority.check_path(case.id, real)
    return os.fsencode(absolute), os.fsencode(real)


class _Run:
    """One run of a collection, from its opening entry to its closing one."""

    def __init__(
        self, session: Session, case: Case, request: CollectFiles, paths: list[tuple[bytes, bytes]]
    ) -> None:
        self._session = session
        self._case = case
        self._request = request
        self._named = {path for path, _ in paths}
        self._waiting = files.start(paths)
        self._stager = Stager(session.vault.root, case.recipient, GROUP)
        self._id = f"{clock.to_text(clock.now())[:19].replace(':', '')}-{os.urandom(3).hex()}"
        self._read = 0
        self._totals = {"bytes": 0, "held": 0, "new": 0, "skipped": 0}

    def items(self) -> Iterator[Collected | Skipped]:
        with self._session.vault.gathering():
            yield from self._items()

    def _items(self) -> Iterator[Collected | Skipped]:
        vault = self._session.vault
        self._enter("collect.start", self._opening())
        with durable.disk_errors(vault.root):
            intake = vault.store.intake(self._id)
        try:
            yield from self._groups(intake)
        except BaseException:
            # What is entered and not yet in its place must not go with the rest.
            intake.leave()
            raise
        with durable.disk_errors(vault.root):
            intake.close()
        self._enter("collect.end", {"totals": dict(self._totals)})

    def _opening(self) -> dict[str, Json]:
        """Return under what the run happens: authority, and how right this host's clock is."""
        authority = self._case.authority
        return {
            "authority": {
                "basis": authority.basis,
                "issuer": authority.issuer,
                "valid_until": clock.to_text(authority.valid_until),
            },
            "clock": clock_reference(),
            "request": self._request.facts(),
        }

    def _enter(self, name: str, fields: dict[str, Json]) -> None:
        self._session.custody.enter(Draft(name, self._case.id, {"run": self._id, **fields}))

    def _groups(self, intake: Intake) -> Iterator[Collected | Skipped]:
        """Stage and finish group by group; where more than a few wait, a helper stages ahead."""
        few = replace(self._stager, bounds=FEW)
        for group in few.groups(self._waiting, intake.staging, self._tell):
            if not self._waiting:
                yield from self._finish(intake, group)
                continue
            with Ahead(self._stager, intake, self._waiting) as ahead:
                yield from self._finish(intake, group)
                for more in ahead.groups(self._tell):
                    yield from self._finish(intake, more)
            return

    def _tell(self, size: int, what: str) -> None:
        self._read += size
        self._session.progress(self._read, None, what)

    def _finish(self, intake: Intake, group: Group) -> Iterator[Collected | Skipped]:
        """Make a group durable, enter it, give it its place, and tell."""
        session = self._session
        skipped = [replace(one, named=one.path in self._named) for one in group.skipped]
        for file in group.staged:
            intake.take(file.copied.object, file.place)
        told: list[Collected] = []
        admitted: set[str] = set()

        def build(connection: Connection) -> Sequence[Draft]:
            case = cases.find(connection, self._case.id)
            # A collection may outlast its authority, and others may close the case meanwhile.
            case.check_open()
            case.authority.check_time(case.id, clock.now())
            initials = exhibits.initials(session.operator)
            admission = Admission(case, self._id, initials, session.vault.keyring)
            drafts = admission.decide(connection, group.staged)
            for file in group.staged:
                # Bytes that the vault has already must still be those bytes.
                if self._case.recipient is None and (
                    intake.near or file.copied.object in admission.holds
                ):
                    intake.compare(file.copied.object)
            told[:] = admission.told
            admitted.clear()
            admitted.update(admission.admitted)
            return drafts + [admission.skip(one, path_field(one.path)) for one in skipped]

        with durable.disk_errors(session.vault.root):
            intake.flush()
            session.custody.decide(build)
            intake.admit(sorted(admitted))
        for one in told:
            self._totals[one.status] += 1
            self._totals["bytes"] += one.size if one.status == "new" else 0
        self._totals["skipped"] += len(skipped)
        yield from told
        yield from skipped
