"""Erasure by order: asked here, approved by another person, and what was erased in the case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import erasing
from holdfast.core.errors import InputError
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("erasure", N_("Erasure"), order=860)


@PAGE.get("/cases/{case}/erasure", acts=["erase.request"])
def show(visit: Visit) -> Response:
    """Offer to ask; show what was erased, and which backups hold it still."""
    erasing.request_erasure.permit(visit.session, erasing.Erasure(visit.case, ""))
    orders = [one for one in erasing.orders(visit.session) if one.case == visit.case]
    return visit.render("erasure.html", orders=orders)


@PAGE.post("/cases/{case}/erasure", acts=["erase.request"])
def ask(visit: Visit) -> Response:
    """Ask for an erasure; another person approves it in the waiting room."""
    asked = erasing.Erasure(
        visit.case,
        visit.field("order"),
        tuple(visit.field("items").split()),
        _numbers(visit.field("entries")),
        tuple(visit.field("fields").split()),
    )
    made = erasing.request_erasure(visit.session, asked)
    return visit.go("/waiting", gettext("Asked, as request %(number)d.") % {"number": made.entry})


def _numbers(text: str) -> tuple[int, ...]:
    words = text.split()
    if any(not (one.isascii() and one.isdigit() and len(one) < 16) for one in words):
        raise InputError(
            gettext("Entries are named by their numbers."), gettext("See the page on custody.")
        )
    return tuple(map(int, words))
