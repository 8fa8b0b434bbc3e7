"""The custody log of a case, or the chain of one item, and what vouches for each entry of it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from holdfast.acts import showing, vouching
from holdfast.core.errors import InputError
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page
from holdfast.web.pages.item import STEPS, WORTH

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.vault.entry import Entry
    from holdfast.web.visit import Visit

PAGE = Page("custody", N_("Custody"), order=820)
KEYS = {
    "own": (N_("signed with an own key"), "good"),
    "session": (N_("signed in a session"), "plain"),
    "token": (N_("signed by a token"), "plain"),
    None: (N_("not signed"), "warn"),
}
STATES = {
    "stamped": (N_("stamped"), "good"),
    "not good": (N_("not good"), "bad"),
    "refused": (N_("refused"), "bad"),
    "waiting": (N_("waiting"), "warn"),
}
_ROWS = 200
_COMMON = frozenset({"act", "actor", "case", "context", "signature", "time", "record", "stored"})


@PAGE.get("/cases/{case}/custody", acts=["custody"])
def show(visit: Visit) -> Response:
    """Show entries in the order of the log, so many to a page."""
    item, first = visit.query.get("item", "").strip(), visit.number("from", 0, 1 << 40)
    trail = showing.custody(visit.session, showing.Trail(visit.case, item))
    found = list(islice((one for one in trail if one.index >= first), _ROWS + 1))
    following = found[_ROWS].index if len(found) > _ROWS else None
    rows = [_row(one) for one in found[:_ROWS]]
    if item:
        vouchers = vouching.vouchers(visit.session)
        rows = [{**row, "cover": vouchers.of(row["entry"])} for row in rows]
    return visit.render(
        "custody.html", rows=rows, item=item, following=following, first=first, keys=KEYS
    )


@PAGE.get("/cases/{case}/custody/{entry}", acts=["custody.entry"])
def one(visit: Visit) -> Response:
    """Show one entry: what it says, and who vouches for it."""
    text = str(visit.path["entry"])
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InputError(gettext("There is no such entry."), gettext("Choose one of the list."))
    found = vouching.vouched(visit.session, vouching.OneEntry(visit.case, int(text)))
    return visit.render(
        "custody_entry.html",
        found=found,
        keys=KEYS,
        row=_row(found.entry),
        states=STATES,
        steps={**STEPS, "entry": N_("Entry")},
        worth=WORTH,
    )


def _row(entry: Entry) -> dict[str, Any]:
    fields = entry.fields
    actor = fields.get("actor") or {}
    said = [(name, _plain(value)) for name, value in sorted(fields.items()) if name not in _COMMON]
    return {
        "act": entry.act,
        "entry": entry.index,
        "erased": sorted(set(entry.commitments) - set(entry.disclosures)),
        "name": str(actor.get("name", "")),
        "said": [(name, text[:300]) for name, text in said if text],
        "signed_by": entry.signed_by,
        "time": fields.get("time"),
    }


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        if set(value) <= {"bytes", "text"}:
            return str(value.get("text", ""))
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items() if one)
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)
