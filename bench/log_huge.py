"""Grow a log to 10,000,000 entries, and prove entries from it: asked for by name alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.log import grown

if TYPE_CHECKING:
    from bench.measure import Bench
    from bench.results import Section

DISK = 40 << 30
COUNT = 10_000_000
MARK = 10_000


def measure(bench: Bench) -> Section:
    """Measure it."""
    return grown(bench, "log-huge", bench.size(COUNT, 800), bench.size(MARK, 80))
