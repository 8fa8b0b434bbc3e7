"""The choice of language; it has no page of its own, every page's foot offers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.web.languages import LANGUAGES
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("language", "")
_YEAR = 365 * 86_400


@PAGE.post("/language", signed_in=False)
def choose(visit: Visit) -> Response:
    """Speak another language from now on, in this browser."""
    answer = visit.back()
    code = visit.field("lang")
    if code in LANGUAGES:
        secure = visit.workbench.settings.secure
        answer.set_cookie("lang", code, _YEAR, httponly=True, samesite="strict", secure=secure)
    return answer
