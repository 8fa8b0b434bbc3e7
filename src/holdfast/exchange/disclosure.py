"""Which fields of an entry a bundle discloses; of the others it holds the commitments only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from holdfast.cases.exhibits import Exhibit
    from holdfast.vault.entry import Entry

BASE = frozenset({"act", "actor", "case", "signature", "time"})
"""Always disclosed: without these an entry can't be counted, or its signature checked."""
_NAMELESS = frozenset(
    {
        "case.close", "case.open", "collect.end", "examine.end", "examine.start",
        "operator.add", "vault.init",
    }
)  # fmt: skip
"""Acts whose fields never name an item."""

Disclose: TypeAlias = "Callable[[Entry], frozenset[str]]"


def everything(entry: Entry) -> frozenset[str]:
    """Disclose whatever was not erased: for a hand-over of the whole case."""
    return present(entry)


def present(entry: Entry) -> frozenset[str]:
    """Return which fields can be disclosed: those that were not erased.

    An erased item's digest is withheld with it: whoever checks a bundle looks for the original of
    every item that the bundle names.
    """
    left = frozenset(entry.disclosures)
    erased = entry.act == "collect.item" and "stored" not in left
    return left - {"item"} if erased else left


@dataclass(frozen=True)
class Selection:
    """Discloses what is about `items` or about no item; of everything else, that it happened.

    An act that this list does not know may name an item anywhere, so it counts as one that does.
    """

    items: frozenset[str]
    collected: frozenset[int] | None = None
    """Entries of the exhibits handed over. The same bytes may be another exhibit too, found in
    another place that is nobody's business; None discloses every exhibit of these items."""

    things: frozenset[int] = frozenset()
    """Numbers of the physical exhibits from which they were made: their chain is disclosed."""

    @classmethod
    def of(cls, exhibits: Iterable[Exhibit], things: Iterable[int] = ()) -> Selection:
        """Return the selection of exactly these exhibits, made from these `things`."""
        chosen = list(exhibits)
        return cls(
            frozenset(one.item for one in chosen),
            frozenset(one.entry for one in chosen),
            frozenset(things),
        )

    def __call__(self, entry: Entry) -> frozenset[str]:
        """Return the names of the fields to disclose."""
        about = entry.fields.get("item")
        if entry.act == "collect.item" and self.collected is not None:
            shown = entry.index in self.collected
        elif entry.act.startswith("exhibit.") and "item" not in entry.commitments:
            shown = (entry.fields.get("exhibit") or {}).get("number") in self.things
        else:
            shown = about in self.items if isinstance(about, str) else entry.act in _NAMELESS
        left = present(entry)
        return left if shown else BASE & left


WORKING = ("decision.", "entity.", "finding.", "handover.", "note.", "question.", "task.")
"""How the names of acts begin whose words are working papers."""
ALWAYS = BASE | {"for_suspect", "work"}
"""What is disclosed of working papers anyway: that they are, and whether they speak for the
suspect."""


@dataclass(frozen=True)
class Working:
    """Discloses of working papers what may leave, and of everything else what `rest` does.

    What speaks for the suspect is disclosed whatever was chosen; but no digest of an exhibit that
    is withheld.
    """

    rest: Disclose
    shown: frozenset[int]
    """Entries of working papers whose words leave, too."""
    items: frozenset[str] | None = None
    """What is handed over; None for all."""

    def __call__(self, entry: Entry) -> frozenset[str]:
        """Return the names of the fields to disclose."""
        if not entry.act.startswith(WORKING):
            return self.rest(entry)
        left = present(entry)
        if entry.index not in self.shown and entry.fields.get("for_suspect") is not True:
            return left & ALWAYS
        cited = {one.get("item") for one in entry.fields.get("cites", [])}
        return left if self.items is None or cited <= self.items else left - {"cites"}
