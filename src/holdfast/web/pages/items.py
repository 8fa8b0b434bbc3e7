"""Items: what the case holds, found by words and facets; a page's address can be passed on."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from holdfast.acts import cataloguing
from holdfast.web.languages import N_
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("items", N_("Items"), order=30)
STATES = {
    "examined": N_("examined"),
    "not examined": N_("not examined"),
    "incomplete": N_("not all of it could be read"),
    "changed": N_("changed while it was read"),
    "restricted": N_("restricted"),
    "erased": N_("erased by order"),
}
KINDS = {
    "examined": "good", "not examined": "plain", "incomplete": "warn", "changed": "warn",
    "restricted": "bad", "erased": "bad",
}  # fmt: skip
_LAST = 1 << 40


@PAGE.get("/cases/{case}/items", acts=["items.find"])
def show(visit: Visit) -> Response:
    """List the case's items."""
    asked = cataloguing.Catalogue(
        case=visit.case,
        words=visit.query.get("words", ""),
        type=visit.query.get("type", ""),
        state=visit.query.get("state", ""),
        after=visit.number("after", 0, _LAST),
    )
    found = cataloguing.catalogue(visit.session, asked)
    chosen = {"words": asked.words, "type": asked.type, "state": asked.state}

    def address(**changes: str) -> str:
        given = {name: value for name, value in {**chosen, **changes}.items() if value}
        return f"?{urlencode(given)}" if given else visit.request.url.path

    return visit.render(
        "items.html", asked=asked, found=found, states=STATES, kinds=KINDS, address=address
    )
