"""A timeline of a million events given out as an Arrow stream, beside the same as JSON lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Side, alternate, median_of
from bench.process import expect
from bench.results import Section, compare, row

if TYPE_CHECKING:
    from bench.measure import Bench

OURS, PEER = "arrow", "lines"
DISK = 3 << 30
DRIVERS = Path(__file__).parent / "drivers"
DRIVER = str(DRIVERS / "export_arrow.py")
_SHOWN = {OURS: "Arrow stream", PEER: "JSON lines"}


def measure(bench: Bench) -> Section:
    """Measure it."""
    count = bench.size(1_000_000, 2_000)
    small, large = bench.room("small"), bench.room("large")
    for folder, many in ((small, count // 10), (large, count)):
        made = str(DRIVERS / "query_timeline.py")
        subprocess.run([sys.executable, made, "make", str(folder), str(many)], check=True)
        subprocess.run([sys.executable, DRIVER, "spool", str(folder)], check=True)

    def side(form: str, name: str, folder: Path, many: int) -> Side:
        def check(place: Path) -> dict[str, float]:
            told = (place / "output").read_text("utf-8")
            expect(int(told) == many, f"{told.strip()} of {many} events")
            return {"bytes": float((place / "sent").stat().st_size)}

        shell = '"$0" "$1" "$2" "$3" > sent && exec "$0" "$1" "read-$2" < sent'
        answer = folder / "answer.jsonl"
        command = ["sh", "-c", shell, sys.executable, DRIVER, form, str(answer)]
        shown = f"{_SHOWN[form]}: {many:,} events written, and read by a program"
        return Side(name, shown, lambda _: [command], [answer], check=check)

    sides = [
        *(side(form, form, large, count) for form in (OURS, PEER)),
        side(OURS, "arrow, a tenth", small, count // 10),
    ]
    samples = alternate(bench, tuple(sides))
    compared = compare(samples, OURS, PEER)
    grown = median_of(samples[OURS], "rss") / median_of(samples["arrow, a tenth"], "rss")
    sizes = {one: median_of(samples[one], "bytes") / 1e6 for one in (OURS, PEER)}
    return Section(
        "export-arrow",
        f"a timeline of {count:,} events given out",
        [
            row(one, samples[one.name], count / (1 if "," not in one.name else 10), "events/s")
            for one in sides
        ],
        [compared] if compared is not None else [],
        facts=[
            f"memory with ten times the events: {grown:.2f}x",
            *(f"{_SHOWN[one]}: {size:,.0f} MB" for one, size in sizes.items()),
        ],
        notes=[
            "Both begin with the answer that the server has spooled; the peer's lines are copied "
            "as they are, then read with orjson, one by one."
        ],
    )
