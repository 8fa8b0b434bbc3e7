"""Collect one file of 1 GiB, beside copying it and hashing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import bars, house, inputs, peers
from bench.measure import alternate
from bench.results import Section, compare, row

if TYPE_CHECKING:
    from bench.measure import Bench

DISK = 4 << 30
PLAIN, SEALED = "holdfast, plain", "holdfast, sealed"


def measure(bench: Bench) -> Section:
    """Measure it."""
    size = bench.size(1 << 30, 1 << 22)
    source = bench.room("source") / "image.bin"
    inputs.random_file(source, size, seed=1)
    once = peers.copy_and_digest(source, sync=False)
    durable = peers.copy_and_digest(source, sync=True)
    sides = (
        house.collect_side(bench, source, 1, sealed=False),
        once,
        house.collect_side(bench, source, 1, sealed=True),
        durable,
    )
    samples = alternate(bench, sides)
    compared = [
        compare(samples, ours, peer.name) for ours in (PLAIN, SEALED) for peer in (once, durable)
    ]
    return Section(
        "collect-1gib",
        "one file of 1 GiB into a new vault",
        [
            row(side, samples[side.name], size / 1e6, "MB/s")
            for side in sides
            if side.name in samples
        ],
        [one for one in compared if one is not None],
        notes=[
            "`cp` alone leaves its copy in memory, where a power cut takes it; Holdfast's, and "
            "`cp` + `sync`'s, is on the disk.",
            *([once.missing] if once.missing else []),
        ],
        bars={"collect-1gib": bars.by_ratio(compared[0], 1, missing=once.missing)},
    )
