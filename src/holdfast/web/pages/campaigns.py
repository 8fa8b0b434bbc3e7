"""Campaigns: mails, pages and pictures that are nearly the same, and what they share."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import orjson

from holdfast.acts import grouping
from holdfast.core.errors import InputError
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page
from holdfast.web.said_where import viewed

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("campaigns", N_("Campaigns"), order=140)
KINDS = {"text": N_("Mails and pages"), "picture": N_("Pictures")}
SHARED = {
    "senders": N_("Senders"),
    "hosts": N_("Hosts"),
    "forms": N_("Where forms send"),
}
_GROUPS, _MEMBERS = 25, 20


@PAGE.get("/cases/{case}/campaigns", acts=["campaigns"])
def show(visit: Visit) -> Response:
    """Show the groups, the largest first; pictures are named, and shown in their viewer only."""
    kind = visit.query.get("kind", "")
    if kind and kind not in KINDS:
        raise InputError(gettext("There is no such kind."), gettext("Choose one of the page."))
    asked = grouping.Campaigns(visit.case, (kind,) if kind else ())
    found = [orjson.loads(line) for line in grouping.campaigns(visit.session, asked)]
    one = visit.query.get("campaign", "")
    start = visit.number("from", 0)
    chosen = [group for group in found if group["campaign"] == one] if one else []
    shown = chosen or found[start : start + _GROUPS]
    return visit.render(
        "campaigns.html",
        groups=shown,
        kind=kind,
        kinds=KINDS,
        members=None if chosen else _MEMBERS,
        one=bool(chosen),
        following=start + _GROUPS if not chosen and len(found) > start + _GROUPS else None,
        shared=SHARED,
        viewed=partial(viewed, visit.case),
    )
