"""A case exported from DFIR-IRIS as JSON: assets, indicators, timeline, notes, tasks, evidences.

Read as its API has them (v2): the field names are those of its published client. The export as a
whole (`case`, `assets`, `iocs`, `timeline` ...) is not published as a format: sections are taken by
any of the names they go by, wrapped in `data` or not. docs/formats/imports.md.
"""

from __future__ import annotations

import json
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
    first,
    line,
    text,
    told_time,
    whole,
)
from holdfast.examine.parsers._sniff import is_iris_case
from holdfast.examine.record import Failure, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Timed

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RECORDS = RECORDS_OF_OTHERS

LARGEST = 128 << 20
"""Bytes of an export that is read: it is one JSON text, and is read whole."""
_STATES = {"1": "to do", "2": "in progress", "3": "on hold", "4": "done", "5": "canceled"}
"""DFIR-IRIS's own numbers of a task's status."""
_SORTS = (
    ("account", ("account", "user")),
    ("device", ("phone", "mobile", "android", "iphone", "firewall", "switch", "router", "printer")),
)


def match(file: EvidenceFile) -> bool:
    """Accept JSON whose start has fields that DFIR-IRIS alone has."""
    return is_iris_case(file.head)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield a record for each thing in the case, numbered in the order of the file."""
    if file.size > LARGEST:
        yield Failure(message=f"{file.size} bytes", reason=f"export of more than {LARGEST} bytes")
        return
    with file.open() as stream:
        data = stream.read()
    try:
        found = json.loads(data.decode("utf-8-sig", "backslashreplace"))
    except (ValueError, RecursionError):
        yield Failure(message="the export is no JSON", reason="JSON is damaged", length=len(data))
        return
    if not isinstance(found, dict):
        yield Failure(message="the export is no object", reason="JSON is no object")
        return
    inner = found.get("data")
    case = inner if isinstance(inner, dict) and "status" in found else found
    for number, (place, section, thing) in enumerate(_things(case), 1):
        try:
            yield _record(place, section, thing, number)
        except RecursionError:
            yield Failure(message=line(place), reason="nested too deeply", row=number)


def _things(case: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield the JSON pointer, section and value of everything in the case."""
    for name, held in case.items():
        value: Any = held
        section = _SECTIONS.get(name, "")
        place = "/" + name.replace("~", "~0").replace("/", "~1")[:100]
        if section == "case":
            yield place, section, value
            continue
        if (
            isinstance(value, dict) and len(value) <= 3
        ):  # as the API wraps a list: its state beside it
            key = next((one for one in value if isinstance(value[one], list)), None)
            if key is not None:
                place, value = f"{place}/{key[:100]}", value[key]
        if not isinstance(value, list):
            yield place, "" if section != "skip" else section, {name: value}
            continue
        for at, one in enumerate(value):
            notes = one.get("notes") if isinstance(one, dict) and section == "notes" else None
            if isinstance(notes, list):  # a folder or group of notes
                for inner, note in enumerate(notes):
                    yield f"{place}/{at}/notes/{inner}", section, note
            else:
                yield f"{place}/{at}", section, one


def _record(place: str, section: str, thing: Any, number: int) -> Record:
    make = _MAKERS.get(section)
    if not isinstance(thing, dict):
        return _unmapped(place, {"value": thing}, number, "it is no object")
    if make is None:
        why = "a fact of the export" if section == "skip" else "its section is none that is known"
        return _unmapped(place, thing, number, why)
    found = make(thing, {"place": place, "row": number, "content": whole(thing)})
    return found or _unmapped(place, thing, number, "it does not say what it is")


def _unmapped(place: str, thing: dict[str, Any], number: int, reason: str) -> ImportedRow:
    told = whole(thing)
    return ImportedRow(message=line(told), place=place, row=number, content=told, reason=reason)


def _name(value: object, *keys: str) -> str:
    """Return the name of what is given as an object, a number or a text."""
    if isinstance(value, dict):
        return first(value, keys)
    return text(value)


def _event(thing: dict[str, Any], common: dict[str, Any]) -> Record | None:
    title = first(thing, ("event_title", "title"))
    if not title:
        return None
    return ImportedEvent(
        message=line(
            f"{title}: {content}" if (content := text(thing.get("event_content"))) else title
        ),
        **_when(thing),
        reference=first(thing, ("event_uuid", "event_id")) or None,
        source=first(thing, ("event_source",)) or None,
        tags=[one for one in text(thing.get("event_tags")).split(",") if one][:100],
        **common,
    )


def _when(thing: dict[str, Any]) -> Timed:
    """Return an event's time: the local one with its zone is what its author wrote."""
    local, zone = text(thing.get("event_date_wtz")), text(thing.get("event_tz"))
    if local and zone:
        return told_time(local, "stated", zone, original=f"{local} {zone}")
    return told_time(text(thing.get("event_date")), "stated")


def _indicator(thing: dict[str, Any], common: dict[str, Any]) -> Record | None:
    value = text(thing.get("ioc_value"))
    if not value:
        return None
    kind = _name(thing.get("ioc_type"), "type_name") or first(thing, ("type_name", "ioc_type_id"))
    about = text(thing.get("ioc_description"))
    return ImportedIndicator(
        message=line(f"{kind} {value}" + (f": {about}" if about else "")),
        reference=first(thing, ("ioc_uuid", "ioc_id")) or None, type=kind.lower() or None,
        value=value, **common,
    )  # fmt: skip


def _asset(thing: dict[str, Any], common: dict[str, Any]) -> Record | None:
    name = text(thing.get("asset_name"))
    if not name:
        return None
    kind = _name(thing.get("asset_type"), "asset_name", "asset_type_name")
    sort = next((s for s, words in _SORTS if any(w in kind.lower() for w in words)), "host")
    address = text(thing.get("asset_ip"))
    where = {"ipv6" if ":" in one else "ipv4": one for one in address.replace(",", " ").split()}
    domain = text(thing.get("asset_domain"))
    return ImportedEntity(
        message=line(f"{kind or sort} {name}"),
        reference=first(thing, ("asset_uuid", "asset_id")) or None,
        sort=sort,
        name=name[:500],
        identifiers=[f"{k}:{v}" for k, v in {**where, "domain": domain}.items() if v],
        details=first(thing, ("asset_description", "asset_info")) or None,
        **common,
    )


def _task(thing: dict[str, Any], common: dict[str, Any]) -> Record | None:
    title = text(thing.get("task_title"))
    if not title:
        return None
    state = _name(thing.get("status"), "status_name") or first(
        thing, ("status_name", "task_status_id")
    )
    people = thing.get("task_assignees")
    named = [_name(one, "name", "user") for one in people] if isinstance(people, list) else []
    return ImportedTask(
        message=line(title),
        reference=first(thing, ("task_uuid", "task_id")) or None,
        title=title,
        details=first(thing, ("task_description",)) or None,
        state=_STATES.get(state, state).lower() or None,
        assigned=", ".join(filter(None, named)) or None,
        **common,
    )


def _note(thing: dict[str, Any], common: dict[str, Any]) -> Record | None:
    title = first(thing, ("note_title", "title"))
    words = first(thing, ("note_content", "content", "comment_text"))
    if not title and not words:
        return None
    return ImportedNote(
        message=line(": ".join(filter(None, (title, words)))),
        reference=first(thing, ("note_uuid", "note_id", "comment_uuid", "comment_id")) or None,
        title=title or None, text=words or None, **common,
    )  # fmt: skip


def _evidence(thing: dict[str, Any], common: dict[str, Any]) -> Record | None:
    name = text(thing.get("filename"))
    if not name:
        return None
    told = [("digest", "file_hash"), ("bytes", "file_size"), ("", "file_description")]
    said = [f"{label} {value}".strip() for label, key in told if (value := text(thing.get(key)))]
    return ImportedNote(
        message=line(f"evidence {name} {' '.join(said)}"),
        **told_time(text(thing.get("date_added")), "listed"),
        reference=first(thing, ("file_uuid", "id")) or None,
        title=f"Listed as evidence: {name}",
        text="\n".join(said) or None,
        **common,
    )


def _case(thing: dict[str, Any], common: dict[str, Any]) -> Record | None:
    name = first(thing, ("name", "case_name"))
    words = first(thing, ("description", "case_description", "case_summary", "summary"))
    if not name and not words:
        return None
    return ImportedFinding(
        message=line(f"{name}: {words}"),
        **told_time(first(thing, ("open_date", "case_open_date")), "opened"),
        reference=first(thing, ("case_uuid", "case_id")) or None,
        title=f"Summary of their case: {name}" if name else "Summary of their case",
        text=words or None,
        **common,
    )


_MAKERS: dict[str, Callable[[dict[str, Any], dict[str, Any]], Record | None]] = {
    "assets": _asset, "case": _case, "evidences": _evidence, "iocs": _indicator, "notes": _note,
    "tasks": _task, "timeline": _event,
}  # fmt: skip
_SECTIONS = {
    **{name: name for name in _MAKERS},
    "ioc": "iocs", "events": "timeline", "tlevents": "timeline", "evidence": "evidences",
    "case_info": "case", "comments": "notes", "notes_groups": "notes", "directories": "notes",
    "export_date": "skip", "status": "skip", "message": "skip",
}  # fmt: skip
"""What a section is called, to what it holds."""
