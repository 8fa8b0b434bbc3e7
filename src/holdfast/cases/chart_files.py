"""A chart for others' programs: CSV, JSON, GraphML, and the picture as SVG.

Names come from evidence and from people: nothing in them is markup, a formula or a way to turn the
text around it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

import markupsafe
import orjson

from holdfast.cases.chart import CONFIRMED, DERIVED, SUSPECTED, WIDE, height, places
from holdfast.core import spreadsheet
from holdfast.core.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.cases.chart import Chart, Node, Tie

COLUMNS = (
    "link", "from", "from_name", "relation", "to", "to_name", "standing", "grade", "records",
    "cites", "entered_by", "entry",
)  # fmt: skip
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (section 2.2) has no way to write."""
_DASHES = {CONFIRMED: "", SUSPECTED: "9 6", DERIVED: "2 5"}
_INKS = {CONFIRMED: "#11643a", SUSPECTED: "#7a4b00", DERIVED: "#505c69"}
_LONGEST = 28
"""Characters of a name in the picture."""


def to_csv(chart: Chart) -> bytes:
    """Return the links as RFC 4180: one a row, with who they are between."""
    names = {one.number: one.name for one in chart.nodes}
    rows = [spreadsheet.row(COLUMNS)]
    rows += [
        spreadsheet.row(
            (
                one.id, one.source, names.get(one.source, ""), one.relation, one.target,
                names.get(one.target, ""), one.standing, one.grade, one.records,
                " ".join(one.cites), one.by, one.entry,
            )
        )
        for one in chart.ties
    ]  # fmt: skip
    return b"".join(rows)


def to_json(chart: Chart) -> bytes:
    """Return entities and links as JSON."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(chart.as_json(), option=options)


def to_graphml(chart: Chart) -> bytes:
    """Return GraphML 1.0 (graphml.graphdrawing.org), which Gephi, yEd and Cytoscape open."""
    of_node = ("name", "sort", "role", "identifiers")
    of_edge = ("relation", "standing", "grade", "cites", "entered_by")
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
        *(f'<key id="n_{name}" for="node" attr.name="{name}" attr.type="string"/>'
          for name in of_node),
        *(f'<key id="e_{name}" for="edge" attr.name="{name}" attr.type="string"/>'
          for name in of_edge),
        '<key id="e_records" for="edge" attr.name="records" attr.type="int"/>',
        '<graph edgedefault="directed">',
    ]  # fmt: skip
    for node in chart.nodes:
        known = " ".join(f"{kind}:{value}" for kind, value in node.identifiers)
        told = dict(zip(of_node, (node.name, node.sort, node.role, known), strict=True))
        lines.append(f'<node id="{node.number}">{_data("n", told)}</node>')
    for tie in chart.ties:
        said = (tie.relation, tie.standing, tie.grade, " ".join(tie.cites), tie.by)
        told = {**dict(zip(of_edge, said, strict=True)), "records": str(tie.records)}
        ends = f'source="{tie.source}" target="{tie.target}"'
        name = escape(_xml(tie.id))
        lines.append(f'<edge id="{name}" {ends}>{_data("e", told)}</edge>')
    return "\n".join([*lines, "</graph>", "</graphml>", ""]).encode()


def _data(kind: str, told: dict[str, str]) -> str:
    return "".join(
        f'<data key="{kind}_{name}">{escape(_xml(value))}</data>' for name, value in told.items()
    )


def escape(text: str) -> str:
    """Return text as XML and HTML have it, in an element or between quotation marks."""
    return str(markupsafe.escape(text))


def _xml(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)


def to_svg(chart: Chart) -> bytes:
    """Return the picture, to stand by itself."""
    drawn = draw(chart)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{drawn}\n'.encode()


def draw(chart: Chart, label: str = "") -> str:
    """Return the picture as an SVG element; colours are attributes, which a page's own override.

    A line is whole where a link is confirmed, dashed where it is suspected, dotted where the data
    alone says it. `label` says what it is, where it isn't read.
    """
    at, high = places(chart), height(chart)
    told = f' role="img" aria-label="{escape(label)}"' if label else ""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" '
        f'font-family="sans-serif" font-size="13"{told}>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="26" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path class="tip" fill="#505c69" d="M0 0 8 4 0 8z"/>'
        "</marker></defs>",
    ]
    beside: Counter[frozenset[int]] = Counter()
    for tie in chart.ties:
        ends = frozenset({tie.source, tie.target})
        if len(ends) == 2 and ends <= at.keys():
            lines.append(_line(tie, at, beside[ends]))
            beside[ends] += 1
    lines += [_drawn(one, *at[one.number]) for one in chart.nodes]
    return "".join([*lines, "</svg>"])


def _line(tie: Tie, at: dict[int, tuple[float, float]], before: int) -> str:
    """Return one link; the second and third between the same two stand beside the first."""
    first, last = sorted((tie.source, tie.target))
    across, down = at[last][0] - at[first][0], at[last][1] - at[first][1]
    long = math.hypot(across, down) or 1.0
    aside = (before + 1) // 2 * 14 * (1 if before % 2 else -1)
    dx, dy = -down / long * aside, across / long * aside
    x, y, u, v = (
        round(one, 1)
        for one in (
            at[tie.source][0] + dx, at[tie.source][1] + dy, at[tie.target][0] + dx,
            at[tie.target][1] + dy,
        )
    )  # fmt: skip
    dash = f' stroke-dasharray="{_DASHES[tie.standing]}"' if _DASHES[tie.standing] else ""
    tip = ' marker-end="url(#tip)"' if tie.directed else ""
    part = 0.5 + 0.13 * ((before + 1) // 2) * (1 if before % 2 else -1)
    return (
        f'<line class="{tie.standing}" x1="{x}" y1="{y}" x2="{u}" y2="{v}" '
        f'stroke="{_INKS[tie.standing]}" stroke-width="2"{dash}{tip}/>'
        f'<text class="grade" x="{x + (u - x) * part:.1f}" y="{y + (v - y) * part - 5:.1f}" '
        f'text-anchor="middle" fill="#505c69">{_words(tie.relation)} {escape(tie.grade)}</text>'
    )


def _drawn(node: Node, x: float, y: float) -> str:
    shapes = {
        "person": f'<circle cx="{x}" cy="{y}" r="17"',
        "organisation": f'<rect x="{x - 19}" y="{y - 15}" width="38" height="30" rx="3"',
        "wallet": f'<path d="M{x} {y - 19} {x + 19} {y} {x} {y + 19} {x - 19} {y}z"',
    }
    shape = shapes.get(node.sort, f'<rect x="{x - 17}" y="{y - 13}" width="34" height="26" rx="9"')
    ink = {"suspect": "#9c1c1c", "victim": "#11643a"}.get(node.role, "#0b5c7d")
    return (
        f'<g class="node {node.role}">{shape} fill="{ink}" stroke="#ffffff"/>'
        f'<text class="number" x="{x}" y="{y + 4}" text-anchor="middle" fill="#ffffff">'
        f"{node.number}</text>"
        f'<text class="name" x="{x}" y="{y + 34}" text-anchor="middle" fill="#1a2129">'
        f"{_words(node.name)}</text></g>"
    )


def _words(text: str) -> str:
    plain = printable(text)
    return escape(f"{plain[:_LONGEST]}…" if len(plain) > _LONGEST else plain)


FORMS: dict[str, tuple[Callable[[Chart], bytes], str]] = {
    "csv": (to_csv, "text/csv; charset=utf-8"),
    "graphml": (to_graphml, "application/xml"),
    "json": (to_json, "application/json"),
    "svg": (to_svg, "image/svg+xml"),
}
"""Each with its media type."""
