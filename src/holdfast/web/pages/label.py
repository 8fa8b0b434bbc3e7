"""The label of one exhibit, to be printed and stuck on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from holdfast.acts import chains, labelling
from holdfast.web.page import Page
from holdfast.web.pages.item import SANDBOX

if TYPE_CHECKING:
    from holdfast.web.visit import Visit

PAGE = Page("label", "")
ADDRESS = "/cases/{case}/label"


@PAGE.get(ADDRESS, acts=["exhibit.show"])
def show(visit: Visit) -> Response:
    """Show the label of `?exhibit=`."""
    made = _made(visit)
    made.code()
    return visit.render("label.html", label=made)


@PAGE.get(f"{ADDRESS}.svg", acts=["exhibit.show"])
def code(visit: Visit) -> Response:
    """Give the label's QR code as a picture."""
    headers = {"content-security-policy": SANDBOX, "content-disposition": "inline"}
    return Response(_made(visit).code(), 200, headers, "image/svg+xml")


def _made(visit: Visit) -> labelling.Label:
    wanted = visit.query.get("exhibit", "")
    return labelling.label(visit.session, chains.OneExhibit(visit.case, wanted))
