"""How long a command takes that has nothing to do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench import house
from bench.measure import Side, alternate
from bench.results import Section, row

if TYPE_CHECKING:
    from bench.measure import Bench

DISK = 1 << 26


def measure(bench: Bench) -> Section:
    """Measure it."""
    folder = bench.room("started")
    house.new_vault(bench, folder)

    def side(shown: str, *command: str) -> Side:
        return Side(shown, shown, lambda _folder: [command], folder=folder)

    sides = (
        side("holdfast --help", house.HOLDFAST, "--help"),
        side("holdfast case list", house.HOLDFAST, "case", "list"),
        side("python -c pass", sys.executable, "-c", "pass"),
    )
    samples = alternate(bench, sides)
    return Section(
        "startup",
        "commands that have nothing to do",
        [row(one, samples[one.name]) for one in sides],
        notes=["Stated, with no bar; the last row is what Python takes before any of our code."],
    )
