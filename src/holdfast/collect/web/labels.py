"""What a reader must know of a capture first, in words that stand in its entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.collect.web.second_witness import DISAGREES, PARTIAL

if TYPE_CHECKING:
    from holdfast.collect.web.decode import Summary
    from holdfast.collect.web.order import Order
    from holdfast.collect.web.second_witness import Testimony
    from holdfast.collect.web.seen import Seen
    from holdfast.collect.web.times import Stamped


def labels(
    order: Order, seen: Seen, summary: Summary | None, before: Stamped, testimony: Testimony | None
) -> tuple[str, ...]:
    """Return the labels that hold; none for a capture that lacks nothing."""
    kinds = {loss["kind"] for loss in seen.losses}
    found = {
        "lossy": summary is not None and summary.lossy,
        "partial": bool(kinds & {"crash", "timeout", "truncated"}) or summary is None,
        "unasked": summary is not None and bool(summary.unasked),
        "undecoded": summary is None,
        "unsandboxed": not order.settings.sandbox,
        "unsigned": order.key is None,
        "untimed": not before.times,
        "witness-disagrees": testimony is not None and testimony.verdict == DISAGREES,
        "witness-partial": testimony is not None and testimony.verdict == PARTIAL,
    }
    return tuple(name for name, holds in found.items() if holds)
