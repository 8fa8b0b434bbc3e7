"""Search: words over all records of the case, with what was found marked in its surroundings."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.acts import asking, searches
from holdfast.acts.cases import OneCase
from holdfast.examine.filters import Filter, Term
from holdfast.web import languages
from holdfast.web.languages import N_
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("search", N_("Search"), order=110)
MOST = 200
"""Hits that a page shows and counts."""


@PAGE.get("/cases/{case}/search", acts=["search", "searches"])
def show(visit: Visit) -> Response:
    """Show the hits of a search, the best first."""
    query = visit.query.get("q", "").strip()
    rows: list[dict[str, Any]] = []
    if query:
        hits = asking.search(visit.session, asking.Search(visit.case, query, MOST))
        rows = [
            {**row, "parts": parts(row), "there": there(row)} for row in map(orjson.loads, hits)
        ]
    return visit.render(
        "search.html",
        query=query,
        rows=rows,
        kinds=Counter(row["kind"] for row in rows).most_common(20),
        most=MOST,
        saved=list(searches.searches(visit.session, OneCase(visit.case))),
    )


def there(row: dict[str, Any]) -> str:
    """Return the timeline's filter that shows a hit among its events; empty where it is none."""
    if not row["time"]:
        return ""
    only = Filter((Term("item", row["exhibit"]), Term("kind", row["kind"])))
    return only.within(row["time"], row["time"]).text


def parts(row: dict[str, Any]) -> list[tuple[str, bool]]:
    """Return a hit's text in pieces, each with whether it is what was looked for."""
    text, at, found = row["message"], 0, []
    for start, end in row["marks"]:
        if start >= at:
            found += [(text[at:start], False), (text[start:end], True)]
            at = end
    return [one for one in [*found, (text[at:], False)] if one[0]]


@PAGE.post("/cases/{case}/search/save", acts=["search.save"])
def save(visit: Visit) -> Response:
    """Keep a search under a name."""
    asked = searches.SavedSearch(visit.case, visit.field("name"), visit.field("query"))
    searches.save(visit.session, asked)
    return visit.back(languages.gettext("The search is kept."))
