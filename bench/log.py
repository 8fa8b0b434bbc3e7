"""Grow a log to 1,000,000 entries (`--full`; else 100,000), and prove entries from it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench import bars, house
from bench.append import DRIVERS, enter_side, printed
from bench.measure import Side, alternate, median_of
from bench.results import Outcome, Section, row

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measure import Bench, Sample

DISK = 8 << 30
MILLION = 1_000_000
PROOFS = 200


def measure(bench: Bench) -> Section:
    """Measure it."""
    count = bench.size(MILLION if bench.full else 100_000, 400)
    return grown(bench, f"log-{count}", count, count // 10)


def grown(bench: Bench, name: str, count: int, mark: int) -> Section:
    """Grow a log to `count` entries; compare its first `mark` entries with its last."""
    group = bench.size(500, 20)
    folder = bench.room("log")
    house.new_vault(bench, folder)
    grow = enter_side(bench, "grow", count, group, mark=mark, folder=folder)
    prove = Side(
        "prove",
        f"{PROOFS} inclusion proofs",
        lambda _folder: [[sys.executable, str(DRIVERS / "prove.py"), "vault", str(PROOFS)]],
        check=printed,
        folder=folder,
    )
    samples = alternate(bench, [grow], 1) | alternate(bench, [prove])
    told = samples["grow"][0].figures
    ratio = told["last_peak"] / told["first_peak"]
    flat = (
        f"peak {told['first_peak'] / 1e6:.1f} MB at {mark:,} entries, "
        f"{told['last_peak'] / 1e6:.1f} MB at {count:,}: {ratio:.2f}x"
    )
    proof = (
        f"{median_of(samples['prove'], 'median') * 1000:.2f} ms, "
        f"worst of {PROOFS * len(samples['prove']):,}: {_worst(samples['prove']) * 1000:.2f} ms"
    )
    return Section(
        name,
        f"a log of {count:,} entries",
        [
            row(grow, samples["grow"], count, "entries/s", "seconds"),
            row(prove, samples["prove"]),
        ],
        facts=[
            f"appending: {flat}",
            f"the first {mark:,} entries took {told['first_seconds']:.1f} s, "
            f"the last {mark:,} {told['last_seconds']:.1f} s",
            f"one proof: {proof}",
            f"on disk: {_taken(folder / 'vault' / 'vault') / count:,.0f} bytes an entry in the log "
            f"(tiles, leaves, bodies), {_taken(folder / 'vault') / count:,.0f} with the database",
        ],
        notes=[
            f"The log is grown once, {group} entries at a time. Each proof reads the signed "
            "checkpoint and the tiles anew, and is checked against the root (not timed).",
        ],
        bars=_bars(count, told, flat, samples["prove"], proof),
    )


def _worst(samples: list[Sample]) -> float:
    return max(one.figures["worst"] for one in samples)


def _taken(folder: Path) -> int:
    """Return the bytes that a folder's files take on the disk, as du(1) counts them."""
    return sum(one.lstat().st_blocks * 512 for one in folder.rglob("*"))


def _bars(
    count: int, told: dict[str, float], flat: str, proofs: list[Sample], proof: str
) -> dict[str, Outcome]:
    """Return the bars' outcomes; a smaller log than they speak of answers none."""
    each = median_of(proofs, "median")
    if count == MILLION:
        steady = told["last_peak"] / told["first_peak"] <= bars.FLAT
        return {"append-flat": Outcome(steady, flat), "proof": Outcome(each < 0.050, proof)}
    if count == 10 * MILLION:
        slower = told["last_seconds"] / told["first_seconds"]
        return {
            "append-huge": Outcome(slower <= bars.FLAT, f"{slower:.2f}x the time"),
            "proof-huge": Outcome(each < 0.020, proof),
        }
    return {}
