"""Matches: files on lists, what YARA and Sigma rules match; each names its list or rule."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.acts import marking
from holdfast.core.errors import InputError, printable
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page
from holdfast.web.said_where import viewed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("matches", N_("Matches"), order=150)
KINDS = {
    "abuse": (N_("abuse material"), "bad"),
    "known-bad": (N_("known to be bad"), "warn"),
    "known-good": (N_("known to be good"), "good"),
}
LEVELS = {
    "critical": (N_("critical"), "bad"),
    "high": (N_("high"), "bad"),
    "medium": (N_("medium"), "warn"),
    "low": (N_("low"), "plain"),
    "informational": (N_("informational"), "plain"),
}
TABLES = {"lists": N_("Lists of files"), "yara": N_("YARA"), "sigma": N_("Sigma")}
_ROWS = 200


@PAGE.get("/cases/{case}/matches", acts=["marks", "matches", "hits"])
def show(visit: Visit) -> Response:
    """Show one of the three tables; `from` is the row it begins at."""
    table = visit.query.get("table", "lists")
    only, start = visit.query.get("only", ""), visit.number("from", 0, 1 << 40)
    rows, unready = [], ""
    try:
        rows = [orjson.loads(one) for one in islice(_asked(visit, table), start, start + _ROWS + 1)]
    except InputError as error:
        if table != "lists" or (only and only not in KINDS):
            raise
        unready = printable(error.what)
    return visit.render(
        "matches.html",
        chosen=only,
        following=start + _ROWS if len(rows) > _ROWS else None,
        kinds=KINDS,
        levels=LEVELS,
        rows=rows[:_ROWS],
        table=table,
        tables=TABLES,
        unready=unready,
        viewed=partial(viewed, visit.case),
    )


def _asked(visit: Visit, table: str) -> Iterator[Any]:
    only = visit.query.get("only", "")
    wanted = (only,) if only else ()
    if table == "yara":
        return marking.matches(visit.session, marking.Matches(visit.case, wanted))
    if table == "sigma":
        return marking.hits(visit.session, marking.Hits(visit.case, wanted))
    if table != "lists" or (only and only not in KINDS):
        raise InputError(gettext("There is no such table."), gettext("Choose one of the page."))
    return marking.marks(visit.session, marking.Marks(visit.case, wanted))
