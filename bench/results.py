"""What a measurement came to, and the file that keeps it: results.json."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bench.measure import median_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.measure import Sample, Side


@dataclass(frozen=True)
class Row:
    """One side: the medians, and every run they are of."""

    side: str
    shown: str
    wall: float
    """Seconds."""
    cpu: float
    """Seconds."""
    rss: int
    """Bytes."""
    rate: str
    """What it came to a second; empty where that says nothing."""
    runs: list[dict[str, Any]]


@dataclass(frozen=True)
class Comparison:
    """Our wall time beside a peer's: above 1, ours is the shorter."""

    side: str
    peer: str
    pairwise: float
    """Median over the rounds of the peer's time by ours, each pair of one round."""
    medians: float
    """The peer's median by ours."""

    def reaches(self, bar: float, *, beyond: bool = False) -> bool:
        """Say whether both ratios are at least `bar`; `beyond`: above it."""
        worst = min(self.pairwise, self.medians)
        return worst > bar if beyond else worst >= bar


@dataclass(frozen=True)
class Outcome:
    """How the figures stand to one bar."""

    met: bool | None
    """None: not measured."""
    figure: str
    """What was measured, or why it was not."""


@dataclass
class Section:
    """One measurement: `bars` by the bar's name in `bars.py`."""

    name: str
    title: str
    rows: list[Row] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    """Figures that are stated, with no bar."""
    notes: list[str] = field(default_factory=list)
    """How it was measured, and what was not."""
    bars: dict[str, Outcome] = field(default_factory=dict)
    taken: dict[str, Any] = field(default_factory=dict)
    """date, commit, dirty, rounds, machine, tools, floor."""

    @classmethod
    def load(cls, facts: dict[str, Any]) -> Section:
        """Return the section that `as_json` gave."""
        return cls(
            **{
                **facts,
                "rows": [Row(**one) for one in facts["rows"]],
                "comparisons": [Comparison(**one) for one in facts["comparisons"]],
                "bars": {name: Outcome(**one) for name, one in facts["bars"].items()},
            }
        )

    def as_json(self) -> dict[str, Any]:
        """Return the section as plain values."""
        return asdict(self)


def row(
    side: Side, samples: Sequence[Sample], amount: float = 0.0, unit: str = "", by: str = "wall"
) -> Row:
    """Return a side's medians; the rate is `amount` of `unit` a second of the figure `by`."""
    rate = f"{amount / median_of(samples, by):,.0f} {unit}" if amount else ""
    return Row(
        side.name,
        side.shown,
        median_of(samples, "wall"),
        median_of(samples, "cpu"),
        round(median_of(samples, "rss")),
        rate,
        [asdict(one) for one in samples],
    )


def compare(
    samples: dict[str, list[Sample]], side: str, peer: str, *, cores: int = 1
) -> Comparison | None:
    """Compare two sides' wall times; None where the peer could not be measured.

    With `cores`, our time is taken as if one core had done it all.
    """
    if peer not in samples:
        return None
    ours, theirs = samples[side], samples[peer]
    return Comparison(
        f"{side}, for each of {cores} cores" if cores > 1 else side,
        peer,
        statistics.median(b.wall / (a.wall * cores) for a, b in zip(ours, theirs, strict=True)),
        median_of(theirs) / (median_of(ours) * cores),
    )


def load(path: Path) -> dict[str, Section]:
    """Return the sections kept at `path` by name; none where there is no file."""
    if not path.exists():
        return {}
    return {one["name"]: Section.load(one) for one in json.loads(path.read_text("utf-8"))}


def save(path: Path, sections: dict[str, Section]) -> None:
    """Keep the sections at `path`."""
    facts = [sections[name].as_json() for name in sorted(sections)]
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", "utf-8")
