"""What an audience isn't told of people: names and other details are replaced, everywhere alike.

Which people's details an audience isn't told follows from what they are in the case. The details of
each are those that the case names; another spelling is another detail, and must be named too.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from holdfast.exchange.report.content import Content

AUDIENCES = ("court", "defence", "other", "prosecutor")
"""For whom a report is made. Court and prosecutor are told everything."""
_PLAIN = frozenset({"item", "root", "software", "format", "language", "audience", "made", "log"})
"""Members that no detail of a person stands in: digests above all, which must stay whole."""


@dataclass(frozen=True)
class Person:
    """Somebody whom the case is about."""

    role: str
    """What they are in it: `suspect`, `victim`, `witness` or `other`."""
    details: tuple[str, ...]
    """Names, addresses, numbers and accounts, as they are written in the evidence."""
    released: bool = False
    """A lead or supervisor has decided that their details may be told."""

    def withheld(self, audience: str) -> bool:
        """Say whether an audience isn't told who this is."""
        if self.released or audience in {"court", "prosecutor"}:
            return False
        return audience != "defence" or self.role != "suspect"


def withhold(
    content: Content, people: Iterable[Person], told: Callable[[str, int], str]
) -> Content:
    """Return the report as its audience may read it.

    `told` says what stands instead of a person's details, given their role and number.
    """
    instead: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for person in people:
        if not person.withheld(content.audience):
            continue
        counts[person.role] += 1
        word = told(person.role, counts[person.role])
        instead.update({one.strip().casefold(): word for one in person.details if one.strip()})
    if not counts:
        return content
    # The longest first: `Anna Berg` before `Anna`. What is part of a longer word is another word.
    names = sorted(instead, key=lambda one: (-len(one), one))
    pattern = "|".join(map(re.escape, names))
    found = re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE) if names else None

    def change(text: str) -> str:
        if found is None:
            return text
        return found.sub(lambda match: instead.get(match[0].casefold(), "[…]"), text)

    told_to: Content = _each(content, change)
    return replace(told_to, withheld=dict(sorted(counts.items())))


def _each(value: Any, change: Callable[[str], str]) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value,
            **{
                one.name: _each(getattr(value, one.name), change)
                for one in fields(value)
                if one.name not in _PLAIN
            },
        )
    if isinstance(value, tuple):
        return tuple(_each(one, change) for one in value)
    return change(value) if isinstance(value, str) else value
