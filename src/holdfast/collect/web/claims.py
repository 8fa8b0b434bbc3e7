"""The part of a capture that has the public address it was made from, where there is one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from holdfast.collect.web import egress
from holdfast.collect.web.guard import Guard
from holdfast.collect.web.resolving import Resolver

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.collect.web.order import Order

PART = "capture/egress.json"


def before(order: Order, work: Path) -> dict[str, Any] | None:
    """Learn the address before a capture; None where the unit wants none recorded."""
    if order.egress is None:
        return None
    with (work / "egress.jsonl").open("wb") as lines:

        def guard() -> Guard:
            resolver = Resolver(named=order.named)
            return Guard(resolver, lines, allows=order.allows, proxy=order.proxy)

        return egress.learn(order.egress, guard, work, order.roots)


def write(told: dict[str, Any] | None, out: Path) -> dict[str, Any] | None:
    """Write the part, if there is one; return what capture.json says of it."""
    if told is None:
        return None
    text = json.dumps(told, ensure_ascii=True, indent=1, sort_keys=True)
    (out / PART).write_text(f"{text}\n", "ascii")
    return {"claimed_by": told["claimed_by"], "part": PART}
