"""The workbook that an incident is tracked in ("spreadsheet of doom"): timeline, systems, tasks ...

There is no standard for it: every unit has its own, with the same sheets and headings in many
spellings. A sheet is known by its name, its columns by their headings; what can't be mapped is a
record that says so. docs/formats/imports.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.examine.parsers._imported import (
    RECORDS_OF_OTHERS,
    ImportedEntity,
    ImportedEvent,
    ImportedFinding,
    ImportedIndicator,
    ImportedNote,
    ImportedRow,
    ImportedTask,
    line,
    told_time,
    whole,
)
from holdfast.examine.parsers._package import Package
from holdfast.examine.parsers._sheets import Sheet, Workbook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.parsers._sheets import Cell
    from holdfast.examine.record import Record

VERSION = 1
DECODERS: tuple[str, ...] = ("python", "zstandard")
RECORDS = RECORDS_OF_OTHERS

ROWS = 1_000_000
"""Records that are made of a workbook."""
SHEET = 10_000_000
"""A record's row is that of its sheet, and so many more for each sheet: 20000003 is row 3 of the
second. No sheet has as many, and nothing else in the file is counted so far."""
_HEADINGS = 25
"""Rows at a sheet's start among which its headings are looked for."""
_TAIL = 1 << 16
_WORDS = re.compile(r"[^a-z0-9]+")

SHEETS: dict[str, tuple[str, ...]] = {
    "timeline": ("timeline", "chronology", "events"),
    "systems": ("systems", "hosts", "assets", "machines", "endpoints", "servers"),
    "users": ("users", "accounts", "identities", "credentials"),
    "indicators": ("indicators", "iocs", "ioc", "malware", "observables"),
    "tasks": ("tasks", "task", "todo", "to do", "actions", "action items", "requests"),
    "evidence": ("evidence", "exhibits", "collections"),
    "findings": ("findings", "conclusions"),
    "notes": ("notes", "comments", "observations"),
}
"""What a sheet's name ends in, without regard to capitals and signs, to what its rows are."""
_TELLING = frozenset({"systems", "users", "indicators", "evidence"})
"""Kinds of sheets that tell an incident's workbook from a plan of any other work."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "time": ("date time", "datetime", "timestamp", "event time", "date and time", "time utc",
             "date utc", "utc", "when", "first seen", "start time", "start", "time", "date"),
    "clock": ("time", "hour", "time of day"),
    "zone": ("timezone", "time zone", "tz", "utc offset", "zone"),
    "host": ("hostname", "host name", "host", "system name", "system", "computer name", "computer",
             "source host", "source system", "asset", "machine", "device", "endpoint", "server"),
    "user": ("user account", "account name", "username", "user name", "account", "user", "identity",
             "upn", "login"),
    "message": ("activity", "event description", "event", "description", "details", "summary",
                "action", "notes", "comment", "comments"),
    "source": ("evidence source", "artifact", "artefact", "data source", "log source", "source"),
    "ip": ("ip address", "ip addresses", "ipv4", "ipv6", "ip"),
    "domain": ("domain name", "fqdn", "domain", "hostname fqdn"),
    "email": ("email address", "e mail", "email", "mail"),
    "sid": ("sid", "security identifier"),
    "type": ("indicator type", "ioc type", "type", "kind", "category"),
    "value": ("indicator", "ioc", "value", "ioc value", "indicator value", "observable"),
    "url": ("url", "uri", "link"),
    "file": ("file path", "full path", "path", "file name", "filename", "file"),
    "md5": ("md5", "md5 hash"),
    "sha1": ("sha1", "sha 1", "sha1 hash"),
    "sha256": ("sha256", "sha 256", "sha256 hash"),
    "hash": ("hash", "hash value", "file hash", "digest"),
    "title": ("task", "title", "task name", "action item", "action", "request", "finding", "name",
              "subject", "item"),
    "state": ("status", "state", "progress"),
    "assigned": ("assigned to", "assignee", "assigned", "owner", "analyst", "responsible", "who"),
    "due": ("due date", "due", "deadline", "target date", "eta"),
    "evidence": ("evidence", "evidence item", "item", "exhibit", "evidence name", "evidence id",
                 "evidence number", "id", "name", "file name", "filename", "description"),
    "text": ("note", "notes", "text", "comment", "comments", "observation", "details",
             "description", "finding", "summary"),
}  # fmt: skip
"""What a column means, to the headings it goes by: the first that says something counts."""

_WANTED: dict[str, tuple[str, ...]] = {
    "timeline": ("time", "message"),
    "systems": ("host", "ip"),
    "users": ("user", "sid", "email"),
    "indicators": ("value", "ip", "domain", "url", "file", "md5", "sha1", "sha256", "hash"),
    "tasks": ("title", "message"),
    "evidence": ("evidence",),
    "findings": ("title", "text"),
    "notes": ("text",),
}
"""Columns of which a sheet of a kind must have one."""
_VALUES = {
    "ip": "ip", "domain": "domain", "url": "url", "file": "file", "md5": "md5", "sha1": "sha1",
    "sha256": "sha256", "hash": "hash", "email": "email",
}  # fmt: skip
_KNOWN = {word for names in COLUMNS.values() for word in names}


@dataclass(frozen=True)
class _Row:
    """A row of a sheet that is known."""

    sheet: str
    number: int
    order: int
    """Its number in the whole workbook: see `SHEET`."""
    cells: dict[str, Cell]
    """By heading as it stands."""
    columns: dict[str, str]
    """By heading in plain words, to the heading as it stands."""

    def heading(self, meaning: str) -> str:
        """Return the heading of the first column of a meaning that says something here."""
        for word in COLUMNS[meaning]:
            heading = self.columns.get(word)
            if heading is not None and heading in self.cells:
                return heading
        return ""

    def said(self, meaning: str) -> str:
        heading = self.heading(meaning)
        return self.cells[heading].text if heading else ""


def match(file: EvidenceFile) -> bool:
    """Accept a workbook with two sheets that are named as an incident's are, one tellingly."""
    if not file.head.startswith(b"PK\3\4"):
        return False
    with file.open() as source:
        source.seek(max(0, file.size - _TAIL))
        if b"xl/workbook.xml" not in file.head + source.read(_TAIL):
            return False
    kinds = {_kind(sheet.name) for sheet in Workbook(Package(file)).sheets} - {""}
    return len(kinds) > 1 and bool(kinds & _TELLING)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield the rows of all sheets, hidden ones too, then what could not be read."""
    package = Package(file)
    book = Workbook(package)
    read = 0
    for place, sheet in enumerate(book.sheets, 1):
        for record in _sheet(book, sheet, place * SHEET):
            read += 1
            if read > ROWS:
                why = f"rows of a workbook beyond {ROWS} are not read"
                yield ImportedRow(message=f"more than {ROWS} rows", row=record.row, reason=why)
                return
            yield record
    yield from package.failures()


def _sheet(book: Workbook, sheet: Sheet, before: int) -> Iterator[Record]:
    kind = _kind(sheet.name)
    headings: dict[int, str] = {}
    waiting: list[tuple[int, dict[int, Cell]]] = []
    for number, cells in book.rows(sheet):
        if headings:
            yield from _records(_row(sheet, number, before, cells, headings), kind)
            continue
        found = _headings(cells, kind)
        if found:
            headings = found
            for early, given in waiting:
                yield _unmapped(sheet, early, before, given, "it stands above the headings")
            waiting = []
        elif not kind or number > _HEADINGS:
            why = "no headings that are known" if kind else "no sheet of this name is known"
            for early, given in [*waiting, (number, cells)]:
                yield _unmapped(sheet, early, before, given, why)
            waiting = []
        else:
            waiting.append((number, cells))
    for early, given in waiting:
        yield _unmapped(sheet, early, before, given, "no headings that are known")


def _kind(name: str) -> str:
    words = _plain(name)
    for kind, ends in SHEETS.items():
        for end in ends:
            if words == end or words.endswith((f" {end}", f" {end} tracker", f" {end} log")):
                return kind
            if words in {f"{end} tracker", f"{end} log", f"{end} list"}:
                return kind
    return ""


def _plain(text: str) -> str:
    return _WORDS.sub(" ", text[:200].lower()).strip()


def _headings(cells: dict[int, Cell], kind: str) -> dict[int, str]:
    """Return the headings in a row; nothing where it has none that such a sheet needs."""
    words = {_plain(cell.text) for cell in cells.values()}
    wanted = {_without_zone(w) for w in words} | words
    known = sum(_without_zone(word) in _KNOWN or word in _KNOWN for word in words)
    needed = any(wanted & {*COLUMNS[meaning]} for meaning in _WANTED.get(kind, ()))
    if not needed or known < min(2, len(words)):
        return {}
    taken: dict[int, str] = {}
    for column, cell in sorted(cells.items()):
        name = cell.text[:200]
        taken[column] = name if name not in taken.values() else f"{name} ({column + 1})"
    return taken


def _without_zone(words: str) -> str:
    return words.removesuffix(" utc").removesuffix(" gmt").removesuffix(" zulu")


def _row(
    sheet: Sheet, number: int, before: int, cells: dict[int, Cell], headings: dict[int, str]
) -> _Row:
    named = {headings.get(at, f"(column {at + 1})"): cell for at, cell in cells.items()}
    columns: dict[str, str] = {}
    for heading in headings.values():
        plain = _plain(heading)
        columns.setdefault(plain, heading)
        columns.setdefault(_without_zone(plain), heading)
    return _Row(sheet.name, number, before + number, named, columns)


def _records(row: _Row, kind: str) -> Iterator[Record]:
    content = {heading: cell.text for heading, cell in row.cells.items()}
    common: dict[str, Any] = {
        "place": f"{row.sheet[:100]}!{row.number}", "row": row.order, "content": whole(content),
    }  # fmt: skip
    found = [*_mapped(row, kind, common)]
    if not found:
        told = line(" | ".join(content.values()))
        found = [
            ImportedRow(message=told or "(blank)", **common, reason="no cell that says what it is")
        ]
    yield from found


def _mapped(row: _Row, kind: str, common: dict[str, Any]) -> Iterator[Record]:
    given: dict[str, Any] = {
        **common, "host": row.said("host") or None, "user": row.said("user") or None,
        **_when(row),
    }  # fmt: skip
    if kind == "timeline":
        if row.said("message") or row.said("time"):
            source = row.said("source") or None
            yield ImportedEvent(message=line(row.said("message")) or "(no text)", source=source,
                                **given)  # fmt: skip
    elif kind == "systems":
        yield from _entity(row, "host", row.said("host") or row.said("ip"), given)
    elif kind == "users":
        name = row.said("user") or row.said("email") or row.said("sid")
        yield from _entity(row, "account", name, given)
    elif kind == "indicators":
        for shown, value in _indicators(row):
            yield ImportedIndicator(message=line(f"{shown} {value}"), type=shown, value=value,
                                    **given)  # fmt: skip
    elif kind == "tasks":
        title = row.said("title") or row.said("message")
        if title:
            details = row.said("message") if row.said("message") != title else ""
            yield ImportedTask(
                message=line(title), title=title, details=details or None,
                state=row.said("state").lower() or None, assigned=row.said("assigned") or None,
                due=row.said("due") or None, **given,
            )  # fmt: skip
    elif kind in {"findings", "notes"}:
        text, title = row.said("text"), row.said("title")
        if text or title:
            made = ImportedFinding if kind == "findings" else ImportedNote
            yield made(message=line(": ".join(filter(None, (title, text)))), title=title or None,
                       text=text or title, **given)  # fmt: skip
    elif name := row.said("evidence"):
        told = "; ".join(f"{heading}: {cell.text}" for heading, cell in row.cells.items())
        yield ImportedNote(message=line(told), title=f"Listed as evidence: {name}",
                           text=told, **given)  # fmt: skip


def _entity(row: _Row, sort: str, name: str, given: dict[str, Any]) -> Iterator[Record]:
    if not name:
        return
    address = row.said("ip")
    told = {
        **{"ipv6" if ":" in one else "ipv4": one for one in re.split(r"[\s,;]+", address) if one},
        "domain": row.said("domain"),
        "email": row.said("email"),
        "other": f"SID {sid}" if (sid := row.said("sid")) else "",
    }
    yield ImportedEntity(
        message=line(f"{sort} {name}"), sort=sort, name=name[:500],
        identifiers=[f"{kind}:{value}" for kind, value in told.items() if value],
        details=row.said("message") or None, **given,
    )  # fmt: skip


def _indicators(row: _Row) -> Iterator[tuple[str, str]]:
    """Yield type and value of each indicator in a row: one a column that is named for a type."""
    value = row.said("value")
    if value:
        yield row.said("type").lower()[:100] or "indicator", value
    for meaning, shown in _VALUES.items():
        told = row.said(meaning)
        if told and told != value:
            yield shown, told


def _when(row: _Row) -> dict[str, Any]:
    """Return the time of a row: one cell, or a date and a time of day beside it."""
    heading = row.heading("time")
    if not heading:
        return {}
    cell, plain = row.cells[heading], _plain(heading)
    given, clock = cell.text, row.heading("clock")
    if clock and clock != heading and re.fullmatch(r"\d{4}-\d\d-\d\d|[\d./]{8,10}", given):
        given = f"{given} {row.cells[clock].text.removeprefix('T')}"
        plain += " " + _plain(clock)
    zone = row.said("zone") or ("utc" if {"utc", "gmt", "zulu"} & {*plain.split()} else "")
    return {**told_time(given, "stated", zone, original=given)}


def _unmapped(
    sheet: Sheet, number: int, before: int, cells: dict[int, Cell], reason: str
) -> ImportedRow:
    told = [cell.text for _, cell in sorted(cells.items())]
    return ImportedRow(
        message=line(" | ".join(told)), place=f"{sheet.name[:100]}!{number}", row=before + number,
        content=whole(told), reason=reason,
    )  # fmt: skip
