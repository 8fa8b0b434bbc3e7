"""Windows event logs by libevtx (LGPL), the reader of whoever described the format.

Compared are the records that the chunks count as theirs: what System says, and the values of
EventData and UserData in their order. Both write values as text in their own way, so numbers are
compared as numbers, and times as times.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pyevtx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Record

VERSION = 1
DECODERS: tuple[str, ...] = ("libevtx-python",)
OF = "evtx"
KEY = ("record",)
_NAMES = (
    "provider", "event_id", "event_version", "record_id", "level", "task", "opcode", "keywords",
    "channel", "computer", "user_sid", "process_id", "thread_id", "activity_id",
    "related_activity_id", "written_time", "time",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SINCE_1601 = 11_644_473_600_000_000
_INT64 = 2**63
_NUMBER = re.compile(r"[+-]?\d{1,20}|0x[0-9a-f]{1,16}")
_GUID = re.compile(r"\{[0-9A-Fa-f-]{36}\}")
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?: ?UTC|Z)?", re.IGNORECASE
)


def match(file: EvidenceFile) -> bool:
    """Accept a log with its header; libevtx reads no chunk alone."""
    return file.head.startswith(b"ElfFile\0")


def said(record: Record) -> dict[str, Json] | None:
    """Return what one of our records says; of one in slack, nothing."""
    if record.KIND == "failure" and record.row is not None:
        reason = str(getattr(record, "reason", ""))
        return {"record": record.row, "error": reason}
    if record.KIND != "windows.event" or getattr(record, "recovered", False):
        return None
    found: dict[str, Json] = {name: getattr(record, name, None) for name in _NAMES}
    values = [
        value
        for name in ("event_data", "user_data")
        for value in _leaves(json.loads(getattr(record, name) or "null"))
    ]
    keywords = found["keywords"]
    found["keywords"] = None if keywords is None else _plain(keywords)
    return {"record": record.row, **found, "values": [*values]}


def read(file: EvidenceFile) -> Iterator[dict[str, Json]]:
    """Yield each record that libevtx counts; one that it can't decode with its reason.

    Raises:
        OSError: libevtx can't open the log.
    """
    log = pyevtx.file()
    with file.open() as stream:
        log.open_file_object(stream)
        try:
            for number in range(log.number_of_records):
                yield _record(log, number)
        finally:
            log.close()


def _record(log: Any, number: int) -> dict[str, Json]:
    record = log.get_record(number)
    identity = record.identifier
    place: dict[str, Json] = {
        "record": identity if identity < _INT64 else None,
    }  # fmt: skip
    try:
        event = ElementTree.fromstring(record.xml_string.rstrip("\0"))  # noqa: S314 - libevtx wrote it: no DTD
        written = record.get_written_time_as_integer() // 10 - _SINCE_1601
    except (OSError, ElementTree.ParseError) as error:
        return {**place, "error": f"can't be decoded: {type(error).__name__}"}
    for one in event.iter():
        one.tag = one.tag.rpartition("}")[2]
    return {**place, **_system(event), "written_time": written, "values": [*_values(event)]}


def _system(event: Any) -> dict[str, Json]:
    def text(name: str) -> str | None:
        return event.findtext(f"System/{name}") or None

    def attribute(name: str, key: str) -> str | None:
        found = event.find(f"System/{name}")
        return None if found is None else found.get(key)

    created = attribute("TimeCreated", "SystemTime")
    time = _time(created) if created else None
    return {
        "provider": attribute("Provider", "Name") or attribute("Provider", "EventSourceName"),
        "event_id": _whole(text("EventID")),
        "event_version": _whole(text("Version")),
        "record_id": _whole(text("EventRecordID")),
        "level": _whole(text("Level")),
        "task": _whole(text("Task")),
        "opcode": _whole(text("Opcode")),
        "keywords": None if (keywords := text("Keywords")) is None else _plain(keywords),
        "channel": text("Channel"),
        "computer": text("Computer"),
        "user_sid": attribute("Security", "UserID"),
        "process_id": _whole(attribute("Execution", "ProcessID")),
        "thread_id": _whole(attribute("Execution", "ThreadID")),
        **({"time": time} if time is not None else {}),
    }


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _values(event: Any) -> Iterator[Json]:
    for part in ("EventData", "UserData"):
        for top in event.findall(part):
            for one in top.iter():
                if one is not top and len(one) == 0 and (one.text or "").strip():
                    yield _plain(one.text)


def _leaves(value: Any) -> Iterator[Json]:
    """Yield the values of the decoder's JSON that are text of an element, in their order."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name != "#attributes":
                yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif value is not None and str(value).strip():
        yield _plain(value)


def _plain(value: Any) -> Json:
    """Return a value in the one form that is compared."""
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    text = " ".join(text.split())
    if _NUMBER.fullmatch(text.lower()):
        return str(int(text, 16 if text.lower().startswith("0x") else 10))
    if (time := _time(text)) is not None:
        return f"time {time}"
    return text[1:-1].lower() if _GUID.fullmatch(text) else text.lower()


def _time(text: str) -> int | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        return None
    fraction = (found[2] or "")[:6].ljust(6, "0")
    return (moment - _EPOCH) // timedelta(microseconds=1) + int(fraction)
