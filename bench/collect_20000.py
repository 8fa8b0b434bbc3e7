"""Collect 20,000 small files, beside copying them, syncing and hashing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import bars, house, inputs, peers
from bench.measure import alternate, median_of
from bench.results import Outcome, Section, compare, row

if TYPE_CHECKING:
    from bench.measure import Bench

DISK = 5 << 30
PLAIN, SEALED = "holdfast, plain", "holdfast, sealed"


def measure(bench: Bench) -> Section:
    """Measure it."""
    source = bench.room("source")
    count, total = inputs.many_files(
        source, bench.size(20_000, 60), (200, 8_000), folders=40, seed=2
    )
    peer = peers.copy_and_hashdeep(source, count)
    sides = (
        house.collect_side(bench, source, count, sealed=False),
        peer,
        house.collect_side(bench, source, count, sealed=True),
    )
    samples = alternate(bench, sides, keep=True)
    compared = [compare(samples, ours, peer.name) for ours in (PLAIN, SEALED)]
    rate = count / median_of(samples[PLAIN])
    return Section(
        "collect-20000",
        f"{count:,} files of 200 to 8,000 bytes in 40 folders, {total / 1e6:.0f} MB",
        [row(side, samples[side.name], count, "files/s") for side in sides if side.name in samples],
        [one for one in compared if one is not None],
        notes=[
            f"Beside {peer.name}: NOT MEASURED: {peer.missing}"
            if peer.missing
            else "hashdeep hashes with as many threads as there are cores, as it does by itself.",
            "What the runs made is removed after the last: a file system that has just freed "
            "thousands of inodes creates new ones several times slower.",
        ],
        bars={
            "collect-20000-peer": bars.by_ratio(compared[0], 1, missing=peer.missing, beyond=True),
            "collect-20000-rate": Outcome(rate >= 2_000, f"{rate:,.0f} files/s"),
        },
    )
