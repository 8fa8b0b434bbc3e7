"""Decoded event records (JSON text) as columns.

An object for each record would cost more than decoding it did: the values go from the decoder's
JSON into columns, thousands at a time; what has a shape of its own, by way of `_evtx_row`.
docs/decisions/0053-logs-come-in-blocks.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.examine._arrow import Array, pa, pc
from holdfast.examine.block import Part, Rows, block, merged, numbers
from holdfast.examine.parsers import _evtx_row as one
from holdfast.examine.parsers import _evtx_shapes as shapes
from holdfast.examine.record import EXACT, Failure

if TYPE_CHECKING:
    from holdfast.examine.block import Block
    from holdfast.examine.parsers._evtx_chunks import Chunk, Place
    from holdfast.examine.record import Record

_UNDECODED = "the record can't be decoded"


class Columns:
    """Gathers decoded records and gives them out as a block of `kind`."""

    def __init__(self, kind: type[Record]) -> None:
        self._kind = kind
        self._texts: list[str | None] = []
        self._places: list[tuple[Place, Chunk, bool, bool]] = []
        """Of each record: its place, its chunk, whether recovered, whether checked."""
        self.text = 0
        """Characters gathered."""
        self.undecoded = 0
        """Records given out so far of which only number and time could be read."""

    def __len__(self) -> int:
        return len(self._texts)

    def add(
        self, text: str | None, place: Place, chunk: Chunk, *, recovered: bool, checked: bool
    ) -> None:
        """Take the record at `place` of `chunk`, as the decoder's JSON."""
        self._texts.append(text)
        self._places.append((place, chunk, recovered, checked))
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
        bad = Rows(Failure, "message", "time", "time_nanos", "offset", "length", "row",
                   reason=_UNDECODED, time_meaning="written", time_quality=EXACT)  # fmt: skip
        for number, text in enumerate(self._texts):
            if number in taken:
                continue
            event = None if text is None else one.event(text)
            place, chunk, recovered, _ = self._places[number]
            self.undecoded += event is None
            if event is None and not recovered:
                bad.order.append(number)
                row = place.number if place.number < one.LARGEST else None
                bad.rows.append((f"record {place.number}", place.written, place.nanos,
                                 chunk.offset + place.offset, place.size, row))  # fmt: skip
                continue
            order.append(number)
            rows.append(one.row(event or {}, *self._places[number]))
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
                columns = _shaped(event, len(at))
            except shapes.OddError:
                continue
            known = known or _frames(self._places)
            columns.update((name, values.take(at)) for name, values in known.items())
            columns["time_nanos"] = _all_nanos(columns["time"], at, self._places)
            parts.append(Part(self._kind, at, columns))
            taken.update(at.to_pylist())
        return parts, taken


def _frames(places: list[tuple[Place, Chunk, bool, bool]]) -> dict[str, Array]:
    """Return the columns that don't come from the records' content."""
    found = [
        (chunk.offset + place.offset, place.size,
         place.number if place.number < one.LARGEST else None, place.written, recovered, checked)
        for place, chunk, recovered, checked in places
    ]  # fmt: skip
    names = ("offset", "length", "row", "written_time", "recovered", "checked")
    return {
        name: pa.array(values, _type(name))
        for name, values in zip(names, zip(*found, strict=True), strict=True)
    }


def _all_nanos(times: Array, at: Array, places: list[tuple[Place, Chunk, bool, bool]]) -> Array:
    """Return what `one.nanos_of` says of the records numbered `at`."""
    found = (
        one.nanos_of(time, places[number][1].data, places[number][0])
        for number, time in zip(at.to_pylist(), times.to_pylist(), strict=True)
    )
    return pa.array(found, pa.int64())


def _shaped(event: dict[str, Any], count: int) -> dict[str, Array]:
    """Return the columns of records of one shape, as `one.row` has them for one record.

    Raises:
        OddError: they must be read one at a time.
    """
    system = one.members(event.get("System"))
    data, user = event.get("EventData"), event.get("UserData")
    provider = one.attributes(system.get("Provider"))
    execution = one.attributes(system.get("Execution"))
    related = one.attributes(system.get("Correlation"))
    given = _shaped_fields(data)
    name, other = provider.get("Name"), provider.get("EventSourceName")
    if (name, other) != (None, None) and (not isinstance(name, shapes.Text) or _some_empty(name)):
        raise shapes.OddError
    shown = shapes.text_of(name)
    number = shapes.number_of(system.get("EventID"))
    if data is not None and user is not None and not (isinstance(data, dict) and data):
        raise shapes.OddError
    computer = shapes.text_of(system.get("Computer"))
    stamp = one.attributes(system.get("TimeCreated")).get("SystemTime")
    columns: dict[str, Any] = {
        "time": shapes.time_of(stamp, one.second),
        "time_meaning": "logged",
        "time_quality": EXACT,
        "host": computer,
        "user": _first_given(given.get("account"), given.get("subject_user")),
        "message": shapes.message_of(shown, number, data or user, one.VALUES, one.CHARACTERS),
        "provider": shown,
        "provider_guid": shapes.text_of(provider.get("Guid")),
        "event_id": number,
        "event_version": shapes.number_of(system.get("Version")),
        "record_id": shapes.number_of(system.get("EventRecordID")),
        "level": shapes.number_of(system.get("Level")),
        "task": shapes.number_of(system.get("Task")),
        "opcode": shapes.number_of(system.get("Opcode")),
        "keywords": shapes.text_of(system.get("Keywords")),
        "channel": shapes.text_of(system.get("Channel")),
        "computer": computer,
        "user_sid": shapes.text_of(one.attributes(system.get("Security")).get("UserID")),
        "process_id": shapes.number_of(execution.get("ProcessID")),
        "thread_id": shapes.number_of(execution.get("ThreadID")),
        "activity_id": shapes.text_of(related.get("ActivityID")),
        "related_activity_id": shapes.text_of(related.get("RelatedActivityID")),
        "event_data": shapes.json_of(data),
        "user_data": shapes.json_of(user),
        **given,
    }
    return {
        column: pa.repeat(values, count) if isinstance(values, str) else values
        for column, values in columns.items()
        if values is not None
    }


def _shaped_fields(data: object) -> dict[str, Any]:
    found: dict[str, Any] = {}
    columns = list(one.FIELDS)
    for name, value in data.items() if type(data) is dict else ():
        if (place := one.PLACE.get(name)) is not None and value is not None:
            at, numeric = place
            column = columns[at]
            if column in found and numeric:
                raise shapes.OddError
            if column not in found or one.FIRST[name]:
                found[column] = shapes.number_of(value) if numeric else shapes.text_of(value)
    return found


def _first_given(one: Any, other: Any) -> Any:
    """Return the one, or where it is empty or absent the other."""
    if one is None or other is None:
        return other if one is None else one
    return pc.if_else(pc.equal(one, ""), other, one)


def _some_empty(name: shapes.Text) -> bool:
    return bool(pc.any(pc.equal(name.values, "")).as_py())


def _type(name: str) -> pa.DataType:
    if name in one.WHOLE:
        return pa.int64()
    return pa.bool_() if name in one.FLAGS else pa.string()


def _arrays(rows: list[tuple[Any, ...]]) -> dict[str, Array]:
    """Return rows as columns, without those in which there is nothing."""
    found = {}
    for name, values in zip(one.COLUMNS, zip(*rows, strict=True), strict=True):
        array = pa.array(values, _type(name))
        if array.null_count < len(array):
            found[name] = array
    return found
