"""The list of exhibits, once for people (CSV) and once for programs (JSON lines)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.core import canonical
from holdfast.core.errors import IntegrityError, printable

if TYPE_CHECKING:
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.vault.entry import Entry

COLUMNS = ("exhibit", "sha256", "size", "path", "collected", "changed_while_read", "record")
HEADER = (",".join(COLUMNS) + "\r\n").encode()
_FORMULA = re.compile("(^|[;,|\t\"' ])(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet may begin to read a formula: at a cell's start, or after what some
countries' spreadsheets take for the end of a cell."""


def cell(text: str) -> str:
    """Return `text` as a CSV cell (RFC 4180) that no spreadsheet runs, on one line.

    A name in evidence may be a formula: an apostrophe before its first sign makes it text. Exact
    values are in items.jsonl.
    """
    safe = _FORMULA.sub(r"\1'", printable(text))
    return '"' + safe.replace('"', '""') + '"'


def row(exhibit: Exhibit, entry: Entry) -> bytes:
    """Return the exhibit's line of items.csv."""
    fields = _checked(exhibit, entry)
    record = canonical.dumps(fields.get("record")).decode() if "record" in fields else "(erased)"
    cells = (
        exhibit.label,
        exhibit.item,
        str(exhibit.size),
        _path(fields),
        str(fields["time"]),
        "yes" if exhibit.changed else "no",
        record,
    )
    return (",".join(cell(one) for one in cells) + "\r\n").encode()


def line(exhibit: Exhibit, entry: Entry) -> bytes:
    """Return the exhibit's line of items.jsonl."""
    fields = _checked(exhibit, entry)
    facts: dict[str, Json] = {
        "collected": fields["time"],
        "entry": entry.index,
        "exhibit": exhibit.label,
        "item": exhibit.item,
        "path": fields.get("path"),
        "record": fields.get("record"),
        "size": exhibit.size,
    }
    return canonical.dumps(facts) + b"\n"


def _path(fields: dict[str, Json]) -> str:
    path = fields.get("path")
    return str(path["text"]) if isinstance(path, dict) else "(erased)"


def _checked(exhibit: Exhibit, entry: Entry) -> dict[str, Json]:
    """Return the entry's fields after comparing them with what the database says.

    Raises:
        IntegrityError: the database was altered.
    """
    fields = entry.fields
    told = (fields.get("case"), fields.get("item"), fields.get("stored", {}).get("size"))
    if entry.act != "collect.item" or told != (exhibit.case, exhibit.item, exhibit.size):
        raise IntegrityError(
            f"exhibit {exhibit.label} is not what entry {entry.index} of the log says",
            "the database was altered: run `holdfast verify`, then `holdfast rebuild`",
        )
    return fields
