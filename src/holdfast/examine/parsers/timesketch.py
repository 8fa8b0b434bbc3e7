"""Timesketch's timelines, as it exports and imports them: CSV or JSON lines, an event each.

The columns that its importer requires: `message`, `timestamp_desc`, and `datetime` (ISO 8601) or
`timestamp` (microseconds since 1970, UTC). plaso's `json_line` has them too.
docs/formats/imports.md.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

from holdfast.examine import _tables
from holdfast.examine.parsers._imported import (
    ImportedEvent,
    first,
    line,
    text,
    told_time,
    whole,
)
from holdfast.examine.parsers._sniff import timesketch_form
from holdfast.examine.record import EXACT, Record, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine._tables import Row
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Timed

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RECORDS: tuple[type[Record], ...] = (ImportedEvent,)

_MICROS = re.compile(r"-?\d{1,18}", re.ASCII)
_UNSAID = ("", "-", "Not a time")
_MANY = 100


def match(file: EvidenceFile) -> bool:
    """Accept a file whose first line has the columns that Timesketch's importer requires."""
    return timesketch_form(file.head, file.size) is not None


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield one event a line; a line that can't be read is a `Failure`."""
    form = timesketch_form(file.head, file.size)
    names: list[str] = []
    for row in _tables.rows(file, form) if form else ():
        if form == "csv" and not names:
            try:
                names = _tables.cells(row.text, form)
            except csv.Error:
                yield row.failure("the header can't be read")
                return
            continue
        values = _tables.values(row, names, form or "")
        try:
            yield row.failure(values) if isinstance(values, str) else _event(row, values)
        except RecursionError:
            yield row.failure("line can't be read")


def _event(row: Row, values: dict[str, Any]) -> Record:
    when = _time(values)
    message = text(values.get("message"))
    if when["time"] is None and not message:
        return row.failure("line has neither a time nor a message")
    tags = values.get("tag") or values.get("label") or []
    found = tags if isinstance(tags, list) else re.split(r"[,;\s\[\]']+", str(tags)[:2000])
    return ImportedEvent(
        message=line(message) or line(text(values.get("data_type"))) or "(no message)",
        **when,
        host=first(values, ("hostname", "host", "computer_name")) or None,
        user=first(values, ("username", "user")) or None,
        offset=row.offset,
        length=row.length,
        row=row.row,
        reference=first(values, ("_id", "uuid")) or None,
        content=whole(values),
        source=first(values, ("parser", "data_type", "source_long", "source")) or None,
        tags=[one for one in map(text, found) if one not in _UNSAID][:_MANY],
        comment=first(values, ("comment", "comments", "notes")) or None,
    )


def _time(values: dict[str, Any]) -> Timed:
    meaning = line(text(values.get("timestamp_desc"))) or "recorded"
    given = text(values.get("datetime"))
    if given not in _UNSAID:
        return told_time(given, meaning)
    number = text(values.get("timestamp"))
    micros = int(number) if _MICROS.fullmatch(number) else None
    return timed(micros, meaning, EXACT, number or None)
