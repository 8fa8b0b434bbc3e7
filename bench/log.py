"""Grow a log to 1,000,000 entries (`--full`; else 100,000), and prove entries from it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench import bars, house
from bench.append import DRIVERS, enter_side, printed
from bench.measure import Side, alternate, median_of
from bench.results import Outcome, Section, row

if TYPE_CHECKING:
    from bench.measure import Bench, Sample

DISK = 8 << 30
MILLION = 1_000_000
PROOFS = 200


def measure(bench: Bench) -> Section:
    """Measure it."""
    count = bench.size(MILLION if bench.full else 100_000, 400)
    mark, group = count // 10, bench.size(500, 20)
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
    grown = samples["grow"][0].figures
    ratio = grown["last_peak"] / grown["first_peak"]
    flat = (
        f"peak {grown['first_peak'] / 1e6:.1f} MB at {mark:,} entries, "
        f"{grown['last_peak'] / 1e6:.1f} MB at {count:,}: {ratio:.2f}x"
    )
    proof = (
        f"{median_of(samples['prove'], 'median') * 1000:.2f} ms, "
        f"worst of {PROOFS * len(samples['prove']):,}: {_worst(samples['prove']) * 1000:.2f} ms"
    )
    return Section(
        f"log-{MILLION if bench.full else 100_000}",
        f"a log of {count:,} entries",
        [
            row(grow, samples["grow"], count, "entries/s", "seconds"),
            row(prove, samples["prove"]),
        ],
        facts=[
            f"appending: {flat}",
            f"the first {mark:,} entries took {grown['first_seconds']:.1f} s, "
            f"the last {mark:,} {grown['last_seconds']:.1f} s",
            f"one proof: {proof}",
        ],
        notes=[
            f"The log is grown once, {group} entries at a time. Each proof reads the signed "
            "checkpoint and the tiles anew, and is checked against the root (not timed).",
        ],
        bars=_bars(bench, ratio, flat, samples["prove"], proof),
    )


def _worst(samples: list[Sample]) -> float:
    return max(one.figures["worst"] for one in samples)


def _bars(
    bench: Bench, ratio: float, flat: str, proofs: list[Sample], proof: str
) -> dict[str, Outcome]:
    """Return the bars' outcomes; a smaller log than they speak of answers none."""
    if not bench.full:
        return {}
    return {
        "append-flat": Outcome(ratio <= bars.FLAT, flat),
        "proof": Outcome(median_of(proofs, "median") < 0.050, proof),
    }
