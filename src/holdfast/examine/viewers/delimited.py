"""Tables in text (CSV, TSV): the first line names the columns, the rows come a page at a time.

A page has the lines that begin in 16 KiB of the file; a quoted value that goes on over a line end
at a page's bound is torn there, and the text viewer shows it whole.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from holdfast.examine import _cells, _lines_of
from holdfast.examine.view import View

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.view import Wish

VERSION = 1
DECODERS: tuple[str, ...] = ("charset-normalizer", "python")
RANK = 2

COLUMNS = 200
_DELIMITERS = ",;\t|"
_LOOKED = 20
_LEAST = 2
_VALUE = 1 << 20
_MARKUP = ("<", "{", "[", "#!", "%!")


def match(file: EvidenceFile) -> bool:
    """Accept text whose first lines all have the same number of one delimiter."""
    return bool(_delimiter(file))


def render(file: EvidenceFile, wish: Wish) -> View:
    """Show the rows of one page."""
    delimiter = _delimiter(file) or ","
    found = _lines_of.page(file, wish.page)
    first = _lines_of.page(file, 0).lines[:1]
    rows = _rows([one.text for one in found.lines], delimiter)
    if wish.page == 0:
        rows = rows[1:]
    columns: list[Json] = [*_rows([one.text for one in first], delimiter)[0]] if first else []
    shown: list[Json] = [[*row] for row in rows]
    content: dict[str, Json] = {"columns": columns, "part": "", "parts": [], "rows": shown}
    return View(
        kind="table", content=content, pages=found.pages, more=wish.page + 1 < found.pages
    )  # fmt: skip


def _rows(lines: list[str], delimiter: str) -> list[list[str]]:
    csv.field_size_limit(_VALUE)
    reader = csv.reader((f"{one}\n" for one in lines), delimiter=delimiter)
    return [[_cells.cell(one) for one in row[:COLUMNS]] for row in reader if row]


def _delimiter(file: EvidenceFile) -> str:
    """Return what parts the columns; empty where the file is no such table."""
    named = _lines_of.encoding(file)
    if named is None:
        return ""
    text = file.head[: _lines_of.PAGE].decode(named, "replace").removeprefix("\ufeff")
    lines = [one for one in text.splitlines()[:_LOOKED] if one.strip()]
    if len(lines) < _LEAST or lines[0].lstrip().startswith(_MARKUP):
        return ""
    for one in _DELIMITERS:
        try:
            counts = {len(row) for row in _rows(lines, one)[: len(lines) - 1]}
        except csv.Error:
            continue
        if len(counts) == 1 and counts.pop() > 1:
            return one
    return ""
