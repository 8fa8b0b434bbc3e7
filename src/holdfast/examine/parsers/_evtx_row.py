"""One decoded event record (JSON text) as a row of plain values, and what the columns are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.examine.parsers._evtx_chunks import SINCE_1601
from holdfast.examine.record import EXACT

if TYPE_CHECKING:
    from holdfast.examine.parsers._evtx_chunks import Chunk, Place

VALUES, CHARACTERS = 40, 500
"""Values of an event that its message shows, and the message's characters."""
LARGEST = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")
_DIGITS = 18

FIELDS: dict[str, tuple[str, ...]] = {
    "subject_user": ("SubjectUserName",),
    "subject_domain": ("SubjectDomainName",),
    "subject_sid": ("SubjectUserSid",),
    "subject_logon": ("SubjectLogonId",),
    "target_user": ("TargetUserName",),
    "target_domain": ("TargetDomainName",),
    "target_sid": ("TargetUserSid", "TargetSid"),
    "target_logon": ("TargetLogonId",),
    "logon_type": ("LogonType",),
    "workstation": ("WorkstationName",),
    "ip_address": ("IpAddress",),
    "source_ip": ("SourceIp", "SourceAddress"),
    "destination_ip": ("DestinationIp", "DestAddress"),
    "destination_port": ("DestinationPort", "DestPort"),
    "account": ("User",),
    "image": ("Image", "NewProcessName"),
    "command_line": ("CommandLine",),
    "parent_image": ("ParentImage", "ParentProcessName"),
    "parent_command_line": ("ParentCommandLine",),
    "process_name": ("ProcessName",),
    "target_file": ("TargetFilename",),
    "target_object": ("TargetObject",),
    "object_name": ("ObjectName",),
    "service_name": ("ServiceName",),
    "service_file": ("ImagePath", "ServiceFileName"),
    "task_name": ("TaskName",),
    "query_name": ("QueryName",),
    "hashes": ("Hashes",),
    "script": ("ScriptBlockText",),
}
"""Column to the names in EventData that it is taken from: the first that is there."""
NUMBERS = {"logon_type", "destination_port"}
PLACE = {
    name: (at, column in NUMBERS)
    for at, (column, names) in enumerate(FIELDS.items())
    for name in reversed(names)
}
_ACCOUNT, _SUBJECT = (list(FIELDS).index(name) for name in ("account", "subject_user"))
_BLANK = (None,) * len(FIELDS)

WHOLE = {
    "time", "time_nanos", "offset", "length", "row", "event_id", "event_version", "record_id",
    "level", "task", "opcode", "process_id", "thread_id", "written_time", *NUMBERS,
}  # fmt: skip
"""Columns of integers."""
FLAGS = {"recovered", "checked"}
COLUMNS = (
    "time", "time_nanos", "time_meaning", "time_quality", "time_original", "host", "user",
    "message", "offset", "length", "row", "provider", "provider_guid",
    "event_id", "event_version", "record_id", "level", "task", "opcode", "keywords", "channel",
    "computer", "user_sid", "process_id", "thread_id", "activity_id", "related_activity_id",
    "written_time", "recovered", "checked", "event_data", "user_data", *FIELDS,
)  # fmt: skip


def row(
    event: dict[str, Any], place: Place, chunk: Chunk, recovered: bool, checked: bool
) -> tuple[Any, ...]:
    """Return the values of `COLUMNS` of one record; `event` is empty where it has no content."""
    system = members(event.get("System"))
    data, user = event.get("EventData"), event.get("UserData")
    provider = attributes(system.get("Provider"))
    execution = attributes(system.get("Execution"))
    related = attributes(system.get("Correlation"))
    fields, computer = _fields(data), _text(system.get("Computer"))
    name = _text(provider.get("Name") or provider.get("EventSourceName"))
    number = _number(system.get("EventID"))
    logged = _time(attributes(system.get("TimeCreated")).get("SystemTime"))
    row = place.number if place.number < LARGEST else None
    message = (
        _message(name, number, data or user)
        if event
        else f"record {place.number} in slack, its content can't be decoded"
    )
    return (
        place.written if logged is None else logged,
        place.nanos if logged is None else nanos_of(logged, chunk.data, place),
        "written" if logged is None else "logged",
        EXACT,
        None,
        computer,
        fields[_ACCOUNT] or fields[_SUBJECT],
        message,
        chunk.offset + place.offset,
        place.size,
        row,
        name,
        _text(provider.get("Guid")),
        number,
        _number(system.get("Version")),
        _number(system.get("EventRecordID")),
        _number(system.get("Level")),
        _number(system.get("Task")),
        _number(system.get("Opcode")),
        _text(system.get("Keywords")),
        _text(system.get("Channel")),
        computer,
        _text(attributes(system.get("Security")).get("UserID")),
        _number(execution.get("ProcessID")),
        _number(execution.get("ThreadID")),
        _text(related.get("ActivityID")),
        _text(related.get("RelatedActivityID")),
        place.written,
        recovered,
        checked,
        None if data is None else orjson.dumps(data).decode(),
        None if user is None else orjson.dumps(user).decode(),
        *fields,
    )


def event(text: str) -> dict[str, Any] | None:
    """Return the event in the decoder's JSON; None where it is none."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        # The decoder leaves control characters in strings as they are.
        try:
            found = orjson.loads(_CONTROL.sub(_escape, text))
        except orjson.JSONDecodeError:  # a name with a quote in it, as slack has them
            return None
    event = found.get("Event") if isinstance(found, dict) else None
    return event if isinstance(event, dict) else None


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def members(value: object) -> dict[str, Any]:
    return value if type(value) is dict else {}


def attributes(value: object) -> dict[str, Any]:
    return members(value.get("#attributes")) if type(value) is dict else {}


def _text(value: object) -> str | None:
    if value is None or type(value) is str:
        return value
    return orjson.dumps(value).decode()


def _number(value: object) -> int | None:
    """Return a number that is one, is written as one, or has attributes beside it."""
    if type(value) is dict:
        value = value.get("#text")
    if type(value) is str:
        if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS):
            return None
        return int(value)
    return value if type(value) is int and -LARGEST <= value < LARGEST else None


def _fields(data: object) -> tuple[Any, ...] | list[Any]:
    if type(data) is not dict:
        return _BLANK
    values: list[Any] = [*_BLANK]
    for name, value in data.items():
        if (place := PLACE.get(name)) is not None and value is not None:
            at, numeric = place
            if values[at] is None or FIRST[name]:
                values[at] = _number(value) if numeric else _text(value)
    return values


FIRST = {name: names[0] == name for names in FIELDS.values() for name in names}
"""Whether a name goes before the others of its column."""


def _message(provider: str | None, number: int | None, data: object) -> str:
    """Return provider, event id and the first values, in one line."""
    head = f"{provider or '?'} {'?' if number is None else number}"
    if type(data) is dict and data:
        shown = ", ".join(
            f"{name}={value if type(value) is str else _text(value)}"
            for name, value in islice(data.items(), VALUES)
        )
        head = f"{head}: {shown}"
    head = head[:CHARACTERS]
    return head if head.isprintable() else _CONTROL.sub(" ", head)


def _time(stamp: object) -> int | None:
    """Return the microseconds of `2020-12-11T12:28:01.2990045Z`; what is finer is left out."""
    if type(stamp) is not str:
        return None
    whole = second(stamp[:19])
    fraction = stamp[20:26].rstrip("ZUTC ") if stamp[19:20] == "." else ""
    if whole is None or not (fraction == "" or (fraction.isascii() and fraction.isdigit())):
        return None
    return whole + int(fraction.ljust(6, "0"))


def nanos_of(time: int, chunk: bytes, place: Place) -> int | None:
    """Return the nanoseconds of a time beyond its microseconds, which the decoder leaves out.

    The record holds the time as a FILETIME, 100 ns a tick: of its eight bytes the upper seven are
    known, and where they stand the lowest goes before them. None where they don't stand there.
    """
    ticks = (time + SINCE_1601) * 10
    if not 0 < ticks < LARGEST:
        return None
    for upper in {ticks >> 8, (ticks + 9) >> 8}:
        at = chunk.find(upper.to_bytes(7, "little"), place.offset + 24, place.offset + place.size)
        if at > 0 and 0 <= (found := (upper << 8 | chunk[at - 1]) - ticks) < 10:
            return found * 100
    return None


@lru_cache(maxsize=4096)
def second(stamp: str) -> int | None:
    try:
        moment = datetime.fromisoformat(stamp).replace(tzinfo=UTC)
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(microseconds=1)
