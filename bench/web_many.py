"""How many small pages a minute are captured, four at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import web
from bench.measure import alternate, median_of
from bench.results import Outcome, Section, row
from holdfast.testing.hostile.site import Site

if TYPE_CHECKING:
    from bench.measure import Bench

DISK = 2 << 30
PAGES = ("gzip", "brotli", "trailers", "latin-1", "frames", "range", "head", "old")
RATE = 15


def measure(bench: Bench) -> Section:
    """Measure it."""
    pages = list(PAGES[: bench.size(len(PAGES), 2)])
    with Site.made(bench.room("site")).serving() as site:
        side = web.captures(bench, site, pages, 4)
        samples = alternate(bench, [side])
    taken = samples[side.name]
    rate = len(pages) / median_of(taken) * 60
    return Section(
        "web-many",
        f"{len(pages)} small pages from the hostile site on the loopback, four at once",
        [row(side, taken)],
        facts=[f"{rate:.1f} captures a minute"],
        notes=["No time to settle, no scrolling, no time authority."],
        bars={"web-rate": Outcome(rate >= RATE, f"{rate:.1f} captures a minute")},
    )
