"""Cells of a table for others' programs: what a spreadsheet would run as a formula is text."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def row(cells: Iterable[object]) -> bytes:
    """Return a row of RFC 4180, in UTF-8.

    A cell of text that begins as a formula does (OWASP, "CSV Injection": = + - @ tab, CR, LF) gets
    an apostrophe before it, which a spreadsheet takes for "this is text".
    """
    text = io.StringIO()
    csv.writer(text).writerow([_cell(one) for one in cells])
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
