"""Examine: what was collected becomes records, which the timeline and the search show."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from holdfast.acts import cataloguing, examining
from holdfast.core.errors import printable
from holdfast.examine import told
from holdfast.serving import live
from holdfast.web import telling
from holdfast.web.languages import N_, counted, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from holdfast.acts.act import Session
    from holdfast.serving.live import Event
    from holdfast.web.telling import Events
    from holdfast.web.visit import Visit

PAGE = Page("examine", N_("Examine"), order=25)
ADDRESS = "/cases/{case}/examine"
_NOTES = 20


@PAGE.get(ADDRESS, acts=["items.find", "examine"])
def show(visit: Visit) -> Response:
    """Say what was not examined yet, and offer to do it."""
    found = cataloguing.catalogue(visit.session, cataloguing.Catalogue(case=visit.case))
    states = dict(found.states)
    return visit.render(
        "examine.html",
        items=found.count,
        examined=states.get("examined", 0),
        waiting=states.get("not examined", 0),
        incomplete=states.get("incomplete", 0),
    )


@PAGE.post(ADDRESS, acts=["examine"])
def examine(visit: Visit) -> Response:
    """Examine what was not examined yet."""
    given = told.read(
        cross_check=bool(visit.field("cross_check")), similar=bool(visit.field("similar"))
    )
    # Half of the machine: others work on it meanwhile.
    asked = examining.Examine(visit.case, max(1, (os.cpu_count() or 1) // 2), given)
    speak = visit.language

    def do(session: Session) -> Iterator[Event]:
        done = examining.examine(session, asked)
        speak.use()
        yield {"state": "told", "text": _sum(done)}
        for note in done.notes[:_NOTES]:
            yield {"state": "told", "text": printable(note)}

    return telling.answer(visit, do, _last)


def _sum(done: examining.Examination) -> str:
    """Say what it came to."""
    counts = (
        counted("%(num)d item examined", "%(num)d items examined", done.summary.examined),
        counted("%(num)d file", "%(num)d files", done.summary.files),
        counted("%(num)d record", "%(num)d records", done.summary.records),
        counted("%(num)d event", "%(num)d events", done.events),
    )
    return " · ".join(counts)


def _last(visit: Visit, events: Events) -> Response:
    """Wait for the end; say what it came to."""
    said = gettext("Examined.")
    for event in events:
        if isinstance(event, live.Over):
            if event.error is not None:
                raise event.error
        elif event.get("state") == "told":
            said += f" {event['text']}"
    return visit.go(visit.request.url.path, said)
