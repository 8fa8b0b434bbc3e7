"""Disagreements: what a second reader says otherwise, and what another version made otherwise."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import orjson

from holdfast.acts import opinions
from holdfast.web.languages import N_
from holdfast.web.page import Page
from holdfast.web.said_where import viewed

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("disagreements", N_("Disagreements"), order=835)
CHANGES = {
    "added": (N_("added"), "good"),
    "gone": (N_("gone"), "bad"),
    "changed": (N_("changed"), "warn"),
}
_ROWS = 200


@PAGE.get("/cases/{case}/disagreements", acts=["disagreements"])
def show(visit: Visit) -> Response:
    """Show what parsers and second readers say differently."""
    only, start = visit.query.get("parser", ""), visit.number("from", 0, 1 << 40)
    asked = opinions.Disagreements(visit.case, parsers=(only,) if only else ())
    lines = islice(opinions.disagreements(visit.session, asked), start, start + _ROWS + 1)
    rows = [orjson.loads(line) for line in lines]
    return visit.render(
        "disagreements.html",
        following=start + _ROWS if len(rows) > _ROWS else None,
        only=only,
        rows=rows[:_ROWS],
        viewed=partial(viewed, visit.case),
    )


@PAGE.get("/cases/{case}/disagreements/versions", acts=["examine.compare"])
def versions(visit: Visit) -> Response:
    """Show what differs between results in force and earlier ones, and the sums."""
    old = visit.query.get("old", "").strip()
    rows = []
    if old:
        lines = opinions.compare_results(visit.session, opinions.CompareResults(visit.case, old))
        rows = [orjson.loads(line) for line in lines]
    changes = [one for one in rows if one["kind"] == "change"]
    start = visit.number("from", 0, 1 << 40)
    return visit.render(
        "disagreements_versions.html",
        changes=changes[start : start + _ROWS],
        following=start + _ROWS if len(changes) > start + _ROWS else None,
        known=CHANGES,
        old=old,
        sums=[one for one in rows if one["kind"] == "comparison"],
        viewed=partial(viewed, visit.case),
    )
