"""`./dev bench [NAME...]`: measure, print the tables, keep the results."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import (
    append,
    collect_1gib,
    collect_20000,
    examine_evtx,
    examine_indicators,
    examine_linear,
    examine_lines,
    examine_plaso,
    examine_ray,
    export_arrow,
    full_text,
    hashset_lookup,
    house,
    log,
    log_huge,
    machine,
    memory,
    peers,
    report,
    results,
    search_phrase,
    startup,
    store_s3,
    timeline_window,
    verify_13000,
    verify_throughput,
    web_capture,
    web_decode,
    web_many,
)
from bench.measure import Bench
from bench.process import BenchFailedError, adopt_orphans, own_peak

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

MEASUREMENTS: dict[str, ModuleType] = {
    "collect-1gib": collect_1gib,
    "collect-20000": collect_20000,
    "verify-13000": verify_13000,
    "verify-throughput": verify_throughput,
    "append": append,
    "examine-evtx": examine_evtx,
    "indicators": examine_indicators,
    "hashset-lookup": hashset_lookup,
    "examine-lines": examine_lines,
    "timeline-window": timeline_window,
    "export-arrow": export_arrow,
    "search-phrase": search_phrase,
    "examine-ray": examine_ray,
    "examine-plaso": examine_plaso,
    "examine-linear": examine_linear,
    "full-text": full_text,
    "log": log,
    "log-huge": log_huge,
    "memory": memory,
    "startup": startup,
    "store-s3": store_s3,
    "web-capture": web_capture,
    "web-decode": web_decode,
    "web-many": web_many,
}

BY_NAME = {"hashset-lookup", "log-huge"}
"""Run only when asked for: they take a quarter of an hour each."""

ORDER = (
    *(name for name in MEASUREMENTS if name not in {"log", "log-huge", "memory", "startup"}),
    *("log-100000", "log-1000000", "log-huge", "memory", "startup"),
)
"""The sections of RESULTS.md: a small log's figures never take the place of a large one's."""

HERE = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; return 0 when every measurement could be made."""
    asked = _arguments(arguments)
    adopt_orphans()
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    started = time.monotonic()
    done: dict[str, results.Section] = {}
    failed: list[str] = []
    with _work(asked.work) as work:
        bench = Bench(work, asked.rounds, asked.small, asked.full, _say)
        _warn(work, small=asked.small)
        taken = _taken(bench)
        for name in asked.names or [one for one in MEASUREMENTS if one not in BY_NAME]:
            _say(f"{name}:")
            try:
                section = _measured(bench, name)
            except BenchFailedError as error:
                failed.append(name)
                _say(f"  FAILED: {error}")
                continue
            section.taken = {**taken, "floor": own_peak()}
            done[section.name] = section
            if not asked.small:
                _keep(section)
    _show(list(done.values()), as_json=asked.json, small=asked.small)
    _say(f"took {time.monotonic() - started:.0f} s" + ("" if asked.small else f"; {_kept()}"))
    if failed:
        _say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--rounds", type=int, help="runs of each side (5; with --small 1)")
    parser.add_argument("--small", action="store_true", help="tiny sizes; results are not kept")
    parser.add_argument("--full", action="store_true", help="a log of 1,000,000 entries too")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--work", type=Path, metavar="DIR", help="where to work; /var/tmp if left")
    asked = parser.parse_args(arguments)
    for name in asked.names:
        if name not in MEASUREMENTS:
            parser.error(f"no measurement {name!r}; there are {', '.join(MEASUREMENTS)}")
    if asked.rounds is None:
        asked.rounds = 1 if asked.small else 5
    if asked.rounds < 1:
        parser.error("--rounds: at least 1")
    if asked.work is not None and not asked.work.is_dir():
        parser.error(f"--work: there is no folder {asked.work}")
    return asked


@contextmanager
def _work(parent: Path | None) -> Iterator[Path]:
    """Give a new folder, and remove it with all that is in it, however the run ends."""
    # Not /tmp, which may be memory: a sync there costs nothing and proves nothing.
    place = parent or Path("/var/tmp")  # noqa: S108 - mkdtemp makes a folder of our own in it
    work = Path(tempfile.mkdtemp(prefix="holdfast-bench-", dir=place.absolute()))
    try:
        yield work
    finally:
        shutil.rmtree(work)


def _measured(bench: Bench, name: str) -> results.Section:
    """Run one measurement in a folder of its own, and remove that."""
    module = MEASUREMENTS[name]
    if not bench.small:
        machine.check_space(bench.work, module.DISK)
    room = bench.room(name)
    try:
        section: results.Section = module.measure(
            Bench(room, bench.rounds, bench.small, bench.full, bench.say)
        )
    finally:
        shutil.rmtree(room)
    return section


def _taken(bench: Bench) -> dict[str, Any]:
    head, dirty = machine.commit()
    return {
        "commit": head,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "dirty": dirty,
        "load": machine.load(),
        "machine": machine.describe(bench.work),
        "rounds": bench.rounds,
        "tools": [house.version(), *(tool.told() for tool in peers.TOOLS)],
    }


def _warn(work: Path, *, small: bool) -> None:
    """Say what makes the figures worth less."""
    if small:
        _say("smoke run: tiny sizes, the figures mean nothing and are not kept")
        return
    kind = machine.filesystem(work)
    if kind in {"tmpfs", "ramfs", "overlay"}:
        _say(f"WARNING: the work folder is on {kind}; durable figures want a disk: --work DIR")
    if machine.load() > 0.5:
        _say(f"WARNING: the machine is busy (load {machine.load():.2f}); figures will be off")
    for tool in peers.TOOLS:
        if tool.missing:
            _say(f"WARNING: {tool.missing}")


def _keep(section: results.Section) -> None:
    """Put the section into results.json and write RESULTS.md anew."""
    kept = results.load(HERE / "results.json")
    kept[section.name] = section
    results.save(HERE / "results.json", kept)
    (HERE / "RESULTS.md").write_text(report.document(kept, ORDER), "utf-8")
    if section.name == examine_ray.NAME:
        examine_ray.write_how_to(section)


def _kept() -> str:
    return "kept in bench/results.json and bench/RESULTS.md"


def _show(sections: list[results.Section], *, as_json: bool, small: bool) -> None:
    if as_json:
        print(json.dumps([one.as_json() for one in sections], indent=1))
        return
    for one in sections:
        print(f"\n{one.name}: {one.title}\n\n{report.section_text(one)}")
    if not small and any(one.bars for one in sections):
        print(f"\n{report.bars_text(sections, only_measured=True)}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchFailedError as failure:
        sys.exit(f"bench: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
