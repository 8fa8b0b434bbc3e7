"""Enter 10,000 acts in groups of 500, and some one by one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import house
from bench.measure import Side, alternate, median_of
from bench.results import Outcome, Section, row

if TYPE_CHECKING:
    from bench.measure import Bench

DISK = 1 << 30
RECORD = 700
"""Bytes: about what an entry's leaf and body come to."""
DRIVERS = Path(__file__).parent / "drivers"


def enter_side(
    bench: Bench,
    name: str,
    count: int,
    group: int,
    *,
    mark: int = 0,
    folder: Path | None = None,
) -> Side:
    """Enter `count` acts, `group` at a time, into `folder`'s vault or a new one each round.

    `mark` as in the driver.
    """

    def prepare(place: Path) -> None:
        if folder is None:
            house.new_vault(bench, place)

    def steps(place: Path) -> list[list[str]]:
        case = (place / house.CASE).read_text("utf-8")
        numbers = (str(count), str(group), str(mark))
        return [[sys.executable, str(DRIVERS / "enter.py"), "vault", case, *numbers]]

    return Side(
        name,
        f"{count:,} entries, {group} at a time" if group > 1 else f"{count:,} entries, one by one",
        steps,
        prepare=prepare,
        check=printed,
        folder=folder,
    )


def printed(folder: Path) -> dict[str, float]:
    """Return the figures that a driver printed."""
    figures: dict[str, float] = json.loads((folder / "output").read_text("utf-8"))
    return figures


def measure(bench: Bench) -> Section:
    """Measure it."""
    count, single = bench.size(10_000, 200), bench.size(300, 10)
    groups = enter_side(bench, "in groups", count, bench.size(500, 50))
    singles = enter_side(bench, "one by one", single, 1)
    disk = Side(
        "the disk alone",
        f"{single:,} times write and fdatasync of {RECORD:,} bytes",
        lambda _folder: [[sys.executable, str(DRIVERS / "synced.py"), str(single), str(RECORD)]],
        check=printed,
    )
    samples = alternate(bench, (groups, singles, disk))
    rate = count / median_of(samples[groups.name], "seconds")
    ratio = median_of(samples[disk.name], "seconds") / median_of(samples[singles.name], "seconds")
    return Section(
        "append",
        f"{count:,} custody entries",
        [
            row(groups, samples[groups.name], count, "entries/s", "seconds"),
            row(singles, samples[singles.name], single, "entries/s", "seconds"),
            row(disk, samples[disk.name], single, "records/s", "seconds"),
        ],
        notes=[
            "Each group, or single act, is on the disk before the next begins, signed by its "
            "operator and folded into the database. Wall and cpu are the whole program's; the "
            "rate is the entering alone, without Python's start. Beside it, what the disk allows: "
            "each record written and synced by itself, unsigned, in no tree and no database.",
        ],
        bars={
            "append-rate": Outcome(rate >= 2_000, f"{rate:,.0f} entries/s"),
            "append-groups": Outcome(rate >= 5_000, f"{rate:,.0f} entries/s"),
            "append-single": Outcome(ratio >= 0.35, f"{ratio:.2f}x"),
        },
    )
