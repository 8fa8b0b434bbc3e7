"""Reports: findings are chosen, looked at as pages, and made into a PDF or DOCX to take away."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from starlette.responses import Response

from holdfast.acts import reporting
from holdfast.acts.cases import OneCase
from holdfast.core.errors import InputError
from holdfast.web import languages
from holdfast.web.languages import LANGUAGES, N_, Language
from holdfast.web.page import Page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from holdfast.web.visit import Visit

PAGE = Page("report", N_("Report"), order=80)
AUDIENCES = {
    "court": N_("The court"),
    "prosecutor": N_("The prosecutor"),
    "defence": N_("The defence"),
    "other": N_("Another reader"),
}
_PREVIEWS = 8
"""Previews whose pages wait to be fetched by the browser that asked for them."""
_waiting: OrderedDict[tuple[str, str, str], list[bytes]] = OrderedDict()
_lock = threading.Lock()


@PAGE.get("/cases/{case}/report", acts=["report.choices"])
def choose(visit: Visit) -> Response:
    """Show the findings that a report can have."""
    rows = reporting.choices(visit.session, OneCase(visit.case))
    return visit.render(
        "report.html",
        case=visit.case,
        rows=rows,
        ready=sum(one.ready for one in rows),
        blocked=[one.number for one in rows if one.for_suspect and not one.ready],
        audiences=[(key, languages.gettext(text)) for key, text in AUDIENCES.items()],
        tongues=[(code, Language(code).name) for code in LANGUAGES],
        tongue=visit.query.get("language") or languages.present().code,
        audience=visit.query.get("audience") or "court",
        chosen=visit.query.getlist("finding"),
    )


@PAGE.get("/cases/{case}/report/preview", acts=["report.preview"])
def preview(visit: Visit) -> Response:
    """Show the pages of a report."""
    asked = _asked(visit, visit.query.getlist("finding"), visit.query)
    shown = reporting.preview(visit.session, asked)
    token = secrets.token_urlsafe(16)
    with _lock:
        _waiting[(visit.person.name, visit.case, token)] = shown.pages
        while len(_waiting) > _PREVIEWS:
            _waiting.popitem(last=False)
    return visit.render(
        "report_preview.html",
        case=visit.case,
        pages=range(1, len(shown.pages) + 1),
        token=token,
        asked=asked,
        query=visit.request.url.query,
        content=shown.content,
        audience=languages.gettext(AUDIENCES[asked.audience]),
    )


@PAGE.get("/cases/{case}/report/page/{page}", acts=["report.preview"])
def page(visit: Visit) -> Response:
    """Return one page of a preview as PNG; where it is no longer at hand, it is made again."""
    key = (visit.person.name, visit.case, visit.query.get("token", ""))
    with _lock:
        pages = _waiting.get(key)
    if pages is None:
        asked = _asked(visit, visit.query.getlist("finding"), visit.query)
        pages = reporting.preview(visit.session, asked).pages
    text = str(visit.path["page"])
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 0 < number <= len(pages):
        raise InputError(f"the report has {len(pages)} pages", "choose one of them")
    return Response(pages[number - 1], media_type="image/png")


@PAGE.post("/cases/{case}/report/make", acts=["report"])
def make(visit: Visit) -> Response:
    """Make the report; the browser saves it."""
    facts = {name: visit.field(name) for name in ("audience", "language")}
    docx = visit.field("kind") == "docx"
    made = reporting.report(visit.session, _asked(visit, visit.fields("finding"), facts, docx=docx))
    name = f"report-{visit.case}-{made.entry}"
    if docx and made.docx is not None:
        return _file(made.docx, f"{name}.docx", _DOCX)
    return _file(made.pdf, f"{name}.pdf", "application/pdf")


_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def _file(data: bytes, name: str, kind: str) -> Response:
    named = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=kind, headers=named)


def _asked(
    visit: Visit, chosen: Sequence[str], facts: Mapping[str, str], *, docx: bool = False
) -> reporting.Report:
    """Return what a form asks for.

    Raises:
        InputError: a finding's number is none.
    """
    if any(not (one.isascii() and one.isdigit() and len(one) < 10) for one in chosen):
        raise InputError("a finding is chosen by its number", "go back and choose again")
    numbers = tuple(sorted({int(one) for one in chosen}))
    audience = facts.get("audience") or "court"
    language = facts.get("language") or languages.present().code
    return reporting.Report(visit.case, numbers, audience, language, docx)
