"""A filter whose names are resolved, as conditions over a timeline's columns: text without values.

What a person gave is bound as parameters; nothing of it stands in a query's text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.examine.filters import WORD, Filter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from holdfast.examine.timeline import Clock

FACETS = ("kind", "parser", "item", "quality")
"""Fields that the counts by hour know, so that a filter of these alone reads no event."""
COUNTED = frozenset({*FACETS, "since", "until", "on"})
QUALITY = (
    "CASE WHEN stated IS NOT NULL THEN 'corrected' WHEN time_quality = 'exact' THEN 'recorded' "
    "ELSE 'inferred' END"
)
_COLUMNS = {
    "kind": "kind",
    "parser": "parser",
    "item": "item",
    "quality": "quality",
    "host": "lower(coalesce(host, ''))",
    "user": "lower(coalesce(\"user\", ''))",
}
_TAGGED = """
EXISTS (SELECT 1 FROM tagged WHERE list_contains(${name}, tagged.tag) AND tagged.item = e.item
        AND tagged.path = e.path AND tagged.parser = e.parser AND tagged.seq = e.seq)
"""


@dataclass(frozen=True)
class Tagged:
    """A record that somebody tagged."""

    tag: str
    item: str
    path: str
    parser: str
    seq: int


@dataclass(frozen=True)
class Narrowed:
    """A filter, and what it takes to apply it in one case."""

    filter: Filter = field(default_factory=Filter)
    items: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For each `item:` of the filter, the digests that it names."""
    tagged: tuple[Tagged, ...] = ()
    clocks: tuple[Clock, ...] = ()
    uncounted: tuple[str, ...] = ()
    """Items of which something may be kept from who asks: what would be counted isn't all shown."""

    @property
    def by_hours(self) -> bool:
        """Whether the counts by hour answer it: no clock was wrong, nothing asks for an event."""
        return not self.clocks and {one.field for one in self.filter.terms} <= COUNTED

    @property
    def reads_text(self) -> bool:
        """Whether messages have to be read, which takes much longer than other columns."""
        return any(one.field == WORD for one in self.filter.terms)

    def conditions(self, fields: Iterable[str]) -> tuple[str, dict[str, object]]:
        """Return the condition of the terms of `fields`, and its values; `true` where none."""
        parts: list[str] = []
        values: dict[str, object] = {}
        for name in fields:
            for wanted in (True, False):
                given = self.filter.values(name, wanted=wanted)
                if given:
                    part, more = self._part(name, given, "is" if wanted else "not", wanted=wanted)
                    parts.append(f"({part})" if wanted else f"NOT coalesce({part}, false)")
                    values |= more
        return " AND ".join(parts) or "true", values

    def _part(
        self, name: str, given: Sequence[str], way: str, *, wanted: bool
    ) -> tuple[str, dict[str, object]]:
        key = f"{name}_{way}"
        if name == WORD:
            each = [f"contains(lower(message), lower(${key}_{at}))" for at in range(len(given))]
            joined = (" AND " if wanted else " OR ").join(each)
            return f"({joined})", {f"{key}_{at}": one for at, one in enumerate(given)}
        if name == "tag":
            tags = {one.tag for one in self.tagged} if "*" in given else set(given)
            return _TAGGED.format(name=key), {key: sorted(tags)}
        if name == "item":
            found = [digest for one in given for digest in self.items.get(one, ())]
            return f"list_contains(${key}, item)", {key: found}
        column = _COLUMNS[name]
        exact = [one for one in given if not one.endswith("*")]
        values: dict[str, object] = {key: exact}
        parts = [f"list_contains(${key}, {column})"]
        for at, one in enumerate(sorted(set(given) - set(exact))):
            parts.append(f"starts_with({column}, ${key}_{at})")
            values[f"{key}_{at}"] = one.removesuffix("*")
        return f"({' OR '.join(parts)})", values
