"""The chart of a case: who and what is in it, how they hang together, and where each is drawn.

Where something is drawn follows from the chart alone, so that two people see the same picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from holdfast.core.canonical import Json

CONFIRMED, SUSPECTED, DERIVED = "confirmed", "suspected", "derived"
"""How a link stands: established by people, supposed by people, or found in the data alone."""
UNGRADED = "X4"
"""The grade of what nobody graded: the source can't be assessed, the information isn't
corroborated."""
WIDE, HIGH = 1000, 700
"""Units of the picture."""
_EDGE, _MARGIN = 50, 90
_ABREAST = 3
"""Groups that are drawn beside each other."""
_ROUNDS = 150


@dataclass(frozen=True)
class Node:
    """Somebody or something in the chart."""

    number: int
    sort: str
    role: str
    name: str
    identifiers: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Json]:
        """Return it as the export has it."""
        identifiers: list[Json] = [
            {"type": kind, "value": value} for kind, value in self.identifiers
        ]
        return {
            "entity": self.number, "identifiers": identifiers, "name": self.name,
            "role": self.role, "sort": self.sort,
        }  # fmt: skip


@dataclass(frozen=True)
class Tie:
    """How two of them hang together, and what shows it."""

    id: str
    """`link-3` for one that people entered; `data-…` for what the data says."""
    source: int
    target: int
    relation: str
    grade: str
    standing: str
    cites: tuple[str, ...]
    """Records, as people cite them; of derived ones the first few."""
    records: int
    """How many there are of them."""
    by: str = ""
    """Who entered it; empty for what the data says."""
    entry: int | None = None
    directed: bool = True
    """Whether it leads from one to the other; else both are only named together."""

    def as_json(self) -> dict[str, Json]:
        """Return it as the export has it."""
        return {**vars(self), "cites": [*self.cites]}


@dataclass(frozen=True)
class Chart:
    """A chart."""

    nodes: tuple[Node, ...]
    ties: tuple[Tie, ...]
    cut: tuple[str, ...] = ()
    """Identifiers that stand in more records than were looked at."""
    left: int = 0
    """Identifiers that were not looked for."""

    def as_json(self) -> dict[str, Any]:
        """Return it as `chart show --json` and the export have it."""
        return {
            "entities": [one.as_json() for one in self.nodes],
            "identifiers_cut_short": [*self.cut],
            "identifiers_not_looked_for": self.left,
            "links": [one.as_json() for one in self.ties],
        }

    def around(self, number: int) -> Chart:
        """Return what hangs together with one, and how."""
        ties = tuple(one for one in self.ties if number in {one.source, one.target})
        near = {number, *(one.source for one in ties), *(one.target for one in ties)}
        nodes = tuple(one for one in self.nodes if one.number in near)
        within = tuple(one for one in self.ties if {one.source, one.target} <= near)
        return Chart(nodes, within, self.cut, self.left)


def places(chart: Chart) -> dict[int, tuple[float, float]]:
    """Return where each is drawn, by its number.

    What hangs together has a box of its own, the largest first; who hangs together with nobody
    stands in rows below.
    """
    groups = _groups(chart.ties)
    linked = {number for group in groups for number in group}
    alone = [one.number for one in chart.nodes if one.number not in linked]
    columns = max(1, min(len(alone), 6))
    floor = HIGH - math.ceil(len(alone) / columns) * 80 if groups else _EDGE
    found: dict[int, tuple[float, float]] = {}
    shelves = [groups[at : at + _ABREAST] for at in range(0, len(groups), _ABREAST)]
    tall = [math.sqrt(len(shelf[0])) for shelf in shelves]
    top = float(_EDGE)
    for shelf, share in zip(shelves, tall, strict=True):
        high = max(110.0, (floor - _EDGE) * share / sum(tall))
        wide = [math.sqrt(len(group)) for group in shelf]
        left = 0.0
        for group, part in zip(shelf, wide, strict=True):
            across = WIDE * part / sum(wide)
            for number, (x, y) in _sprung(group, chart.ties).items():
                inner = max(40.0, across - 2 * _MARGIN)
                found[number] = (
                    round(left + (across - inner) / 2 + x * inner, 1),
                    round(top + y * max(40.0, high - 70), 1),
                )
            left += across
        top += high
    for at, number in enumerate(alone):
        across = WIDE * (at % columns + 0.5) / columns
        found[number] = (round(across, 1), round(max(top, floor) + 30 + 80 * (at // columns), 1))
    return found


def height(chart: Chart) -> int:
    """Return how high the picture is, in its units."""
    lowest = max((y for _, y in places(chart).values()), default=0)
    return max(HIGH // 2, round(lowest) + 60)


def _groups(ties: Iterable[Tie]) -> list[list[int]]:
    """Return which hang together, by their numbers; the largest group first."""
    of: dict[int, set[int]] = {}
    for one in ties:
        joined = of.get(one.source, {one.source}) | of.get(one.target, {one.target})
        for number in joined:
            of[number] = joined
    different = {min(group): sorted(group) for group in of.values()}
    return sorted(different.values(), key=lambda group: (-len(group), group))


def _sprung(numbers: Sequence[int], ties: Iterable[Tie]) -> dict[int, tuple[float, float]]:
    """Return places in a box of 1 by 1, as springs would pull them.

    Fruchterman and Reingold's way ("Graph Drawing by Force-directed Placement", 1991), from a
    circle and for a fixed number of rounds.
    """
    count = len(numbers)
    if count == 1:
        return {numbers[0]: (0.5, 0.5)}
    at = {number: place for place, number in enumerate(numbers)}
    angles = np.arange(count) * (2 * math.pi / count)
    where = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    pairs = {(at[one.source], at[one.target]) for one in ties if one.source in at}
    ends = np.array(sorted(one for one in pairs if one[0] != one[1]), dtype=int).reshape(-1, 2)
    ideal = 1.6 / math.sqrt(count)
    for round_ in range(_ROUNDS):
        apart = where[:, None] - where[None]
        far = np.maximum(np.linalg.norm(apart, axis=2), 1e-6)
        push = (apart * (ideal**2 / far**2)[:, :, None]).sum(axis=1)
        gap = where[ends[:, 0]] - where[ends[:, 1]]
        pull = gap * (np.linalg.norm(gap, axis=1) / ideal)[:, None]
        np.add.at(push, ends[:, 0], -pull)
        np.add.at(push, ends[:, 1], pull)
        step = np.maximum(np.linalg.norm(push, axis=1), 1e-6)
        heat = 0.3 * (1 - round_ / _ROUNDS)
        where = where + push / step[:, None] * np.minimum(step, heat)[:, None]
    low, span = where.min(axis=0), np.maximum(np.ptp(where, axis=0), 0.2)
    box = (where - low) / span
    return {number: (float(x), float(y)) for number, (x, y) in zip(numbers, box, strict=True)}
