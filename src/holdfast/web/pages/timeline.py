"""Timeline: a histogram, facets and a page of events under one filter, which the address holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from holdfast.acts import citing, entities, findings, tagging, views, windowing
from holdfast.acts.cases import OneCase
from holdfast.cases import people
from holdfast.cases.findings import INFORMATION, SOURCES
from holdfast.core import clock
from holdfast.examine.filters import Term
from holdfast.web import languages
from holdfast.web.languages import N_
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.acts.windowing import Windowed
    from holdfast.examine.filters import Filter
    from holdfast.web.visit import Visit

PAGE = Page("timeline", N_("Timeline"), order=100)
FACETS = {
    "kind": N_("Kind"),
    "parser": N_("Parser"),
    "item": N_("Exhibit"),
    "quality": N_("Quality of the time"),
    "tag": N_("Tag"),
}
QUALITIES = {
    "recorded": (N_("recorded"), "plain"),
    "corrected": (N_("corrected"), "good"),
    "inferred": (N_("inferred"), "warn"),
}
WIDE, HIGH = 960, 120
"""Of the histogram: units of its own, it is as wide as the page."""
_PAGE = 100


@PAGE.get("/cases/{case}/timeline", acts=["timeline.window", "views"])
def show(visit: Visit) -> Response:
    """Show a page of the timeline."""
    text = visit.query.get("q", "")
    found = windowing.window(
        visit.session,
        windowing.Window(
            visit.case, text, visit.query.get("after", ""), visit.query.get("before", ""), _PAGE
        ),
    )
    chosen = found.filter

    asked = {name: visit.query.get(name, "") for name in ("after", "before", "open")}
    event = "#event" if asked["open"] else ""

    def address(filter_: Filter = chosen, **more: str) -> str:
        return _address(visit, filter_.text, **more)

    opened = next((one for one in found.rows if one["place"] == visit.query.get("open")), None)
    said = []
    if opened is not None and visit.offered(["record.remarks"]):
        said = tagging.said(visit.session, tagging.OneEvent(visit.case, opened["place"]))
    return visit.render(
        "timeline.html",
        found=found,
        address=address,
        here=_address(visit, chosen.text, **asked) + event,
        term=Term,
        facets=FACETS,
        qualities=QUALITIES,
        chart=_chart(visit, found),
        saved=list(views.views(visit.session, OneCase(visit.case))),
        opened=opened,
        remarks=said,
        cite=citing.of_row,
        sorts=people.CLASSES,
        roles=people.ROLES,
        sources=SOURCES,
        information=INFORMATION,
    )


def _address(visit: Visit, text: str, **more: str) -> str:
    given = {name: value for name, value in {"q": text, **more}.items() if value}
    path = f"/cases/{quote(visit.case)}/timeline"
    return f"{path}?{urlencode(given)}" if given else path


def _chart(visit: Visit, found: Windowed) -> dict[str, Any] | None:
    """Return the histogram: bars in its own units, and what each of them leads to."""
    if not found.bars or found.first is None or found.last is None:
        return None
    first, last = found.bars[0][0], max(found.last, found.bars[-1][0] + found.step)
    most, span = max(events for _, events in found.bars), max(1, last - first)
    bars = []
    for start, events in found.bars:
        end = min(start + found.step - 1, found.last)
        since, until = clock.to_text(max(start, found.first)), clock.to_text(end)
        bars.append(
            {
                "x": round((start - first) / span * WIDE, 2),
                "width": round(max(1.0, found.step / span * WIDE - 0.5), 2),
                "height": round(max(2.0, events / most * HIGH), 2),
                "events": events,
                "since": since,
                "until": until,
                "address": _address(visit, found.filter.within(since, until).text),
            }
        )
    return {
        "bars": bars, "wide": WIDE, "high": HIGH, "first": first // 1000, "last": last // 1000,
        "rest": found.filter.within("", "").text,
    }  # fmt: skip


@PAGE.post("/cases/{case}/timeline/tag", acts=["record.tag"])
def tag(visit: Visit) -> Response:
    """Tag an event."""
    tagging.tag(visit.session, tagging.Tag(visit.case, visit.field("place"), visit.field("tag")))
    return visit.back(languages.gettext("Tagged."))


@PAGE.post("/cases/{case}/timeline/untag", acts=["record.untag"])
def untag(visit: Visit) -> Response:
    """Take a tag off."""
    entry = visit.field("entry")
    number = int(entry) if entry.isascii() and entry.isdigit() and len(entry) < 16 else -1
    tagging.untag(visit.session, tagging.Untag(visit.case, number))
    return visit.back(languages.gettext("Taken off."))


@PAGE.post("/cases/{case}/timeline/comment", acts=["record.comment"])
def comment(visit: Visit) -> Response:
    """Comment on an event."""
    tagging.comment(
        visit.session,
        tagging.Comment(visit.case, visit.field("place"), visit.field("comment")),
    )
    return visit.back(languages.gettext("The comment is entered."))


@PAGE.post("/cases/{case}/timeline/entity", acts=["entity.add"])
def entity(visit: Visit) -> Response:
    """Name somebody or something that an event is about, citing it."""
    known = tuple(one for one in [visit.field("identifier").strip()] if one)
    entities.add_entity(
        visit.session,
        entities.AddEntity(
            visit.case, visit.field("sort"), visit.field("name"),
            visit.field("role") or people.OTHER, known, cites=visit.fields("cite"),
        ),
    )  # fmt: skip
    return visit.back(languages.gettext("Named in the case."))


@PAGE.post("/cases/{case}/timeline/finding", acts=["finding.add"])
def finding(visit: Visit) -> Response:
    """Write a finding that stands on an event."""
    made = findings.add_finding(
        visit.session,
        findings.AddFinding(
            visit.case, visit.field("title"), visit.field("statement"), visit.field("grade"),
            visit.fields("cite"),
        ),
    )  # fmt: skip
    return visit.back(
        languages.gettext("Finding %(number)s is a draft until another person has reviewed it.")
        % {"number": made.number}
    )


@PAGE.post("/cases/{case}/timeline/view", acts=["view.save"])
def view(visit: Visit) -> Response:
    """Keep the filter under a name."""
    asked = views.SavedView(visit.case, visit.field("name"), visit.field("filter"))
    views.save(visit.session, asked)
    return visit.back(languages.gettext("The view is kept."))
