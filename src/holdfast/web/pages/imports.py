"""Imports: what another tool exported, and what of its rows is taken over into the case."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.acts import importing
from holdfast.acts.cases import OneCase
from holdfast.web.languages import N_, filled, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("imports", N_("Imports"), order=27)
ADDRESS = "/cases/{case}/imports"
KINDS = {
    "entity": N_("person or device"), "event": N_("event"), "failure": N_("row"),
    "finding": N_("finding"), "indicator": N_("indicator"), "note": N_("note"),
    "row": N_("row"), "task": N_("task"),
}  # fmt: skip
PLACES = {"entity": "people", "finding": "findings", "note": "notes", "task": "tasks"}
"""Pieces to the pages that show them."""
_ROWS = 500
"""Rows of one export that a page shows."""


@PAGE.get(ADDRESS, acts=["imports", "imports.show"])
def show(visit: Visit) -> Response:
    """List the items that hold another tool's rows; of one of them, the rows."""
    items = [orjson.loads(one) for one in importing.imports(visit.session, OneCase(visit.case))]
    item, rows, more = visit.query.get("item", ""), [], False
    if item:
        shown = importing.show(visit.session, importing.TakeOver(visit.case, item))
        rows = [_row(one) for one in islice(filter(_is_row, map(orjson.loads, shown)), _ROWS + 1)]
        more = len(rows) > _ROWS
    chosen = next((one for one in items if item in {one["item"], one["exhibit"]}), None)
    return visit.render(
        "imports.html",
        items=items,
        chosen=chosen,
        rows=rows[:_ROWS],
        more=more,
        fresh=any(row["became"] == "new" for row in rows),
        kinds=KINDS,
    )


@PAGE.post(ADDRESS, acts=["import.take"])
def take(visit: Visit) -> Response:
    """Take the rows of an item over."""
    item = visit.field("item")
    asked = importing.TakeOver(visit.case, item)
    count = _counted(importing.take_over(visit.session, asked))
    said = filled(
        gettext("Taken over: %(new)d. Known before: %(known)d. Not taken over: %(left)d."), count
    )
    return visit.go(f"/cases/{visit.case}/imports", said, item=item)


def _is_row(told: dict[str, Any]) -> bool:
    """Say whether this is of one row, and not of all that stay records."""
    return not told["became"].endswith(" records")


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as it is shown: with the piece that it is, and where that is."""
    piece = row["became"].removeprefix("known: ")
    kind, _, number = piece.partition(" ")
    place = f"{PLACES[kind]}{'' if kind == 'note' else f'/{number}'}" if kind in PLACES else ""
    sort = row["kind"].removeprefix(importing.PREFIX)
    return {**row, "sort": sort, "place_of": place, "number": number}


def _counted(lines: Iterator[bytes]) -> dict[str, int]:
    found: Counter[str] = Counter(new=0, known=0, left=0)
    for line in lines:
        became = orjson.loads(line)["became"]
        if became.startswith("known: "):
            found["known"] += 1
        elif became in {"not mapped", "not read"} or became.startswith("refused: "):
            found["left"] += 1
        elif not became.endswith(" records"):
            found["new"] += 1
    return dict(found)
