"""What was promised of speed, in the promise's words, and how a comparison answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.results import Comparison, Section

FLAT = 1.10
"""A writer's memory is flat where ten times the entries take at most this many times as much."""

STEADY = 1.25
"""Memory is independent of the evidence's size where 16 times the evidence takes at most this."""

BARS = {
    "collect-1gib": (
        "collect one 1 GiB file: no slower than `cp` followed by `openssl dgst -sha256`"
    ),
    "collect-20000-peer": (
        "collect 20,000 small files, durable: faster than `cp -r` + `sync` + "
        "`hashdeep -r -c sha256`"
    ),
    "collect-20000-rate": "collect 20,000 small files, durable: at least 2,000 files/s",
    "verify-core": (
        "verify: at least the speed of `openssl dgst -sha256` on one core for each core used"
    ),
    "verify-all-cores": "whole-vault verify within 1.2x of `openssl dgst -sha256` on all cores",
    "verify-bagit": (
        "verify 13,000 files: at least 2x the speed of `bagit.py --validate --processes 2`"
    ),
    "append-rate": "append 10,000 custody entries: at least 2,000/s in groups",
    "append-groups": "append with durable commit and inline integration: 5,000 entries/s in groups",
    "append-single": (
        "append one by one: at least 0.35x of the fdatasync rate measured in the same run"
    ),
    "append-huge": (
        "a log of 10,000,000 entries: append no slower than at 10,000 (the last 10,000 take at "
        f"most {FLAT:.2f}x the time of the first)"
    ),
    "proof-huge": "a log of 10,000,000 entries: a proof under 20 ms",
    "append-flat": (
        f"append 1,000,000 entries: memory flat (peak at most {FLAT:.2f}x that at 100,000)"
    ),
    "proof": "a proof from a log of 1,000,000 entries: under 50 ms",
    "store-s3": "S3: 80% of the speed of the plain client putting the same files",
    "web-load": "collect web: a page loads in at most 1.10x the time it takes plain Chromium",
    "web-whole": "collect web: a capture takes at most 2x launch + load + close",
    "web-decode": (
        "collect web: a browser's log is decoded at 50 MB/s or better in constant memory (1 GiB "
        f"at most {STEADY:.2f}x of 64 MiB)"
    ),
    "web-rate": "collect web: at least 15 captures a minute, small pages, 4 at once",
    "hashset-lookup": (
        "100,000,000 hashes in NSRL's schema: 1,000,000 look-ups a second in bounded memory (1 GiB)"
    ),
    "evtx-rate": (
        "EVTX to typed records on disk: allocated records at least 30x plaso's rate (1,000/s)"
    ),
    "evtx-json": "EVTX to typed records on disk: 0.7x of the decoder's own raw JSON",
    "timeline-window": "a timeline window query over 10,000,000 events: under 200 ms",
    "search-phrase": "a phrase query: under 50 ms",
    "evtx-slack": "EVTX records recovered from slack: at least libevtx's own rate",
    "indicators": (
        "indicators over 512 MB of mixed text with every kind on: at least 25 MB per CPU-second"
    ),
    "examine-lines-rate": "web and authentication lines to Parquet on disk: 300,000 lines/s",
    "examine-lines-plaso": "the same: at least 30x plaso's text parser",
    "plaso-rate": (
        "plaso's own test data that these parsers know: at least 10x log2timeline on the same files"
    ),
    "plaso-events": "the same: at least as many events, in every family",
    "full-text": "full text: at least 0.8x of what tantivy alone does on the same text",
    "examine-linear": "examining grows linearly: a byte at 16x costs at most 1.15 of one at 4x",
    "memory": (
        "memory of any command independent of the evidence's size (peak with 1 GiB at most "
        f"{STEADY:.2f}x that with 64 MiB)"
    ),
}


def by_ratio(
    comparison: Comparison | None, bar: float, *, missing: str, beyond: bool = False
) -> Outcome:
    """Return the outcome of a bar on a comparison: both of its ratios have to reach it."""
    if comparison is None:
        return Outcome(None, missing)
    figure = f"{comparison.pairwise:.2f}x (median of pairs), {comparison.medians:.2f}x (of medians)"
    return Outcome(comparison.reaches(bar, beyond=beyond), figure)


def outcomes(sections: Iterable[Section]) -> dict[str, Outcome]:
    """Return every bar's outcome: what no section measured is told as not measured."""
    found = {name: Outcome(None, "not measured yet") for name in BARS}
    for section in sections:
        found |= section.bars
    return found
