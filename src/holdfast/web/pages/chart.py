"""Link chart: who and what is in the case and how they hang together, drawn and as a table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import orjson
from markupsafe import Markup
from starlette.responses import Response

from holdfast.acts import charting, entities
from holdfast.cases import chart_files
from holdfast.cases.chart import WIDE, height, places
from holdfast.cases.findings import INFORMATION, SOURCES
from holdfast.core.errors import InputError, printable
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page
from holdfast.web.pages.item import SANDBOX

if TYPE_CHECKING:
    from holdfast.cases.chart import Chart
    from holdfast.web.visit import Visit

PAGE = Page("chart", N_("Link chart"), order=130)
HERE = "/cases/{case}/chart"
DRAWN = 120
"""Links in the picture: one of more is read by nobody."""
ROWS = 50
"""Links on a page of the table."""
STANDINGS = {
    "confirmed": (N_("confirmed"), "good"),
    "suspected": (N_("suspected"), "warn"),
    "derived": (N_("from the data alone"), "plain"),
}
RELATIONS = (N_("wrote to"), N_("acted on"), N_("sends a form to"), N_("named with"))
"""What the data says of two, for the catalogues."""


@PAGE.get(HERE, acts=["chart"])
def show(visit: Visit) -> Response:
    """Show the chart, and a page of its links as a table."""
    around = visit.number("around", 0, 10**9) or None
    derived = visit.query.get("derived", "1") != "0"
    found = charting.chart(visit.session, charting.ShowChart(visit.case, around, derived))
    page = visit.number("page", 1)
    first = (page - 1) * ROWS
    taken = next((one for one in found.ties if one.id == visit.query.get("take")), None)
    drawn = replace(found, ties=found.ties[:DRAWN])

    def address(place: str = "", **changes: str) -> str:
        kept = {"around": str(around or ""), "derived": "" if derived else "0"}
        given = {name: value for name, value in {**kept, **changes}.items() if value}
        path = f"/cases/{quote(visit.case)}/chart{place}"
        return f"{path}?{urlencode(given)}" if given else path

    return visit.render(
        "chart.html",
        found=found,
        drawn=drawn,
        rows=found.ties[first : first + ROWS],
        page=page,
        pages=max(1, -(-len(found.ties) // ROWS)),
        names={one.number: one.name for one in found.nodes},
        around=around,
        derived=derived,
        taken=taken,
        address=address,
        standings=STANDINGS,
        forms=sorted(chart_files.FORMS),
        shown=printable,
        # Made of our own text, with names escaped: cases/chart_files.py.
        picture=Markup(chart_files.draw(drawn, gettext("Links; the table below says the same"))),  # noqa: S704
        data=_data(drawn),
        sources=SOURCES,
        information=INFORMATION,
    )


def _data(drawn: Chart) -> str:
    """Return the picture for the script that makes it movable: the same places, the same names."""
    at = places(drawn)
    nodes: list[dict[str, Any]] = [
        {"id": str(one.number), "name": printable(one.name)[:60], "role": one.role,
         "sort": one.sort, "x": at[one.number][0], "y": at[one.number][1]}
        for one in drawn.nodes
    ]  # fmt: skip
    ties: list[dict[str, Any]] = [
        {"id": one.id, "source": str(one.source), "target": str(one.target),
         "label": f"{printable(gettext(one.relation))[:40]} {one.grade}",
         "directed": one.directed, "standing": one.standing}
        for one in drawn.ties
    ]  # fmt: skip
    return orjson.dumps(
        {"nodes": nodes, "ties": ties, "high": height(drawn), "wide": WIDE}
    ).decode()


@PAGE.get(f"{HERE}/export", acts=["chart.export"])
def export(visit: Visit) -> Response:
    """Give the chart as a file."""
    made = charting.export(
        visit.session,
        charting.ExportChart(
            visit.case, visit.query.get("as", "csv"), visit.number("around", 0, 10**9) or None,
            visit.query.get("derived", "1") != "0",
        ),
    )  # fmt: skip
    headers = {
        "content-disposition": f'attachment; filename="{made.name}"',
        "content-security-policy": SANDBOX,
    }
    return Response(made.data, 200, headers, made.media_type)


@PAGE.post(f"{HERE}/link", acts=["entity.link"])
def link(visit: Visit) -> Response:
    """Enter a link that the data alone said, with a grade."""
    entities.link_entities(
        visit.session,
        entities.LinkEntities(
            visit.case, _number(visit, "source"), _number(visit, "target"),
            visit.field("relation"), visit.field("grade"), visit.fields("cite"),
            bool(visit.field("confirmed")),
        ),
    )  # fmt: skip
    return visit.go(f"/cases/{quote(visit.case)}/chart", gettext("The link is entered."))


@PAGE.post(f"{HERE}/unlink", acts=["entity.unlink"])
def unlink(visit: Visit) -> Response:
    """Take a link back."""
    charting.unlink(
        visit.session,
        charting.UnlinkEntities(visit.case, _number(visit, "link"), visit.field("reason")),
    )
    return visit.go(f"/cases/{quote(visit.case)}/chart", gettext("The link is taken back."))


def _number(visit: Visit, name: str) -> int:
    text = visit.field(name)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InputError(gettext("that is no number of an entity or a link"))
    return int(text)
