"""Questions to a text index of half a million records: phrases, words, near misses."""

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

DISK = 2 << 30
DRIVER = Path(__file__).parent / "drivers" / "query_text.py"
GOAL = 50.0
"""Milliseconds."""


def measure(bench: Bench) -> Section:
    """Measure it."""
    count, queries = bench.size(500_000, 2_000), bench.size(100, 5)
    folder = bench.room("text")
    subprocess.run([sys.executable, str(DRIVER), "make", str(folder), str(count)], check=True)

    def check(place: Path) -> dict[str, float]:
        figures: dict[str, float] = json.loads((place / "output").read_text("utf-8"))
        expect(figures["found"] > 0, "no phrase was found")
        return figures

    command = [sys.executable, str(DRIVER), "ask", ".", str(queries)]
    side = Side(
        "questions", f"{queries} of each kind, at random", lambda _: [command], folder=folder,
        check=check,
    )  # fmt: skip
    samples = alternate(bench, (side,))
    phrase, every, near, worst = (
        median_of(samples[side.name], name)
        for name in ("phrase_ms", "words_ms", "near_ms", "worst_phrase_ms")
    )
    return Section(
        "search-phrase",
        f"questions to a text index of {count:,} records of 40 words",
        [row(side, samples[side.name], 3 * queries, "questions/s")],
        facts=[
            f"a phrase {phrase:.1f} ms (the slowest {worst:.0f} ms), three words {every:.1f} ms, "
            f"a near miss and a word {near:.1f} ms"
        ],
        notes=[
            "The best 100 with their snippets; the process and its libraries are loaded before."
        ],
        bars={"search-phrase": Outcome(phrase < GOAL, f"{phrase:.1f} ms")},
    )
