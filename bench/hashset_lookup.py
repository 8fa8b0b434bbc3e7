"""A set of 100 million files: built from a list in NSRL's schema, and looked up in."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from bench import house
from bench.measure import Side, alternate, median_of
from bench.process import expect
from bench.results import Outcome, Section, row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.measure import Bench

DISK = 30 << 30
GOAL = 1_000_000
"""Look-ups a second."""
BATCH = 1_000_000
MEMORY = 1 << 30
"""Bytes that a look-up may take, at most."""
_ROWS = 100_000
_SEED = 11

LOOK_UP = """
import glob, json, resource, sys, time
import numpy as np
from pathlib import Path
from holdfast.examine.hashsets.table import Table
begun = time.perf_counter()
table = Table(Path(glob.glob("vault/sets/*/sha256.table")[0]))
wanted = np.load("wanted.npy")
size, found, seconds = int(sys.argv[1]), 0, 0.0
for start in range(0, len(wanted), size):
    some = wanted[start : start + size]
    began = time.perf_counter()
    found += int(table.find(some).sum())
    seconds += time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"found": found, "lookups": len(wanted), "seconds": seconds, "peak": peak}))
"""
PLAIN = """
import json, sqlite3, time
import numpy as np
wanted = [bytes(one).hex().upper() for one in np.load("wanted.npy")[:100_000]]
database = sqlite3.connect("file:plain.db?mode=ro", uri=True)
began, found = time.perf_counter(), 0
for one in wanted:
    found += database.execute("SELECT 1 FROM FILE WHERE sha256 = ?", (one,)).fetchone() is not None
print(json.dumps({"found": found, "lookups": len(wanted), "seconds": time.perf_counter() - began}))
"""


def measure(bench: Bench) -> Section:
    """Measure it."""
    count = bench.size(100_000_000, 200_000)
    asked = bench.size(10 * BATCH, 100_000)
    folder = bench.room("sets")
    house.new_vault(bench, folder)
    bench.say(f"  writing {count:,} rows in NSRL's schema")
    _nsrl(folder / "rds.db", _digests(count))
    _plain(folder / "plain.db", count)
    known = np.concatenate([*_digests(min(count, asked // 2))])
    wanted = np.concatenate((known, _unknown(asked - len(known))))
    np.save(folder / "wanted.npy", np.random.default_rng(_SEED + 2).permutation(wanted))

    build = Side(
        "build", "holdfast hashset add RDS.db",
        lambda _folder: [[
            house.HOLDFAST, "hashset", "add", "rds.db", "--name", "NSRL", "--kind", "known-good",
            "--origin", "made up", "--version", "1", "--date", "2026-11-24", "--json",
        ]],
        folder=folder,
    )  # fmt: skip
    samples = alternate(bench, [build], 1)
    (folder / "rds.db").unlink()
    (table,) = folder.glob("vault/sets/*/sha256.table")

    def looked_up(name: str, shown: str, program: str, *more: str, cold: bool = False) -> Side:
        return Side(
            name, shown,
            lambda _folder: [[sys.executable, "-c", program, *more]],
            reads=() if cold else (table, folder / "plain.db", folder / "wanted.npy"),
            prepare=(lambda _folder: _forget(table)) if cold else (lambda _folder: None),
            check=lambda where: _checked(where, len(known), len(wanted)),
            folder=folder,
        )  # fmt: skip

    size = str(bench.size(BATCH, 50_000))
    warm = looked_up("warm", f"look up {asked:,}, page cache warm", LOOK_UP, size)
    cold = looked_up("cold", f"look up {asked:,}, page cache cold", LOOK_UP, size, cold=True)
    small = looked_up("files", f"look up {asked:,}, 65,536 at once", LOOK_UP, "65536")
    plain = looked_up("sqlite", "SQLite, one by one, in a part of it", PLAIN)
    samples |= alternate(bench, [warm, cold, small, plain])

    def rate(side: Side) -> float:
        found = samples[side.name]
        return median_of(found, "lookups") / median_of(found, "seconds")

    peak = median_of(samples["warm"], "peak")
    each = table.stat().st_size / count
    facts = [f"{side.shown}: {rate(side):,.0f} look-ups a second" for side in
             (warm, cold, small, plain)]  # fmt: skip
    facts += [
        f"peak memory of a look-up: {peak / 1e6:,.0f} MB, the digests asked for included",
        f"{each:.2f} bytes on disk for each SHA-256",
        f"built at {count / median_of(samples['build']):,.0f} digests a second, peak "
        f"{median_of(samples['build'], 'rss') / 1e6:,.0f} MB",
    ]
    met = rate(warm) >= GOAL and peak <= MEMORY
    figure = f"{rate(warm):,.0f} a second warm, {peak / 1e6:,.0f} MB"
    return Section(
        "hashset-lookup",
        f"{count:,} SHA-256 in NSRL's schema",
        [
            row(build, samples["build"], count, "digests/s"),
            *(row(one, samples[one.name]) for one in (warm, cold, small, plain)),
        ],
        facts=facts,
        notes=[
            "Half of what is looked up is in the set. Rates are those of the look-ups themselves, "
            "without the program's start and without reading the question. Cold: the table's pages "
            "were dropped before (posix_fadvise). The list has SHA-256 and a name; the columns of "
            "SHA-1 and MD5 are empty, to spare the disk. SQLite's table has 1,000,000 of the "
            "digests, as its primary key.",
        ],
        bars={"hashset-lookup": Outcome(met, figure)},
    )


def _digests(count: int) -> Iterator[np.ndarray[tuple[int, int], np.dtype[np.uint8]]]:
    chance = np.random.default_rng(_SEED)
    for start in range(0, count, _ROWS):
        many = min(_ROWS, count - start)
        yield np.frombuffer(chance.bytes(32 * many), np.uint8).reshape(-1, 32)


def _unknown(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    data = np.random.default_rng(_SEED + 1).bytes(32 * count)
    return np.frombuffer(data, np.uint8).reshape(-1, 32)


def _nsrl(
    path: Path, digests: Iterator[np.ndarray[tuple[int, int], np.dtype[np.uint8]]], key: str = ""
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as made:
        made.execute("PRAGMA journal_mode=OFF")
        made.execute("PRAGMA synchronous=OFF")
        made.execute(
            f"CREATE TABLE FILE (sha256 VARCHAR {key}, sha1 VARCHAR, md5 VARCHAR, "
            "file_name VARCHAR, file_size INTEGER, package_id INTEGER)"
        )
        for some in digests:
            text = some.tobytes().hex().upper()
            made.execute("BEGIN")
            made.executemany(
                "INSERT INTO FILE (sha256, file_name, file_size) VALUES (?, 'a.dll', 4096)",
                ((text[at : at + 64],) for at in range(0, len(text), 64)),
            )
            made.execute("COMMIT")


def _plain(path: Path, count: int) -> None:
    _nsrl(path, _digests(min(count, 1_000_000)), "PRIMARY KEY")


def _forget(path: Path) -> None:
    """Ask the kernel to drop a file's pages from its cache."""
    os.sync()
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _checked(where: Path, known: int, asked: int) -> dict[str, float]:
    told = json.loads((where / "output").read_text("utf-8"))
    if told["lookups"] == asked:
        expect(told["found"] == known, f"{told['found']} of {known} were found")
    return {name: float(value) for name, value in told.items()}
