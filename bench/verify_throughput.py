"""Verify two objects of 4 GiB on two cores, beside hashing them on one and on two."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bench import bars, house, inputs, machine, peers
from bench.measure import alternate, median_of
from bench.process import expect
from bench.results import Section, compare, row

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measure import Bench

DISK = 20 << 30
OURS, EMPTY = "holdfast", "holdfast, empty vault"


def measure(bench: Bench) -> Section:
    """Measure it."""
    size = bench.size(4 << 30, 1 << 22)
    cores = min(2, machine.cores())
    folder = _vault(bench, size)
    objects = sorted(one for one in (folder / "vault/vault/objects").rglob("*") if one.is_file())
    # One process takes a whole folder: in the same one, they would use one core.
    expect(len({one.parent for one in objects}) == 2, "the two objects do not lie apart")
    empty = bench.room("empty")
    house.new_vault(bench, empty)
    peer, together = peers.digest(objects), peers.digest_at_once(objects)
    sides = (
        house.verify_side(OURS, "two objects", folder, cores),
        peer,
        together,
        house.verify_side(EMPTY, "empty vault", empty, cores),
    )
    samples = alternate(bench, sides)
    total = 2 * size / 1e6
    rows = [
        row(side, samples[side.name], total if side.name != EMPTY else 0, "MB/s")
        for side in sides
        if side.name in samples
    ]
    compared = compare(samples, OURS, peer.name)
    each = compare(samples, OURS, peer.name, cores=cores)
    on_all = compare(samples, OURS, together.name)
    facts = [f"{total / median_of(samples[OURS]) / cores:,.0f} MB/s for each core used"]
    if compared is not None:
        net = median_of(samples[OURS]) - median_of(samples[EMPTY])
        ratio = median_of(samples[peer.name]) / (net * cores) if net > 0 else float("inf")
        facts.append(
            "beyond what verifying an empty vault takes: "
            f"{total / net / cores:,.0f} MB/s for each core, {ratio:.2f}x the peer's"
            if net > 0
            else "an empty vault took as long"
        )
    return Section(
        "verify-throughput",
        f"two objects of {size / (1 << 20):,.0f} MiB",
        rows,
        [one for one in (compared, each, on_all) if one is not None],
        facts,
        [
            f"Holdfast uses {cores} cores, openssl one. The empty vault is what every verification "
            "takes, whatever it verifies (mostly Python's start); the bars are on the whole time.",
            *([peer.missing] if peer.missing else []),
        ],
        {
            "verify-core": bars.by_ratio(each, 1, missing=peer.missing),
            "verify-all-cores": bars.by_ratio(on_all, 1 / 1.2, missing=peer.missing),
        },
    )


def _vault(bench: Bench, size: int) -> Path:
    source = bench.room("source")
    for seed in (4, 5):
        inputs.random_file(source / f"{seed}.bin", size, seed)
    folder = house.filled_vault(bench, "full", source)
    shutil.rmtree(source)  # else the page cache could not hold what is measured
    return folder
