"""Examine an event log of 300,000 records, beside the decoder's own raw JSON of the same file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import bars
from bench.measure import Side, alternate, median_of
from bench.process import expect
from bench.results import Outcome, Section, compare, row
from holdfast.testing.event_log import Event, chunk, event_log

if TYPE_CHECKING:
    from bench.measure import Bench
    from bench.results import Comparison, Row

DISK = 4 << 30
DRIVER = Path(__file__).parent / "drivers" / "examine_evtx.py"
OURS, PEER = "holdfast, one worker", "pyevtx-rs, JSON"
CHUNK = 36
"""Records of a chunk: as many as fit."""
PLASO = 1_000
"""Event records a second, as measured once with its winevtx parser; it is not run here."""


def measure(bench: Bench) -> Section:
    """Measure it."""
    count = bench.size(300_000, 2_000)
    log = bench.room("log") / "security.evtx"
    log.write_bytes(
        event_log(
            [_events(first, min(CHUNK, count + 1 - first)) for first in range(1, count + 1, CHUNK)]
        )
    )

    def side(name: str, how: str, shown: str) -> Side:
        def check(folder: Path) -> dict[str, float]:
            figures: dict[str, float] = json.loads((folder / "output").read_text("utf-8"))
            expect(figures["records"] == count, f"{figures['records']} of {count} records")
            return figures

        command = [sys.executable, str(DRIVER), how, str(log)]
        return Side(name, shown, lambda _: [command], [log], check=check)

    ours = side(OURS, "engine", "examine, to typed records in Parquet")
    peer = side(PEER, "json", "records_json() of the library `evtx`, one thread, to a file")
    samples = alternate(bench, (ours, peer))
    compared = compare(samples, OURS, PEER)
    rate = count / median_of(samples[OURS], "wall")
    rows = [row(one, samples[one.name], count, "records/s") for one in (ours, peer)]
    slack, recovered = _slack(bench, rows)
    return Section(
        "examine-evtx",
        f"an event log of {count:,} records",
        rows,
        [one for one in (compared, slack) if one is not None],
        [],
        [
            "The log is generated: plain binary XML without templates, every value a text. Both "
            "times hold Python's start, ours the worker's start and its sandbox as well.",
            f"plaso's rate is a figure of {PLASO:,}/s that was measured before, not here.",
        ],
        {
            "evtx-rate": Outcome(rate >= 30 * PLASO, f"{rate:,.0f} records/s"),
            "evtx-json": bars.by_ratio(compared, 0.7, missing=peer.missing),
            "evtx-slack": recovered,
        },
    )


def _slack(bench: Bench, rows: list[Row]) -> tuple[Comparison | None, Outcome]:
    """Measure a log of which nearly all records lie in slack, beside libevtx."""
    chunks = bench.size(1_500, 20)
    log = bench.room("slack") / "cleared.evtx"
    parts = [chunk(_events(first * CHUNK + 1, CHUNK), slack=CHUNK - 1) for first in range(chunks)]
    log.write_bytes(event_log([[]] * chunks)[:4096] + b"".join(parts))
    count = chunks * (CHUNK - 1)

    def side(name: str, how: str, shown: str) -> Side:
        def check(folder: Path) -> dict[str, float]:
            figures: dict[str, float] = json.loads((folder / "output").read_text("utf-8"))
            expect(figures["recovered"] == count, f"{figures['recovered']} of {count} recovered")
            return figures

        command = [sys.executable, str(DRIVER), how, str(log)]
        return Side(name, shown, lambda _: [command], [log], check=check)

    ours = side("holdfast, slack", "recovered", "examine, records in slack to Parquet")
    peer = side("libevtx, slack", "libevtx", "libevtx's recovered records, as XML, to a file")
    samples = alternate(bench, (ours, peer))
    rows += [row(one, samples[one.name], count, "records/s") for one in (ours, peer)]
    compared = compare(samples, ours.name, peer.name)
    return compared, bars.by_ratio(compared, 1, missing="")


def _events(first: int, count: int) -> list[Event]:
    return [
        Event(
            number=number,
            time=f"2026-01-31T08:{number // 60 % 60:02d}:{number % 60:02d}.123456Z",
            provider="Microsoft-Windows-Security-Auditing",
            event_id=4624,
            channel="Security",
            data={
                "SubjectUserName": "HOST$",
                "TargetUserName": f"user{number % 97}",
                "TargetDomainName": "EXAMPLE",
                "LogonType": "3",
                "IpAddress": f"192.0.2.{number % 250}",
                "WorkstationName": "CLIENT",
            },
        )
        for number in range(first, first + count)
    ]
