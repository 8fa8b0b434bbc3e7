"""The cells of an Excel workbook, row by row: values as they were last computed, dates as dates.

ECMA-376 part 1, 18.3 (worksheets), 18.8.30 (number formats), 18.17.4.1 (dates). A formula is never
evaluated, a link never followed: what is taken of a cell is the value that stands in the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.parsers._document import Event
    from holdfast.examine.parsers._package import Package

STRINGS = 2_000_000
"""Shared strings that are read."""
COLUMNS = 256
"""Cells of a row that are kept."""
_MERGES = 10_000
_LAST_ROW = 1_048_576
_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Numbers of the built-in formats that show a date or a time of day (18.8.30)."""
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.')
_PLACE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_BASES = {False: datetime(1899, 12, 30, tzinfo=UTC), True: datetime(1904, 1, 1, tzinfo=UTC)}
_LEAP = 60
"""The day in February 1900 that never was, and which Excel counts."""
_DAY = 86_400_000
_MOST = 2_958_466
"""The first day of the year 10000."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that holds something."""

    text: str
    """Its value; a date as ISO 8601, without a zone as no workbook has one; of a formula without a
    result in the file, the formula as text."""


@dataclass(frozen=True)
class Sheet:
    """A worksheet."""

    name: str
    part: str
    hidden: bool


@dataclass
class Workbook:
    """A workbook's sheets, and what their cells refer to."""

    package: Package
    sheets: list[Sheet] = field(default_factory=list)
    since_1904: bool = False
    _strings: list[str] | None = None
    _dates: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        places = targets(self.package)
        for event in self.package.events("xl/workbook.xml"):
            given = event.attributes
            if event.opens and event.name == "workbookPr":
                self.since_1904 = given.get("date1904", "").lower() in {"1", "true", "on"}
            elif event.opens and event.name == "sheet":
                part = part_of(places.get(given.get("id", ""), ""))
                self.sheets.append(
                    Sheet(given.get("name", "?"), part, given.get("state", "visible") != "visible")
                )

    def rows(self, sheet: Sheet) -> Iterator[tuple[int, dict[int, Cell]]]:
        """Yield each row that holds anything: its number, and its cells by column from 0.

        What is merged downwards stands in each of its rows, as a reader sees it.
        """
        if self._strings is None:
            self._strings = list(shared(self.package))
            self._dates = list(_dated_formats(self.package))
        merged = self._merged(sheet)
        held: dict[int, tuple[int, Cell]] = {}
        for number, cells in self._read(sheet):
            for column, (last, cell) in [*held.items()]:
                if number > last:
                    del held[column]
                elif column not in cells:
                    cells[column] = cell
            for column, cell in [*cells.items()]:
                if (last := merged.get((number, column), 0)) > number:
                    held[column] = (last, cell)
            if cells:
                yield number, cells

    def _merged(self, sheet: Sheet) -> dict[tuple[int, int], int]:
        """Return where something is merged downwards: its first cell to its last row."""
        found: dict[tuple[int, int], int] = {}
        for event in self.package.events(sheet.part):
            if event.opens and event.name == "mergeCell" and len(found) < _MERGES:
                first, _, last = event.attributes.get("ref", "").partition(":")
                begin, end = _place(first), _place(last)
                if begin and end and end[0] > begin[0]:
                    found[begin] = end[0]
        return found

    def _read(self, sheet: Sheet) -> Iterator[tuple[int, dict[int, Cell]]]:
        number = column = 0
        cells: dict[int, Cell] = {}
        inside, given = "", dict[str, str]()
        value: list[str] = []
        formula: list[str] = []
        for event in self.package.events(sheet.part):
            if event.opens:
                inside = event.name
                if inside == "row":
                    told = event.attributes.get("r", "")
                    fits = told.isascii() and told.isdigit() and 0 < int(told[:8]) <= _LAST_ROW
                    number, column, cells = int(told) if fits else number + 1, -1, {}
                elif inside == "c":
                    given, value, formula = event.attributes, [], []
                    where = _place(given.get("r", ""))
                    column = where[1] if where else column + 1
                elif inside == "f":
                    formula.append("=")
            elif event.name == "c":
                cell = self._cell("".join(value), given, "".join(formula))
                if cell is not None and column < COLUMNS:
                    cells[column] = cell
            elif event.name == "row":
                yield number, cells
            elif event.name:
                inside = ""
            elif inside in {"v", "t"}:
                value.append(event.text)
            elif inside == "f":
                formula.append(event.text)

    def _cell(self, value: str, given: dict[str, str], formula: str) -> Cell | None:
        kind, strings = given.get("t", "n"), self._strings or []
        if not value.strip() and formula:
            return Cell(formula[:1000])
        if kind == "s":
            known = value.isascii() and value.isdigit() and int(value[:9]) < len(strings)
            value = strings[int(value)] if known else ""
        elif kind == "b":
            value = "yes" if value.strip() == "1" else "no"
        elif kind == "n" and value and self._is_date(given.get("s", "")):
            date = from_serial(value, since_1904=self.since_1904)
            if date is not None:
                return Cell(date)
        return Cell(value.strip()) if value.strip() else None

    def _is_date(self, style: str) -> bool:
        fits = style.isascii() and style.isdigit() and int(style[:9]) < len(self._dates)
        return fits and self._dates[int(style)]


def from_serial(value: str, *, since_1904: bool) -> str | None:
    """Return a number of days as ISO 8601, to the millisecond; None where it is no date."""
    try:
        days = float(value)
    except ValueError:
        return None
    if not 1 <= days < _MOST or (not since_1904 and _LEAP <= days < _LEAP + 1):
        return None
    base = _BASES[since_1904]
    if not since_1904 and days < _LEAP:
        base += timedelta(days=1)
    try:
        moment = base + timedelta(milliseconds=round(days * _DAY))
    except OverflowError:
        return None
    if moment.time() == datetime.min.time():
        return moment.date().isoformat()
    shape = "milliseconds" if moment.microsecond else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=shape)


def shared(package: Package) -> Iterator[str]:
    """Yield the strings that cells share, in order; what is read aloud beside them is left out."""
    text: list[str] = []
    inside, count, phonetic = "", 0, False
    for event in package.events("xl/sharedStrings.xml"):
        if event.opens:
            inside = event.name
            phonetic = phonetic or inside == "rPh"
            text = [] if inside == "si" else text
        elif event.name == "si":
            count += 1
            if count > STRINGS:
                return
            yield "".join(text)
        elif event.name:
            phonetic = phonetic and event.name != "rPh"
            inside = ""
        elif inside == "t" and not phonetic:
            text.append(event.text)


def targets(package: Package) -> dict[str, str]:
    """Return the parts that a workbook names, by the names it has for them."""
    return {
        event.attributes.get("Id", ""): event.attributes.get("Target", "")
        for event in package.events("xl/_rels/workbook.xml.rels")
        if event.opens and event.name == "Relationship"
    }


def part_of(target: str) -> str:
    """Return the part that a target names."""
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _dated_formats(package: Package) -> Iterator[bool]:
    """Yield for each cell format whether it shows a date."""
    own: dict[str, bool] = {}
    inside = False
    for event in package.events("xl/styles.xml"):
        if event.opens and event.name == "numFmt":
            own[event.attributes.get("numFmtId", "")] = _shows_date(event)
        elif event.name == "cellXfs":
            inside = event.opens
        elif event.opens and event.name == "xf" and inside:
            number = event.attributes.get("numFmtId", "")
            built_in = number.isascii() and number.isdigit() and int(number[:9]) in _DATES
            yield own.get(number, built_in)


def _shows_date(event: Event) -> bool:
    code = event.attributes.get("formatCode", "")[:500]
    elapsed = re.search(r"\[(?:h+|m+|s+)\]", code, re.IGNORECASE)
    plain = _QUOTED.sub("", code.split(";")[0]).lower()
    return elapsed is None and any(letter in plain for letter in "ydh")


def _place(text: str) -> tuple[int, int] | None:
    """Return row (from 1) and column (from 0) of `B7`."""
    found = _PLACE.fullmatch(text.replace("$", ""))
    if found is None:
        return None
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return int(found[2]), column - 1
