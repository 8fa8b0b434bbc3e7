"""What legal privilege keeps from the case team: files that nobody but the filter team reads.

One object says it for all acts: `asking.answer` leaves such records out, `restricting` refuses to
show or hand over what holds one. docs/decisions/0125.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from holdfast.cases import exhibits
from holdfast.examine import privileged
from holdfast.examine.privileged import Start, within
from holdfast.examine.unseen import Unseen
from holdfast.vault import quarantines
from holdfast.vault.quarantines import RELEASE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from holdfast.acts.act import Session
    from holdfast.vault.quarantines import Quarantine

REVIEW = "privilege.review"
"""The one act that shows what is kept from all others."""
WITHHELD = "(withheld: legal privilege)"
_OF_BYTES = frozenset({"disagreements", "examine.compare", "indicators", "links", "matches"})
"""Acts whose records show text found in any file's bytes, a container's too: what differs of a
container says what its members are, and how much there is of them."""


@dataclass(frozen=True)
class Veil:
    """What is kept from the case team of one case."""

    quarantines: tuple[Quarantine, ...] = ()
    found: dict[int, dict[str, list[Start]]] = field(default_factory=dict)
    """Of each quarantine by its entry: item to where in it begins what is kept back."""

    def covers(
        self, item: str, path: str, *, of_bytes: bool = False, offset: int | None = None
    ) -> bool:
        """Say whether a file, or a record of it at byte `offset`, may not be shown.

        With `of_bytes`, also what was found in the bytes of a container that holds such a file.
        """
        if item not in self.items:
            return False
        around = privileged.AROUND if of_bytes else 0
        return any(
            self._kept(one, item, path if within(path, start.path) else start.path)
            for one in self.quarantines
            for start in self.found[one.entry].get(item, ())
            if start.has(path, offset, around)
            or self._holds(start, path, offset, of_bytes=of_bytes)
        )

    @staticmethod
    def _holds(start: Start, path: str, offset: int | None, *, of_bytes: bool) -> bool:
        """Say whether bytes shown of `path` may be those of what starts in it.

        Where they lie in a mailbox is known, and then it is another letter.
        """
        known = start.outer is not None and path == start.outer and offset is not None
        return of_bytes and within(start.path, path) and not known

    @staticmethod
    def _kept(one: Quarantine, item: str, path: str) -> bool:
        """Say whether no ruling has released it: that on the innermost file decided counts."""
        ruled = [
            (len(inside), outcome)
            for (of, inside), outcome in one.files.items()
            if of == item and within(path, inside)
        ]
        return not ruled or max(ruled)[1] != RELEASE

    @cached_property
    def items(self) -> frozenset[str]:
        """Items that any quarantine touches, decided or not."""
        return frozenset(item for starts in self.found.values() for item in starts)

    @cached_property
    def touched(self) -> frozenset[str]:
        """Items of which anything at all is kept back."""
        return frozenset(
            item
            for one in self.quarantines
            for item, starts in self.found[one.entry].items()
            if any(self._kept(one, item, start.path) for start in starts)
            or any(of == item and ruled != RELEASE for (of, _), ruled in one.files.items())
        )

    @property
    def unseen(self) -> Unseen:
        """What of the bytes of the case's files is kept back, as a query is told it."""
        if not self.quarantines:
            return Unseen()
        return Unseen(
            self.items,
            lambda item, path, at: self.covers(item, path, of_bytes=True, offset=at),
        )

    def shown(self, act: str, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the rows of an answer that may be shown; of a group, its members that may."""
        if not self.quarantines or act == REVIEW:
            yield from rows
            return
        for row in rows:
            if "members" in row:
                kept = [one for one in row["members"] if not self._hides(act, one)]
                if len(kept) > 1:
                    yield {**row, "members": kept, "size": len(kept)}
            elif not self._hides(act, row):
                yield row

    def _hides(self, act: str, row: dict[str, Any]) -> bool:
        if "item" not in row:
            return False
        of_bytes = act in _OF_BYTES or row.get("kind") in privileged.OF_BYTES
        path, offset = str(row.get("inside") or ""), row.get("offset")
        return self.covers(str(row["item"]), path, of_bytes=of_bytes, offset=offset)


def veil(session: Session, case: str) -> Veil:
    """Return what is kept from the case team of `case` now.

    Raises:
        IntegrityError: derived data can't be read, so that it isn't known what is privileged.
    """
    every = session.look_up(lambda connection: quarantines.holding(connection, case))
    some = tuple(one for one in every if not one.over)
    if not some:
        return Veil()
    held = {one.item for one in session.look_up(lambda c: list(exhibits.of_case(c, case)))}
    terms = [term for one in some if one.case == case for term in one.terms]
    vault = session.vault
    hits = privileged.find(vault.derived, held, terms, vault.index(case)) if terms else {}
    found: dict[int, dict[str, list[Start]]] = {}
    for one in some:
        starts = {item: [Start("", frozenset())] for item in one.items if item in held}
        folded = {privileged.fold(term) for term in one.terms} if one.case == case else set()
        for item, there in hits.items():
            if mine := [start for start in there if folded & start.terms]:
                starts.setdefault(item, []).extend(mine)
        found[one.entry] = starts
    return Veil(some, found)
