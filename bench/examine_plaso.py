"""The files of plaso's own test data that the parsers here know, beside log2timeline.

HOLDFAST_CORPUS names a folder that holds plaso's `test_data` as `plaso`. An event is a moment
that a record gives: `time`, and every further column of a time; plaso makes one of each, too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow.parquet as pq

from bench import bars, machine
from bench.measure import Side, alternate
from bench.process import expect
from bench.results import Outcome, Section, compare, row

if TYPE_CHECKING:
    from bench.measure import Bench

OURS, PLASO = "holdfast", "plaso"
DRIVER = Path(__file__).parent / "drivers" / "examine_ours.py"
DISK = 1 << 30
FAMILIES: dict[str, tuple[str, ...]] = {
    "chromium_history": ("chrome_27_history", "chrome_8_history"),
    "evtx": ("winevtx",),
    "firefox_downloads": ("firefox_downloads",),
    "firefox_history": ("firefox_history",),
    "iis": ("winiis",),
    "ooxml": ("oxml",),
    "safari_history": ("safari_historydb",),
    "safari_plist": ("safari_downloads", "safari_history"),
    "syslog": ("syslog", "syslog_traditional"),
}
"""Parser here to plaso's parsers and plugins of the same files."""
WHY = {
    "chromium_history": "search terms are records of their own",
    "evtx": "plaso gives two events a record (made, written); so does this count",
    "ooxml": "plaso reads the properties of a document alone",
    "syslog": "lines that plaso joins or passes over are failures here, not events",
}
_CHOOSE = """
import sys, tempfile
from pathlib import Path
from holdfast.examine.file import evidence_from
from holdfast.examine.interfaces import name_of, parsers
root, wanted = Path(sys.argv[1]), set(sys.argv[2].split(","))
with tempfile.TemporaryDirectory() as room:
    for path in sorted(root.rglob("*")):
        if path.is_file() and any(
            name_of(one) in wanted and one.match(evidence_from(path, Path(room)))
            for one in parsers()
        ):
            print(path.relative_to(root))
"""


def measure(bench: Bench) -> Section:
    """Measure it."""
    corpus = os.environ.get("HOLDFAST_CORPUS", "")
    source = Path(corpus) / "plaso"
    missing = "" if corpus and source.is_dir() else "not measured: HOLDFAST_CORPUS is not set"
    program = shutil.which("log2timeline")
    pinfo = shutil.which("pinfo")
    if not missing and not (program and pinfo):
        missing = "not measured: no log2timeline and pinfo on the path"
    section = Section("examine-plaso", "plaso's own test data, as far as the parsers know it", [])
    if missing:
        section.notes.append(missing)
        section.bars = {name: Outcome(None, missing) for name in ("plaso-rate", "plaso-events")}
        return section
    cores, folder = min(2, machine.cores()), bench.room("known")
    chosen = subprocess.run(
        [sys.executable, "-c", _CHOOSE, str(source), ",".join(FAMILIES)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in chosen.stdout.splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    expect(bool(files), "the corpus has no file that the parsers know")
    ours = _ours(files, cores)
    plaso = _plaso(str(program), str(pinfo), folder, cores)
    samples = alternate(bench, (ours, plaso))
    mine, theirs = samples[OURS][-1].figures, samples[PLASO][-1].figures
    compared = compare(samples, OURS, PLASO)
    section.rows = [
        row(side, samples[side.name], sum(samples[side.name][-1].figures.values()), "events/s")
        for side in (ours, plaso)
    ]
    section.comparisons = [compared] if compared is not None else []
    fewer = []
    for family in FAMILIES:
        count, other = int(mine.get(family, 0)), int(theirs.get(family, 0))
        more = f"{count - other:+d}" if count != other else "the same"
        why = f" ({WHY[family]})" if family in WHY and count != other else ""
        section.facts.append(f"{family}: {count:,} events, plaso {other:,}: {more}{why}")
        if count < other:
            fewer.append(f"{family} {count - other}")
    section.notes.append(
        f"{len(files)} files. Both sides with two workers where there are two cores, their start "
        "included; plaso with its default parsers, its events of the file system left out."
    )
    section.bars = {
        "plaso-rate": bars.by_ratio(compared, 10, missing=""),
        "plaso-events": Outcome(not fewer, ", ".join(fewer) or "no family has fewer"),
    }
    return section


def _ours(files: list[Path], cores: int) -> Side:
    def check(place: Path) -> dict[str, float]:
        found: Counter[str] = Counter()
        for path in place.glob("derived/*/*/*.parquet"):
            table = pq.read_table(path)
            if not len(table) or table["kind"][0].as_py() in {"failure", "file"}:
                continue
            timed = [name for name in table.column_names if name == "time" or name[-5:] == "_time"]
            events = sum(len(table) - table[name].null_count for name in timed)
            found[str(table["parser"][0].as_py())] += events
        return {name: float(count) for name, count in found.items()}

    command = [sys.executable, str(DRIVER), ",".join(FAMILIES), str(cores), *map(str, files)]
    return Side(OURS, f"examine --jobs {cores}", lambda _place: [command], files, check=check)


def _plaso(program: str, pinfo: str, folder: Path, cores: int) -> Side:
    command = [
        program, "--workers", str(cores), "--status_view", "none", "-u", "-q", "--partitions",
        "all", "--vss_stores", "none", "--storage-file", "x.plaso", str(folder),
    ]  # fmt: skip

    def check(place: Path) -> dict[str, float]:
        told = subprocess.run(
            [pinfo, "--output_format", "json", str(place / "x.plaso")], capture_output=True,
            check=True, cwd=place,
        )  # fmt: skip
        parsers: dict[str, Any] = orjson.loads(told.stdout)["storage_counters"]["parsers"]
        return {
            family: float(sum(parsers.get(name, 0) for name in names))
            for family, names in FAMILIES.items()
        }

    return Side(
        PLASO, f"log2timeline --workers {cores}", lambda _place: [command],
        sorted(folder.rglob("*")), check=check,
    )  # fmt: skip
