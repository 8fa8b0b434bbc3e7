"""Verify a vault of 13,000 files, beside validating a bag of the same files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import bars, house, inputs, peers
from bench.measure import Side, alternate
from bench.process import run
from bench.results import Section, compare, row

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measure import Bench

DISK = 7 << 30
JOBS = 2
PLAIN, SEALED = "holdfast, plain", "holdfast, sealed"


def measure(bench: Bench) -> Section:
    """Measure it."""
    source = bench.room("source")
    count, total = inputs.many_files(
        source, bench.size(13_000, 60), (1_000, bench.size(229_800, 20_000)), folders=65, seed=3
    )
    plain = house.filled_vault(bench, "plain", source)
    sealed = house.filled_vault(bench, "sealed", source, sealed=True)
    peer = _bag(bench, source)
    sides = (
        house.verify_side(PLAIN, "plain vault", plain, JOBS),
        peer,
        house.verify_side(SEALED, "sealed vault", sealed, JOBS),
    )
    samples = alternate(bench, sides)
    compared = [compare(samples, ours, peer.name) for ours in (PLAIN, SEALED)]
    return Section(
        "verify-13000",
        f"{count:,} files, {total / 1e6:,.0f} MB",
        [
            row(side, samples[side.name], total / 1e6, "MB/s")
            for side in sides
            if side.name in samples
        ],
        [one for one in compared if one is not None],
        notes=[
            "Both use two processes. The bag has SHA-256 manifests alone; bagit.py's own choice, "
            "SHA-256 and SHA-512, would take it longer.",
            "Beyond what a bag has, `holdfast verify` checks each entry, signature and row of the "
            "database.",
            *([peer.missing] if peer.missing else []),
        ],
        bars={"verify-bagit": bars.by_ratio(compared[0], 2, missing=peer.missing)},
    )


def _bag(bench: Bench, source: Path) -> Side:
    """Make a bag of `source`, in its place; return the side that validates it."""
    missing = peers.missing(peers.BAGIT)
    folder = source.parent / "bag"
    folder.mkdir()
    bag = source.rename(folder / "bag")
    if not missing:
        run(peers.bag_command("--sha256", str(bag)), folder, bench.environment)
    return Side(
        "bagit.py",
        "bagit.py --validate --processes 2",
        lambda _folder: [peers.bag_command("--validate", str(bag))],
        [bag],
        folder=folder,
        missing=missing,
    )
