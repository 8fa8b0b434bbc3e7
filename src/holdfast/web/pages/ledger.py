"""The ledger: what became of every file, and what was not examined and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from holdfast.acts import cases, examining
from holdfast.web.languages import N_
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.examine.ledger import LedgerLine
    from holdfast.web.visit import Visit

PAGE = Page("ledger", N_("Ledger"), order=830)
_ROWS = 200


def _unread(line: LedgerLine) -> tuple[int, int]:
    """Order by the files that were not read, then by the places in files; the most first."""
    return -(line.failed + line.unsupported + line.not_examined), -line.inner_failures


@PAGE.get("/cases/{case}/ledger", acts=["ledger"])
def show(visit: Visit) -> Response:
    """Show the sums of each item, those first of which not all was read."""
    lines = examining.ledger(visit.session, cases.OneCase(visit.case))
    whole = [one for one in lines if not one.line.module]
    whole.sort(key=lambda one: _unread(one.line))
    names = ("seen", "parsed", "unsupported", "failed", "not_examined", "inner_failures")
    sums = {name: sum(getattr(one.line, name) for one in whole) for name in names}
    types: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for one in whole:
        types.update(one.line.unsupported_types)
        reasons.update(one.line.reasons)
    start = visit.number("from", 0, 1 << 30)
    following = start + _ROWS if len(whole) > start + _ROWS else None
    return visit.render(
        "ledger.html",
        lines=whole[start : start + _ROWS],
        sums=sums,
        types=types.most_common(50),
        reasons=reasons.most_common(50),
        following=following,
    )
