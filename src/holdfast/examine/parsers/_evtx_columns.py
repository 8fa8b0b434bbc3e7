"""Decoded event records (JSON text) as columns.

An object for each record would cost more than decoding it did: the values go from the decoder's
JSON into rows of plain values, and those into columns, thousands at a time.
docs/decisions/0053-logs-come-in-blocks.md.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.examine._arrow import Array, pa
from holdfast.examine.block import Part, Rows, block, merged, numbers
from holdfast.examine.parsers import _evtx_shapes as shapes
from holdfast.examine.parsers._evtx_fields import (
    FIELDS,
    FIRST,
    MESSAGE,
    NUMBERS,
    PLACE,
    VALUES,
    second,
)
from holdfast.examine.record import EXACT, Failure

if TYPE_CHECKING:
    from holdfast.examine.block import Block
    from holdfast.examine.parsers._evtx_chunks import Place
    from holdfast.examine.record import Record

__all__ = ["COLUMNS", "FIELDS", "Columns"]

_LARGEST = 2**63
_UNDECODED = "the record can't be decoded"
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")
_DIGITS = 18

_ACCOUNT, _SUBJECT = (list(FIELDS).index(name) for name in ("account", "subject_user"))
_BLANK = (None,) * len(FIELDS)

_WHOLE = {
    "time", "offset", "length", "row", "event_id", "event_version", "record_id", "level", "task",
    "opcode", "process_id", "thread_id", "written_time", *NUMBERS,
}  # fmt: skip
"""Columns of integers."""
_FLAGS = {"recovered", "checked"}
COLUMNS = (
    "time", "time_meaning", "time_quality", "time_original", "host", "user", "message", "offset",
    "length", "row", "provider", "provider_guid",
    "event_id", "event_version", "record_id", "level", "task", "opcode", "keywords", "channel",
    "computer", "user_sid", "process_id", "thread_id", "activity_id", "related_activity_id",
    "written_time", "recovered", "checked", "event_data", "user_data", *FIELDS,
)  # fmt: skip


class Columns:
    """Gathers decoded records and gives them out as a block of `kind`."""

    def __init__(self, kind: type[Record]) -> None:
        self._kind = kind
        self._texts: list[str | None] = []
        self._places: list[tuple[Place, int, bool, bool]] = []
        """Of each record: its place, its chunk's offset, whether recovered, whether checked."""
        self.text = 0
        """Characters gathered."""
        self.undecoded = 0
        """Records given out so far of which only number and time could be read."""

    def __len__(self) -> int:
        return len(self._texts)

    def add(
        self, text: str | None, place: Place, start: int, *, recovered: bool, checked: bool
    ) -> None:
        """Take the record at `place` of the chunk at `start`, as the decoder's JSON."""
        self._texts.append(text)
        self._places.append((place, start, recovered, checked))
        self.text += len(text or "")

    def take(self) -> Block | None:
        """Return what was gathered, in order; None where there is nothing.

        A record without content is a failure, save in slack: a header there still has number and
        time.
        """
        if not self._texts:
            return None
        parts, taken = self._by_shape()
        rows: list[tuple[Any, ...]] = []
        order: list[int] = []
        bad = Rows(Failure, "message", "time", "offset", "length", "row", reason=_UNDECODED,
                   time_meaning="written")  # fmt: skip
        for number, text in enumerate(self._texts):
            if number in taken:
                continue
            event = None if text is None else _event(text)
            place, start, recovered, _ = self._places[number]
            self.undecoded += event is None
            if event is None and not recovered:
                bad.order.append(number)
                row = place.number if place.number < _LARGEST else None
                bad.rows.append((f"record {place.number}", place.written, start + place.offset,
                                 place.size, row))  # fmt: skip
                continue
            order.append(number)
            rows.append(_row(event or {}, *self._places[number]))
        if rows:
            parts.append(Part(self._kind, order, _arrays(rows)))
        self._texts, self._places, self.text = [], [], 0
        return block(merged(parts), bad.part())

    def _by_shape(self) -> tuple[list[Part], set[int]]:
        """Return what can be read many at a time, and the numbers of those records."""
        parts: list[Part] = []
        taken: set[int] = set()
        if len(self._texts) < shapes.FEWEST:
            return parts, taken
        whole = pa.array(self._texts, pa.string())
        every = numbers(0, len(whole))
        if whole.null_count:
            every = every.filter(whole.is_valid())
            whole = whole.drop_null()
        known: dict[str, Array] = {}
        for at, found in shapes.shapes(whole, every):
            event = found.get("Event") if isinstance(found, dict) else None
            if not isinstance(event, dict):
                continue
            try:
                columns = shapes.columns_of(event, len(at))
            except shapes.OddError:
                continue
            known = known or _frames(self._places)
            columns.update((name, values.take(at)) for name, values in known.items())
            parts.append(Part(self._kind, at, columns))
            taken.update(at.to_pylist())
        return parts, taken


def _frames(places: list[tuple[Place, int, bool, bool]]) -> dict[str, Array]:
    """Return the columns that don't come from the records' content."""
    found = [
        (start + place.offset, place.size, place.number if place.number < _LARGEST else None,
         place.written, recovered, checked)
        for place, start, recovered, checked in places
    ]  # fmt: skip
    names = ("offset", "length", "row", "written_time", "recovered", "checked")
    return {
        name: pa.array(values, _type(name))
        for name, values in zip(names, zip(*found, strict=True), strict=True)
    }


def _type(name: str) -> pa.DataType:
    if name in _WHOLE:
        return pa.int64()
    return pa.bool_() if name in _FLAGS else pa.string()


def _arrays(rows: list[tuple[Any, ...]]) -> dict[str, Array]:
    """Return rows as columns, without those in which there is nothing."""
    found = {}
    for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True):
        array = pa.array(values, _type(name))
        if array.null_count < len(array):
            found[name] = array
    return found


def _row(
    event: dict[str, Any], place: Place, start: int, recovered: bool, checked: bool
) -> tuple[Any, ...]:
    """Return the values of `COLUMNS` of one record; `event` is empty where it has no content."""
    system = _object(event.get("System"))
    data, user = event.get("EventData"), event.get("UserData")
    provider = _attributes(system.get("Provider"))
    execution = _attributes(system.get("Execution"))
    related = _attributes(system.get("Correlation"))
    fields, computer = _fields(data), _text(system.get("Computer"))
    name = _text(provider.get("Name") or provider.get("EventSourceName"))
    number = _number(system.get("EventID"))
    logged = _time(_attributes(system.get("TimeCreated")).get("SystemTime"))
    row = place.number if place.number < _LARGEST else None
    message = (
        _message(name, number, data or user)
        if event
        else f"record {place.number} in slack, its content can't be decoded"
    )
    return (
        place.written if logged is None else logged,
        "written" if logged is None else "logged",
        EXACT,
        None,
        computer,
        fields[_ACCOUNT] or fields[_SUBJECT],
        message,
        start + place.offset,
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
        _text(_attributes(system.get("Security")).get("UserID")),
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


def _event(text: str) -> dict[str, Any] | None:
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


def _object(value: object) -> dict[str, Any]:
    return value if type(value) is dict else {}


def _attributes(value: object) -> dict[str, Any]:
    return _object(value.get("#attributes")) if type(value) is dict else {}


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
    return value if type(value) is int and -_LARGEST <= value < _LARGEST else None


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


def _message(provider: str | None, number: int | None, data: object) -> str:
    """Return provider, event id and the first values, in one line."""
    head = f"{provider or '?'} {'?' if number is None else number}"
    if type(data) is dict and data:
        shown = ", ".join(
            f"{name}={value if type(value) is str else _text(value)}"
            for name, value in islice(data.items(), VALUES)
        )
        head = f"{head}: {shown}"
    head = head[:MESSAGE]
    return head if head.isprintable() else _CONTROL.sub(" ", head)


def _time(stamp: object) -> int | None:
    """Return the microseconds of `2020-12-11T12:28:01.2990045Z`; what is finer is left out."""
    if type(stamp) is not str:
        return None
    begun = second(stamp[:19])
    fraction = stamp[20:26].rstrip("ZUTC ") if stamp[19:20] == "." else ""
    if begun is None or not (fraction == "" or (fraction.isascii() and fraction.isdigit())):
        return None
    return begun + int(fraction.ljust(6, "0"))
