"""Rounds: the sides of a comparison take turns, A B A B, under the same conditions.

Before each timed run, and outside it: the side's folder is made new, what it reads is read once
(so both find it in the page cache), and `sync` empties the queue of dirty pages that whoever ran
before may have left. Nothing is dropped from the cache. Outputs are removed after, outside too.
"""

from __future__ import annotations

import os
import shutil
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.process import BenchFailedError, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

CACHE = (
    "Page cache warm: what a side reads is read once before each timed run, and nothing is "
    "dropped. `sync` before each timed run, outputs removed after it, both outside the timing."
)


@dataclass(frozen=True)
class Bench:
    """How this run measures."""

    work: Path
    rounds: int
    small: bool
    full: bool
    say: Callable[[str], None]

    def size(self, real: int, tiny: int) -> int:
        """Return the size to measure with: `tiny` in a smoke run."""
        return tiny if self.small else real

    def room(self, name: str) -> Path:
        """Return a new, empty folder."""
        folder = self.work / name
        folder.mkdir(parents=True)
        return folder

    @property
    def environment(self) -> dict[str, str]:
        """The children's environment: nothing of this account's, one vault named `vault`."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HOLDFAST_", "XDG_"))
        }
        scratch = self.work / "tmp"
        scratch.mkdir(exist_ok=True)
        return kept | {
            "HOLDFAST_OPERATOR": "bench",
            "HOLDFAST_VAULT": "vault",
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(scratch),
            "XDG_STATE_HOME": str(self.work / "state"),
        }


def _nothing(_folder: Path) -> None:
    """Prepare nothing."""


def _no_figures(_folder: Path) -> dict[str, float]:
    """Check nothing, add no figures."""
    return {}


@dataclass(frozen=True)
class Side:
    """One side of a comparison: commands that are run one after the other, and timed together."""

    name: str
    shown: str
    """The commands as a reader would type them."""
    steps: Callable[[Path], Sequence[Sequence[str]]]
    """The commands, for a folder they are run in."""
    reads: Sequence[Path] = ()
    """What is read once before, so that it is in the page cache."""
    prepare: Callable[[Path], object] = _nothing
    """What is done in the new folder before, untimed."""
    check: Callable[[Path], dict[str, float]] = _no_figures
    """Raises where the result is wrong; returns figures that the command itself printed."""
    folder: Path | None = None
    """Where it is run, if the same place serves all rounds."""
    missing: str = ""
    """Why it can't be run here."""


@dataclass(frozen=True)
class Sample:
    """One timed run of one side."""

    wall: float
    cpu: float
    rss: int
    figures: dict[str, float] = field(default_factory=dict)


def alternate(
    bench: Bench, sides: Sequence[Side], rounds: int = 0, *, keep: bool = False
) -> dict[str, list[Sample]]:
    """Run every side once a round; return the samples by the side's name.

    With `keep`, what the runs made stays until the measurement ends: ext4 goes round the inodes
    that were freed in the last minutes one by one, so creating thousands of files after removing
    thousands takes several times as long, for whoever comes next.

    Raises:
        BenchFailedError: a command failed, or did not do what it must.
    """
    samples: dict[str, list[Sample]] = {side.name: [] for side in sides if not side.missing}
    for number in range(1, (rounds or bench.rounds) + 1):
        for side in sides:
            if not side.missing:
                folder = side.folder or bench.room(f"run-{number}-{sides.index(side)}")
                one = _timed(bench, side, folder)
                if not keep and side.folder is None:
                    shutil.rmtree(folder)
                samples[side.name].append(one)
                bench.say(f"  round {number}  {side.name}: {one.wall:.2f} s")
    return samples


def _timed(bench: Bench, side: Side, folder: Path) -> Sample:
    side.prepare(folder)
    for path in side.reads:
        warm(path)
    (folder / "output").unlink(missing_ok=True)
    os.sync()
    environment = bench.environment
    try:
        used = [run(step, folder, environment) for step in side.steps(folder)]
        figures = side.check(folder)
    except BenchFailedError as error:
        raise BenchFailedError(f"{side.name}: {error}") from None
    return Sample(
        sum(one.wall for one in used),
        sum(one.cpu for one in used),
        max(one.rss for one in used),
        figures,
    )


def warm(path: Path) -> None:
    """Read a file, or every file of a folder, so that it is in the page cache."""
    buffer = bytearray(1 << 20)
    for one in sorted(path.rglob("*")) if path.is_dir() else (path,):
        if one.is_file():
            with one.open("rb", buffering=0) as stream:
                while stream.readinto(buffer):
                    pass


def median_of(samples: Sequence[Sample], figure: str = "wall") -> float:
    """Return the median of a figure over the rounds."""
    return statistics.median(
        one.figures[figure] if figure in one.figures else getattr(one, figure) for one in samples
    )
