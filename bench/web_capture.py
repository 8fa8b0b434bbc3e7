"""Capture a page, beside a plain Chromium that launches, loads and closes, and mitmproxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import bars, peers, web
from bench.measure import alternate, median_of
from bench.results import Comparison, Section, compare, row
from holdfast.testing.hostile.site import Site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measure import Bench, Sample

DISK = 1 << 30
PAGE = "images"
"""Forty small images: many exchanges, and nothing that waits."""
LOAD, WHOLE = 1.10, 2.0


def measure(bench: Bench) -> Section:
    """Measure it."""
    with Site.made(bench.room("site")).serving() as site:
        sides = (
            web.browser(site, PAGE),
            web.browser(site, PAGE, "netlog"),
            web.captures(bench, site, [PAGE], 1),
            web.browser(site, PAGE, "mitmproxy"),
        )
        samples = alternate(bench, sides)
    ours, plain = samples["holdfast"], samples["chromium"]
    compared = [compare(samples, "holdfast", other) for other in samples if other != "holdfast"]
    loads = _loads(ours, plain)
    whole = compare(samples, "holdfast", "chromium")
    return Section(
        "web-capture",
        "one page with forty images, from the hostile site on the loopback",
        [row(one, samples[one.name]) for one in sides if one.name in samples],
        [one for one in compared if one is not None],
        facts=[
            f"{name}: the page was there after {median_of(taken, 'load') * 1000:.0f} ms"
            for name, taken in samples.items()
        ],
        notes=[
            "The page itself says when all of it had happened (performance.now).",
            "No time to settle, no scrolling, no time authority. Every side checks the site's "
            "chain up to a root that its profile trusts.",
            "What a load pays for: above all the log, then the relay's two hops a turn, and what "
            "is asked for in the moment in which a page is freed of the interception that judges "
            "main pages (docs/decisions/0073). On a busy machine each hop waits for a processor.",
            "mitmproxy writes its flows to a file; it makes no views, and keeps neither the "
            "server's certificates nor the bytes of what it relays.",
            *(f"Beside {one.name}: NOT MEASURED: {one.missing}" for one in sides if one.missing),
            f"Beside scoop: NOT MEASURED: {peers.SCOOP.missing or 'no side is written for it'}",
        ],
        bars={
            "web-load": bars.by_ratio(loads, 1 / LOAD, missing=""),
            "web-whole": bars.by_ratio(whole, 1 / WHOLE, missing=""),
        },
    )


def _loads(ours: Sequence[Sample], plain: Sequence[Sample]) -> Comparison:
    pairs = [b.figures["load"] / a.figures["load"] for a, b in zip(ours, plain, strict=True)]
    middle = sorted(pairs)[len(pairs) // 2]
    return Comparison(
        "holdfast", "chromium", middle, median_of(plain, "load") / median_of(ours, "load")
    )
