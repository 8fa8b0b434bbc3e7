"""The text index of a case's records, beside tantivy alone over the same texts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import bars
from bench.examine_lines import auth_log, web_log
from bench.measure import Side, alternate
from bench.process import expect
from bench.results import Section, compare, row

if TYPE_CHECKING:
    from bench.measure import Bench

OURS, PEER = "holdfast", "tantivy alone"
DRIVER = Path(__file__).parent / "drivers" / "full_text.py"
DISK = 2 << 30


def measure(bench: Bench) -> Section:
    """Measure it."""
    count, folder = bench.size(150_000, 1_000), bench.room("full-text")
    web_log(folder / "access.log", count, 1)
    auth_log(folder / "auth.log", count, 2)
    subprocess.run([sys.executable, str(DRIVER), "prepare", str(folder)], check=True)
    texts = folder / "texts.tsv"

    def side(name: str, how: str, shown: str) -> Side:
        def check(place: Path) -> dict[str, float]:
            told = (place / "output").read_text("utf-8")
            expect(int(told) == 2 * count, f"{told.strip()} of {2 * count} records")
            return {}

        command = [sys.executable, str(DRIVER), how, str(folder)]
        return Side(name, shown, lambda _place: [command], [folder], check=check)

    ours = side(OURS, "ours", "the text index of the records in Parquet")
    peer = side(PEER, "alone", "the same texts from a file, one thread, no fields beside them")
    samples = alternate(bench, (ours, peer))
    compared = compare(samples, OURS, PEER)
    size = texts.stat().st_size / 1e6
    return Section(
        "full-text",
        f"the texts of {2 * count:,} records, {size:.0f} MB",
        [row(one, samples[one.name], size, "MB/s") for one in (ours, peer)],
        [compared] if compared is not None else [],
        [],
        ["Ours keeps beside the index what is shown of each record, and where it lies."],
        {"full-text": bars.by_ratio(compared, 0.8, missing="")},
    )
