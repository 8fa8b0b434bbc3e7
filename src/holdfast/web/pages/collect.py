"""Collect: addresses on the web are captured, files are handed in; it ends at the sealed items.

With scripts the browser hears how far it is, event by event; without, it waits for the answer.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from holdfast.acts import capturing, downloading, handing_in
from holdfast.acts.web_captures import CollectWeb, Kept, Options
from holdfast.collect.interfaces import Skipped
from holdfast.core.errors import InputError, printable
from holdfast.serving import live
from holdfast.web import telling
from holdfast.web.languages import N_, filled, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from holdfast.acts.act import Session
    from holdfast.acts.admission import Collected
    from holdfast.serving.live import Event
    from holdfast.web.visit import Visit

PAGE = Page("collect", N_("Collect"), order=20)
ADDRESS = "/cases/{case}/collect"
LARGEST = 2 << 30
"""Bytes of the files of one form; larger ones go through the API or the command line."""
FILE = 1 << 30
"""Bytes of a file that is downloaded from the web."""
_MANY = 50


@PAGE.get(ADDRESS, acts=["collect.web", "collect.url", "collect.upload"])
def show(visit: Visit) -> Response:
    """Ask what is to be collected."""
    return visit.render("collect.html", largest=LARGEST)


@PAGE.post(f"{ADDRESS}/web", acts=["collect.web", "collect.url"])
def web(visit: Visit) -> Response:
    """Capture pages, or download files as they are."""
    urls = tuple(visit.field("urls").split())
    if not 0 < len(urls) <= _MANY:
        raise InputError(
            gettext("no address, or too many at once"),
            filled(gettext("give 1 to %(most)d, one a line"), {"most": _MANY}),
        )
    case, download = visit.case, bool(visit.field("download"))
    options = Options(record=bool(visit.field("record")))

    def do(session: Session) -> Iterator[Event]:
        if download:
            asked = downloading.CollectUrl(case=case, urls=urls, limit=FILE)
            for one in downloading.collect_url(session, asked):
                yield _told(case, one)
            return
        for kept in capturing.collect_web(session, CollectWeb(case, urls, options)):
            if isinstance(kept, (Kept, Skipped)):
                yield _told(case, kept.collected if isinstance(kept, Kept) else kept)

    return telling.answer(visit, do, _last)


@PAGE.post(f"{ADDRESS}/files", acts=["collect.upload"], largest=LARGEST)
def files(visit: Visit) -> Response:
    """Take in files that are handed over."""
    case, source = visit.case, visit.field("source")
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-handed-")))
        handed = []
        for number, one in enumerate(visit.files("files")):
            place = folder / str(number)
            with place.open("xb") as out:
                shutil.copyfileobj(one.file, out, 1 << 20)
            name = (one.filename or "").replace("\\", "/").rpartition("/")[2]
            handed.append(handing_in.Handed(place, name))
        asked = handing_in.CollectUpload(case, tuple(handed), source)
        kept = ends.pop_all()

    def do(session: Session) -> Iterator[Event]:
        with kept:
            for one in handing_in.collect_upload(session, asked):
                yield _told(case, one)

    return telling.answer(visit, do, _last)


def _told(case: str, one: Collected | Skipped) -> Event:
    """Say what became of one thing that was to be collected."""
    if isinstance(one, Skipped):
        path = one.path.decode("utf-8", "backslashreplace")
        return {"path": printable(path), "reason": printable(one.reason), "state": "skipped"}
    return {
        "address": f"/cases/{quote(case)}/items/{one.item}",
        "exhibit": one.exhibit,
        "path": printable(one.path),
        "state": "item",
    }


def _last(visit: Visit, events: Iterator[Event | live.Over]) -> Response:
    """Wait for the end; go to the item, or to the list where there are more or none."""
    items: list[str] = []
    skipped: list[str] = []
    for event in events:
        if isinstance(event, live.Over):
            if event.error is not None:
                raise event.error
        elif event.get("state") == "item":
            items.append(str(event["address"]))
        elif event.get("state") == "skipped":
            skipped.append(f"{event['path']}: {event['reason']}")
    if not items:
        raise InputError(
            gettext("nothing was collected: %(why)s") % {"why": "; ".join(skipped[:3]) or "?"}
        )
    said = gettext("Collected and sealed.")
    if skipped:
        said += " " + gettext("Not collected: %(what)s") % {"what": "; ".join(skipped[:3])}
    path = visit.request.url.path.rpartition("/collect/")[0] + "/items"
    return visit.go(unquote(items[0]) if len(items) == 1 else path, said)
