"""From where on an erasure is a mass deletion: a second approval, and a mark for outsiders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.core import clock
from holdfast.core.errors import InputError
from holdfast.vault.settings import ACT as SET

if TYPE_CHECKING:
    from holdfast.vault.entry import Entry

LIMITS = "mass_deletion"
"""The setting that says it."""
MOST: dict[str, int] = {"entries": 100, "bytes": 10 << 30}
DAY = 86_400_000_000
"""Microseconds within which erasures are counted together."""


@dataclass
class MassCheck:
    """Hears a log's entries, in order, and names erasures that were too large for two people."""

    problems: list[str] = field(default_factory=list)
    _most: dict[str, int] = field(default_factory=lambda: dict(MOST))
    _done: list[tuple[int, int, int]] = field(default_factory=list)
    """(time, entries, bytes) of the erasures so far."""

    def hear(self, entry: Entry) -> None:
        """Take up the next entry."""
        if entry.act == SET and entry.fields["setting"]["name"] == LIMITS:
            self._most |= entry.fields["setting"]["value"]
        if entry.act not in {"erase", "erase.mass"}:
            return
        try:
            now = clock.from_text(entry.fields["time"])
        except InputError:
            return
        facts = entry.fields["erasure"]
        self._done = [one for one in self._done if one[0] >= now - DAY]
        self._done.append((now, len(facts["fields"]), int(facts["bytes"])))
        entries, size = (sum(one[at] for one in self._done) for at in (1, 2))
        over = entries > self._most["entries"] or size > self._most["bytes"]
        if over and entry.act == "erase":
            self.problems.append(
                f"entry {entry.index} erases more than two people may, with the erasures of the "
                "day before it, and is not entered as a mass deletion"
            )
