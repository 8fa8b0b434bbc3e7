"""Map: where records of the case point to, on an outline that is drawn here, and as a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from holdfast.acts import locating
from holdfast.acts.cases import OneCase
from holdfast.core.errors import InputError
from holdfast.web import outline
from holdfast.web.languages import N_, gettext
from holdfast.web.outline import View
from holdfast.web.page import Page
from holdfast.web.pages.indicators import HEX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("map", N_("Map"), order=140)
ROWS = 100
"""Places on a page of the table."""
_CELL = 30
"""Units of the picture within which places are drawn as one, at the first of them."""


@dataclass(frozen=True)
class Mark:
    """One or more places that are drawn at one point."""

    x: float
    y: float
    many: int
    address: str


@PAGE.get("/cases/{case}/map", acts=["coordinates"])
def show(visit: Visit) -> Response:
    """Show the map and the places in it."""
    found = locating.coordinates(visit.session, OneCase(visit.case))
    view = _asked(visit, found.rows)

    def address(changed: View) -> str:
        given = {"at": f"{changed.latitude},{changed.longitude}", "zoom": str(changed.zoom)}
        return f"/cases/{quote(visit.case)}/map?{urlencode(given)}"

    inside = [one for one in found.rows if view.shows(one["latitude"], one["longitude"])]
    page = visit.number("page", 1)
    first = (page - 1) * ROWS
    return visit.render(
        "map.html",
        found=found,
        view=view,
        world=address(View()),
        ways=_ways(view, address),
        land=outline.land(view),
        grid=outline.grid(view),
        wide=outline.WIDE,
        high=outline.HIGH,
        marks=_marks(view, inside, address),
        rows=inside[first : first + ROWS],
        inside=len(inside),
        page=page,
        pages=max(1, -(-len(inside) // ROWS)),
        more=lambda number: f"{address(view)}&{urlencode({'page': number})}",
        place=lambda row: _place(visit, row),
        closer=lambda row: address(
            View(row["latitude"], row["longitude"], min(outline.CLOSEST, max(view.zoom, 5)))
        ),
    )


def _asked(visit: Visit, rows: Sequence[dict[str, Any]]) -> View:
    """Return the view that is asked for, else one that has every place in it.

    Raises:
        InputError: it is none.
    """
    text = visit.query.get("at", "")
    zoom = visit.number("zoom", 0, outline.CLOSEST)
    if not text:
        return _around(rows)
    try:
        north, east = map(float, text.split(","))
        if not (-90 <= north <= 90 and -180 <= east <= 180):
            raise ValueError(text)
    except ValueError:
        raise InputError(
            gettext("that is no place on a map"), gettext("give latitude and longitude: 59.9,10.7")
        ) from None
    return View(north, east, zoom)


def _around(rows: Sequence[dict[str, Any]]) -> View:
    if not rows:
        return View()
    north, east = ([one[name] for one in rows] for name in ("latitude", "longitude"))
    middle = (min(north) + max(north)) / 2, (min(east) + max(east)) / 2
    for zoom in range(6, 0, -1):
        view = View(*middle, zoom)
        if all(view.shows(one["latitude"], one["longitude"]) for one in rows):
            return view
    return View()


def _ways(view: View, address: Any) -> list[tuple[str, str]]:
    """Return (words, address) of the steps that are possible from here."""
    steps = [
        (gettext("Nearer"), replace(view, zoom=min(outline.CLOSEST, view.zoom + 1))),
        (gettext("Farther"), replace(view, zoom=max(0, view.zoom - 1))),
        (gettext("North"), replace(view, latitude=view.latitude + view.down / 3)),
        (gettext("South"), replace(view, latitude=view.latitude - view.down / 3)),
        (gettext("West"), replace(view, longitude=view.longitude - view.across / 3)),
        (gettext("East"), replace(view, longitude=view.longitude + view.across / 3)),
    ]
    return [(words, address(to)) for words, to in steps if to != view]


def _marks(view: View, rows: Sequence[dict[str, Any]], address: Any) -> list[Mark]:
    groups: list[tuple[float, float, list[dict[str, Any]]]] = []
    for one in rows:
        x, y = view.at(one["latitude"], one["longitude"])
        near = (some for u, v, some in groups if abs(u - x) < _CELL and abs(v - y) < _CELL)
        some = next(near, None)
        if some is None:
            groups.append((x, y, [one]))
        else:
            some.append(one)
    marks = []
    for x, y, some in groups:
        nearer = View(
            some[0]["latitude"], some[0]["longitude"], min(outline.CLOSEST, view.zoom + 2)
        )
        marks.append(Mark(x, y, len(some), address(nearer)))
    return marks


def _place(visit: Visit, row: dict[str, Any]) -> str:
    """Return where the viewer shows what a place was read from."""
    given = {"path": row["inside"]}
    if row["offset"] is not None:
        given |= {"as": "hex", "page": str(row["offset"] // HEX + 1)}
    query = urlencode({name: one for name, one in given.items() if one})
    return f"/cases/{quote(visit.case)}/items/{row['item']}/view{'?' if query else ''}{query}"
