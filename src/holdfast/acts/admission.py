"""Decide, at the position of its entries, what of a staged group is new and how it is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.cases import exhibits, numbered, things
from holdfast.core.errors import DeniedError
from holdfast.vault import copying
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from holdfast.acts.staging import Staged
    from holdfast.cases.case import Case
    from holdfast.cases.exhibits import Exhibit
    from holdfast.cases.things import Made
    from holdfast.collect.interfaces import Skipped
    from holdfast.core.canonical import Json
    from holdfast.vault.copying import Copied
    from holdfast.vault.keys import Keyring


@dataclass(frozen=True)
class Collected:
    """One item as it entered the case."""

    item: str
    exhibit: str
    path: str
    size: int
    status: str
    """`new`, or `held`: the case had the same bytes from the same path already."""
    changed: bool = False

    def as_json(self) -> dict[str, Json]:
        """Return what `collect files --json` prints."""
        return {
            "changed_while_read": self.changed,
            "exhibit": self.exhibit,
            "item": self.item,
            "path": self.path,
            "size": self.size,
            "status": self.status,
        }


@dataclass
class Admission:
    """One group's decision, made anew at each try."""

    case: Case
    run: str
    operator: str
    keyring: Keyring
    made: Made | None = None
    """From which physical exhibit the items are made, or which one they show."""
    told: list[Collected] = field(default_factory=list)
    admitted: set[str] = field(default_factory=set)
    """Staged objects that get a place in the store."""
    holds: set[str] = field(default_factory=set)
    """Items that some case holds already."""

    def decide(self, connection: Connection, staged: list[Staged]) -> list[Draft]:
        """Return an entry for each staged file that the case does not hold yet."""
        holding = exhibits.holding(connection, {one.copied.item for one in staged})
        self.holds.update(holding)
        mine = {
            (one.item, one.path): one.label
            for found in holding.values()
            for one in found
            if one.case == self.case.id
        }
        placed: dict[str, tuple[str, str | None]] = {}
        drafts = []
        number = self.case.exhibits
        source = None
        if self.made is not None:
            source = things.source(connection, self.case.id, self.made)
            free = numbered.parts(connection, self.case.id, source.label, len(staged))
        else:
            free = numbered.wholes(connection, self.case.id, self.operator, len(staged))
        labels = iter(free)
        for one in staged:
            item = one.copied.item
            label = mine.get((item, one.text))
            if label is not None:
                self._tell(one, label, "held")
                continue
            number += 1
            label = mine[item, one.text] = next(labels)
            if item not in placed:
                placed[item] = self._place(one.copied, holding.get(item, []))
            exhibit: dict[str, Json] = {"label": label, "number": number}
            if source is not None and self.made is not None:
                exhibit["made"] = {
                    "from": source.number, "kind": self.made.kind, "label": source.label
                }  # fmt: skip
            drafts.append(self._entry(one, exhibit, *placed[item]))
            self._tell(one, label, "new")
        return drafts

    def skip(self, one: Skipped, path: dict[str, Json]) -> Draft:
        """Return the entry of something that was not collected."""
        fields: dict[str, Json] = {
            "kind": one.kind,
            "path": path,
            "reason": one.reason,
            "run": self.run,
        }
        return Draft("collect.skip", self.case.id, fields)

    def _tell(self, one: Staged, label: str, status: str) -> None:
        copied, changed = one.copied, "changed" in one.record
        self.told.append(Collected(copied.item, label, one.text, copied.size, status, changed))

    def _place(self, copied: Copied, holders: list[Exhibit]) -> tuple[str, str | None]:
        """Return the object that holds these bytes and, if sealed, its key wrapped to this case.

        A sealed object of another case is shared by wrapping its key once more; without that
        case's key this case gets an object of its own.
        """
        for holder in sorted(holders, key=lambda one: one.case != self.case.id):
            if holder.wrapped is None or holder.case == self.case.id:
                return holder.object, holder.wrapped
            try:
                identity = self.keyring.identity(holder.case)
                secret = copying.unwrap(holder.wrapped, identity)
            except DeniedError:
                continue
            return holder.object, copying.wrap(secret, self.case.recipient or "")
        self.admitted.add(copied.object)
        return copied.object, copied.wrapped

    def _entry(
        self, one: Staged, exhibit: dict[str, Json], place: str, wrapped: str | None
    ) -> Draft:
        stored: dict[str, Json] = {"object": place, "size": one.copied.size}
        if wrapped is not None:
            stored["wrapped"] = wrapped
        fields: dict[str, Json] = {
            "exhibit": exhibit,
            "item": one.copied.item,
            "path": one.path,
            "record": one.record,
            "run": self.run,
            "stored": stored,
        }
        return Draft("collect.item", self.case.id, fields)
