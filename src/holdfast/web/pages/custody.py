"""The custody log of a case, or the chain of one item, as a person reads it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from holdfast.acts import showing
from holdfast.web.languages import N_
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.vault.entry import Entry
    from holdfast.web.visit import Visit

PAGE = Page("custody", N_("Custody"), order=820)
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
    return visit.render("custody.html", rows=rows, item=item, following=following, first=first)


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
        "signed": actor.get("key") is not None,
        "time": fields.get("time"),
    }


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        if set(value) <= {"bytes", "text"}:
            return str(value.get("text", ""))
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items() if one)
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)
