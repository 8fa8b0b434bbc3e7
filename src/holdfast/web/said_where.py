"""Where a record of evidence is looked at: the address of the viewer at its file, or its letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAIL = "mail.message"


def viewed(case: str, row: Mapping[str, Any]) -> str:
    """Return the viewer's address for a row with `item`, `inside`, and maybe `kind` and `row`."""
    query = {"path": row["inside"]} if row["inside"] else {}
    if row.get("kind") == _MAIL and row.get("row"):
        query |= {"as": "mail", "page": str(row["row"])}
    place = f"/cases/{quote(case)}/items/{row['item']}/view"
    return f"{place}?{urlencode(query, quote_via=quote)}" if query else place
