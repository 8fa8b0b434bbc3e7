"""What examining costs with 1, 4 and 16 times the evidence: lines, events and mixed text."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench import inputs
from bench.examine_lines import auth_log, web_log
from bench.measure import Side, alternate, median_of
from bench.results import Outcome, Section, row

if TYPE_CHECKING:
    from bench.measure import Bench

DRIVER = Path(__file__).parent / "drivers" / "examine_ours.py"
DISK = 4 << 30
TIMES = (1, 4, 16)
LINEAR = 1.15
"""Cost is linear where fifteen times more adds at most this many times five what three adds."""
MODULES = "web_access,syslog,indicators,identifiers"


def _once(command: list[str], _place: Path) -> list[list[str]]:
    return [command]


def measure(bench: Bench) -> Section:
    """Measure it."""
    lines, size = bench.size(50_000, 500), bench.size(8 << 20, 1 << 16)
    sides = []
    for times in TIMES:
        folder = bench.room(f"linear-{times}")
        web_log(folder / "access.log", lines * times, 1)
        auth_log(folder / "auth.log", lines * times, 2)
        inputs.mixed_text(folder / "mixed.txt", size * times, 3)
        files = sorted(folder.iterdir())
        command = [sys.executable, str(DRIVER), MODULES, "1", *map(str, files)]
        sides.append(
            Side(f"{times}x", f"examine, {times}x the evidence", partial(_once, command), files)
        )
    samples = alternate(bench, sides)
    cpu = {side.name: median_of(samples[side.name], "cpu") for side in sides}
    growth = (cpu["16x"] - cpu["1x"]) / (cpu["4x"] - cpu["1x"]) / 5
    return Section(
        "examine-linear",
        "1, 4 and 16 times the same kind of evidence, one worker",
        [row(one, samples[one.name], lines * times, "lines/s", by="cpu")
         for one, times in zip(sides, TIMES, strict=True)],
        facts=[
            f"processor time: {', '.join(f'{cpu[side.name]:.2f} s' for side in sides)}; from 1x to "
            f"16x it grows {growth:.2f} times as much as five times that from 1x to 4x"
        ],
        notes=["Lines of access and authentication logs, and mixed text, with the finders."],
        bars={"examine-linear": Outcome(growth <= LINEAR, f"{growth:.2f} times linear")},
    )  # fmt: skip
