"""Windows of a timeline of ten million events: an hour, a page of a day, a filtered day, a year."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Side, alternate, median_of
from bench.process import expect
from bench.results import Outcome, Section, row

if TYPE_CHECKING:
    from bench.measure import Bench

DISK = 3 << 30
DRIVER = Path(__file__).parent / "drivers" / "query_timeline.py"
GOAL = 200.0
"""Milliseconds."""
_SHOWN = {
    "hour_ms": "every event of an hour",
    "day_ms": "the first 1,000 of a day",
    "filtered_ms": "a day's events of one kind with a text",
    "year_ms": "a year's events counted by month",
}


def measure(bench: Bench) -> Section:
    """Measure it."""
    count, queries = bench.size(10_000_000, 20_000), bench.size(30, 3)
    folder = bench.room("timeline")
    subprocess.run(
        [sys.executable, str(DRIVER), "make", str(folder / "index"), str(count)], check=True
    )

    def check(place: Path) -> dict[str, float]:
        figures: dict[str, float] = json.loads((place / "output").read_text("utf-8"))
        expect(figures["found"] > 0, "no window had an event")
        return figures

    command = [sys.executable, str(DRIVER), "ask", "index", str(count), str(queries)]
    side = Side(
        "windows", f"{queries} windows of each kind, at random", lambda _: [command], folder=folder,
        check=check,
    )  # fmt: skip
    samples = alternate(bench, (side,))
    figures = {name: median_of(samples[side.name], name) for name in _SHOWN}
    worst = max(figures.values())
    return Section(
        "timeline-window",
        f"windows of a timeline of {count:,} events",
        [row(side, samples[side.name], 4 * queries, "windows/s")],
        facts=[f"{shown}: {figures[name]:.0f} ms" for name, shown in _SHOWN.items()],
        notes=["Medians of one query each; the process and its libraries are loaded before."],
        bars={"timeline-window": Outcome(worst < GOAL, f"{worst:.0f} ms, the slowest kind")},
    )
