"""A run of any collection, from its opening entry to its closing one.

What a collector staged is made durable, entered, given its place and only then told, group by
group. A subclass brings the groups.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.acts.admission import Admission, Collected
from holdfast.cases import case as cases
from holdfast.collect.interfaces import Skipped, path_field
from holdfast.core import clock, durable
from holdfast.core.reference import clock_reference
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from holdfast.acts.act import Session
    from holdfast.acts.staging import Group
    from holdfast.cases.case import Case
    from holdfast.cases.things import Made
    from holdfast.core.canonical import Json
    from holdfast.vault.store import Intake


class Gathering(ABC):
    """One run of a collection."""

    def __init__(
        self, session: Session, case: Case, facts: dict[str, Json], named: set[bytes],
        made: Made | None = None,
    ) -> None:  # fmt: skip
        self.session = session
        self.case = case
        self.id = f"{clock.to_text(clock.now())[:19].replace(':', '')}-{os.urandom(3).hex()}"
        self._facts = facts
        self._named = named
        """What the operator asked for by name."""
        self._made = made
        self._totals = {"bytes": 0, "held": 0, "new": 0, "skipped": 0}

    @abstractmethod
    def groups(self, intake: Intake) -> Iterator[Collected | Skipped]:
        """Stage group by group; yield what `finish` tells of each."""

    def items(self) -> Iterator[Collected | Skipped]:
        """Run; yield each item once it is entered and in its place."""
        with self.session.vault.gathering():
            yield from self._items()

    def _items(self) -> Iterator[Collected | Skipped]:
        vault = self.session.vault
        self.enter("collect.start", self._opening())
        with durable.disk_errors(vault.root):
            intake = vault.store.intake(self.id)
        try:
            yield from self.groups(intake)
        except BaseException:
            # What is entered and not yet in its place must not go with the rest.
            intake.leave()
            raise
        with durable.disk_errors(vault.root):
            intake.close()
        self.enter("collect.end", {"totals": dict(self._totals)})

    def _opening(self) -> dict[str, Json]:
        """Return under what the run happens: authority, and how right this host's clock is."""
        authority = self.case.authority
        return {
            "authority": {
                "basis": authority.basis,
                "issuer": authority.issuer,
                "valid_until": clock.to_text(authority.valid_until),
            },
            "clock": clock_reference(),
            "request": self._facts,
        }

    def enter(self, name: str, fields: dict[str, Json]) -> None:
        """Write an entry of this run."""
        self.session.custody.enter(Draft(name, self.case.id, {"run": self.id, **fields}))

    def finish(self, intake: Intake, group: Group) -> Iterator[Collected | Skipped]:
        """Make a group durable, enter it, give it its place, and tell."""
        session = self.session
        skipped = [replace(one, named=one.path in self._named) for one in group.skipped]
        for file in group.staged:
            intake.take(file.copied.object, file.place)
        told: list[Collected] = []
        admitted: set[str] = set()

        def build(connection: Connection) -> Sequence[Draft]:
            case = cases.find(connection, self.case.id)
            # A collection may outlast its authority, and others may close the case meanwhile.
            case.check_open()
            case.authority.check_time(case.id, clock.now())
            admission = Admission(
                case, self.id, session.operator, session.vault.keyring, self._made
            )
            drafts = admission.decide(connection, group.staged)
            for file in group.staged:
                # Bytes that the vault has already must still be those bytes.
                if self.case.recipient is None and (
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
