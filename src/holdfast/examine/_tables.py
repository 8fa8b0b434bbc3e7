"""Tables in text, a row at a time: CSV, TSV and JSON lines, with the place of each row."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.examine.record import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

FORMATS = {"csv": ",", "tsv": "\t", "jsonl": ""}
"""A format's separator; JSON lines have none."""
LINE = 1 << 20
"""Bytes of one line that are read."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it stands: its text, and where that is."""

    text: str
    offset: int
    length: int
    row: int
    """The line on which it begins, from 1."""

    def failure(self, reason: str) -> Failure:
        """Return that it can't be read."""
        shown = " ".join(self.text[:200].splitlines())
        return Failure(
            message=shown, reason=reason, offset=self.offset, length=self.length, row=self.row
        )


def first_line(head: bytes, size: int) -> str | None:
    """Return a file's first line as text; None where its head has no whole one.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    line, newline, _ = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    if not newline and len(head) < size:
        return None
    return line.decode("utf-8").rstrip("\r")


def cells(text: str, form: str) -> list[str]:
    """Return the cells of a row.

    Raises:
        csv.Error: it is damaged.
    """
    rows = list(csv.reader([text], delimiter=FORMATS[form]))
    return rows[0] if rows else []


def rows(file: EvidenceFile, form: str) -> Iterator[Row]:
    """Yield the rows that are not blank, the header too.

    In CSV a quoted line end inside a field joins its lines.
    """
    offset = row = 0
    with file.open() as stream:
        while line := stream.readline(LINE):
            start, row, first = offset, row + 1, row + 1
            offset += len(line)
            while not line.endswith(b"\n") and (more := stream.readline(LINE)):
                offset += len(more)  # over the limit: its first part alone is looked at
                if more.endswith(b"\n"):
                    break
            while form == "csv" and line.count(b'"') % 2 and len(line) < LINE:
                more = stream.readline(LINE)
                if not more:
                    break
                line += more
                offset += len(more)
                row += 1
            if line.strip():
                text = line.decode("utf-8", "backslashreplace")
                text = text.removeprefix("\ufeff").rstrip("\r\n")
                yield Row(text, start, offset - start, first)


def values(row: Row, names: list[str], form: str) -> dict[str, Any] | str:
    """Return a row's values by column, or why it has none."""
    if row.length > LINE:
        return f"line is over {LINE} bytes"
    try:
        if form == "jsonl":
            found = json.loads(row.text)
            return found if isinstance(found, dict) else "line is no JSON object"
        fields = cells(row.text, form)
    except (ValueError, RecursionError, csv.Error):
        return "line can't be read"
    if len(fields) != len(names):
        return "line does not have the header's columns"
    return dict(zip(names, fields, strict=True))
