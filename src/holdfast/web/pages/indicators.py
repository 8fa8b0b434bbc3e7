"""Indicators: the different values of a case, and one value wherever it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from holdfast.acts import pivoting
from holdfast.cases.people import IDENTIFIERS
from holdfast.web.languages import N_
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("indicators", N_("Indicators"), order=120)
HERE = "/cases/{case}/indicators"
HEX = 4096
"""Bytes of a page of the viewer of bytes."""
FACETS = {"kinds": N_("Kind"), "valid": N_("By its own rules"), "mark": N_("By lists")}
CHOICES = {
    "valid": {"yes": N_("valid"), "no": N_("not valid")},
    "mark": {
        "bad": N_("on a list of known-bad values"), "good": N_("on a list of known-good values"),
        "none": N_("on no list"),
    },
}  # fmt: skip
"""What the choices of a facet are called; kinds are called what they are."""


@PAGE.get(HERE, acts=["indicators.find"])
def show(visit: Visit) -> Response:
    """List the values, the most frequent first."""
    asked = pivoting.FindIndicators(
        visit.case, tuple(visit.query.getlist("kinds")), visit.query.get("valid", ""),
        visit.query.get("mark", ""), visit.query.get("text", "").strip(),
        visit.query.get("after", ""),
    )  # fmt: skip
    chosen: dict[str, Any] = {
        "kinds": list(asked.kinds), "valid": asked.valid, "mark": asked.mark, "text": asked.text,
    }  # fmt: skip

    def address(**changes: Any) -> str:
        given = {name: one for name, one in {**chosen, **changes}.items() if one}
        return f"{_here(visit)}?{urlencode(given, doseq=True)}" if given else _here(visit)

    return visit.render(
        "indicators.html",
        found=pivoting.find(visit.session, asked),
        asked=asked,
        chosen=chosen,
        address=address,
        one=lambda kind, value: _one(visit, kind, value),
        facets=FACETS,
        choices=CHOICES,
    )


@PAGE.get(f"{HERE}/one", acts=["indicator.show"])
def one(visit: Visit) -> Response:
    """Show a value wherever it stands."""
    asked = pivoting.OneIndicator(
        visit.case, visit.query.get("kind", ""), visit.query.get("value", ""),
        visit.query.get("after", ""),
    )  # fmt: skip
    found = pivoting.show(visit.session, asked)
    return visit.render(
        "indicator.html",
        found=found,
        asked=asked,
        one=lambda kind, value: _one(visit, kind, value),
        more=_one(visit, asked.kind, asked.value, after=found.next or ""),
        here=_here(visit),
        at=lambda mention: _bytes(visit, mention),
        when=lambda mention: _moment(visit, mention),
        words=urlencode({"q": '"{}"'.format(asked.value.replace('"', " "))}),
        identifier=f"{asked.kind}:{asked.value}" if asked.kind in IDENTIFIERS else "",
    )


def _here(visit: Visit) -> str:
    return f"/cases/{quote(visit.case)}/indicators"


def _one(visit: Visit, kind: str, value: str, after: str = "") -> str:
    given = {"kind": kind, "value": value, **({"after": after} if after else {})}
    return f"{_here(visit)}/one?{urlencode(given)}"


def _bytes(visit: Visit, mention: dict[str, Any]) -> str:
    """Return where the viewer shows a mention's bytes."""
    page = (mention["offset"] or 0) // HEX + 1
    given = {"as": "hex", "page": str(page), "path": mention["inside"]}
    query = urlencode({name: one for name, one in given.items() if one})
    return f"/cases/{quote(visit.case)}/items/{mention['item']}/view?{query}"


def _moment(visit: Visit, mention: dict[str, Any]) -> str:
    """Return where the timeline shows a mention's record; empty where it has no time."""
    record = mention["record"]
    if record is None or not record["time"] or record["time"].startswith("@"):
        return ""
    time = record["time"]
    query = f"item:{mention['exhibit']} kind:{record['kind']} since:{time} until:{time}"
    return f"/cases/{quote(visit.case)}/timeline?{urlencode({'q': query})}"
