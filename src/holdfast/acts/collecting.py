"""The act of collecting: staged and durable, then entered, then in its place, group by group."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.admission import Admission, Collected, Staged
from holdfast.cases import case as cases
from holdfast.cases import exhibits
from holdfast.collect.collectors import files
from holdfast.collect.interfaces import Skipped, Source, path_field
from holdfast.core import clock, durable
from holdfast.core.digest import sha256_stream
from holdfast.core.errors import InputError
from holdfast.core.reference import clock_reference
from holdfast.vault import copying
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from holdfast.cases.case import Case
    from holdfast.core.canonical import Json
    from holdfast.vault.copying import Copied
    from holdfast.vault.store import Intake

GROUP_FILES = 2000
GROUP_BYTES = 256 << 20
"""A group is synced, entered and admitted together: this many files or bytes at most."""


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
        self._paths = paths
        self._named = {path for path, _ in paths}
        self._id = f"{clock.to_text(clock.now())[:19].replace(':', '')}-{os.urandom(3).hex()}"
        self._read = 0
        self._totals = {"bytes": 0, "held": 0, "new": 0, "skipped": 0}

    def items(self) -> Iterator[Collected | Skipped]:
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
        staged: list[Staged] = []
        skipped: list[Skipped] = []
        size = 0
        for found in files.walk(self._paths):
            one = found if isinstance(found, Skipped) else self._stage(intake, found)
            if isinstance(one, Skipped):
                skipped.append(replace(one, named=one.path in self._named))
            else:
                staged.append(one)
                size += one.copied.size
            if size >= GROUP_BYTES or len(staged) + len(skipped) >= GROUP_FILES:
                yield from self._finish(intake, staged, skipped)
                staged, skipped, size = [], [], 0
        if staged or skipped:
            yield from self._finish(intake, staged, skipped)

    def _stage(self, intake: Intake, source: Source) -> Staged | Skipped:
        """Copy one file into the intake; what changed meanwhile is hashed again.

        Raises:
            ResourceError: the vault's disk refused.
        """
        started = clock.now()
        copied: list[Copied] = []

        def write(target: int) -> str:
            copied.append(copying.copy(source.descriptor, target, self._case.recipient))
            return copied[0].object

        try:
            with durable.disk_errors(self._session.vault.root):
                intake.stage(write)
        except copying.SourceError as error:
            reason = os.strerror(error.errno or 0)
            return Skipped(source.path, "unreadable", f"reading stopped: {reason}")
        record = {
            **source.record,
            "ended": clock.to_text(clock.now()),
            "started": clock.to_text(started),
        }
        change = _changed(source, copied[0])
        if change is not None:
            record["changed"] = change
        self._read += copied[0].size
        one = Staged(copied[0], path_field(source.path), record)
        self._session.progress(self._read, None, one.text)
        return one

    def _finish(
        self, intake: Intake, staged: list[Staged], skipped: list[Skipped]
    ) -> Iterator[Collected | Skipped]:
        """Make a group durable, enter it, give it its place, and tell."""
        session = self._session
        told: list[Collected] = []
        admitted: set[str] = set()

        def build(connection: Connection) -> Sequence[Draft]:
            case = cases.find(connection, self._case.id)
            # A collection may outlast its authority, and others may close the case meanwhile.
            case.check_open()
            case.authority.check_time(case.id, clock.now())
            initials = exhibits.initials(session.operator)
            admission = Admission(case, self._id, initials, session.vault.keyring)
            drafts = admission.decide(connection, staged)
            for one in staged:
                # Bytes that the vault has already must still be those bytes.
                if self._case.recipient is None:
                    intake.compare(one.copied.object)
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


def _changed(source: Source, copied: Copied) -> dict[str, Json] | None:
    """Return both sizes and hashes where the source changed while it was read; None otherwise."""
    facts = os.fstat(source.descriptor)
    if (facts.st_mtime_ns, facts.st_size) == source.state and copied.size == facts.st_size:
        return None
    before = {name: source.record[name] for name in ("modified", "size")}
    after = files.state_of(facts)
    with os.fdopen(os.dup(source.descriptor), "rb") as stream:
        stream.seek(0)
        digest, size = sha256_stream(stream)
    again: dict[str, Json] = {"sha256": digest, "size": size}
    return {
        "after": dict(after),
        "before": before,
        "read_again": again,
        "stored": {"sha256": copied.item, "size": copied.size},
    }
