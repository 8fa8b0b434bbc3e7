"""Decoded event records of one shape, read together: no object for a record or a value.

Records that come from one template are the same JSON but for the values. Cut at its quotes, each
gives the same number of pieces, the same names among them. So one of them is parsed with a mark
in the place of every value; what the parser takes from it says, for all of them, which piece goes
into which column. Text with an escape, a control character, a list, a number that is no integer
or a name that comes twice is not read here but one record at a time.
docs/decisions/0101-events-are-read-by-shape.md.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from holdfast.examine._arrow import Array, pa, pc
from holdfast.examine.block import numbers
from holdfast.examine.parsers._evtx_fields import FIELDS, FIRST, MESSAGE, PLACE, VALUES, second
from holdfast.examine.parsers._lines import sliced
from holdfast.examine.record import EXACT

if TYPE_CHECKING:
    from collections.abc import Iterator

FEWEST = 32
"""Records of one shape that are worth it."""
_SHAPES = 256
"""Shapes that are tried for some thousand records; what is left then is read singly."""
_PIECES = 1000
_INTEGER = re.compile(r"([:,{}]*)(-?\d+)([,{}]*)")
_OUTSIDE = re.compile(r"[:,{}]*(?:null|true|false)?[,{}]*")
_STAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(?:\.\d{1,9})?Z$"


class OddError(Exception):
    """These records must be read one at a time."""


class Text:
    """A value that is text in the JSON: a piece of each record."""

    def __init__(self, values: Array) -> None:
        self.values = values


class Number:
    """A value that is an integer: its digits in each record."""

    def __init__(self, digits: Array) -> None:
        self.digits = digits


def shapes(texts: Array, at: Array) -> Iterator[tuple[Array, dict[str, Any]]]:
    """Yield the records of each shape that many have: their numbers, and the JSON with `Text`
    and `Number` for values. `at` are the texts' numbers; those not yielded are read singly.
    """
    plain = pc.ascii_is_printable(texts)
    if b"\\" in memoryview(texts.buffers()[2]).tobytes():
        plain = pc.and_(plain, pc.invert(pc.match_substring(texts, "\\")))
    if plain.true_count < len(texts):
        texts, at = texts.filter(plain), at.filter(plain)
    cut = pc.split_pattern(texts, '"')
    counts = pc.list_value_length(cut)
    tried = 0
    for one in pc.value_counts(counts).to_pylist() if len(texts) else ():
        count = one["values"]
        if one["counts"] < FEWEST or count > _PIECES:
            continue
        same = pc.equal(counts, count)
        flat, left = cut.filter(same).flatten(), at.filter(same)
        while len(left) >= FEWEST and tried < _SHAPES:
            tried += 1
            shape = _Shape([piece.as_py() for piece in flat[:count]])
            alike = shape.alike(flat)
            if alike.true_count >= FEWEST and shape.event is not None:
                chosen = flat if alike.true_count == len(left) else flat.filter(
                    _repeated(alike, count)
                )  # fmt: skip
                yield left.filter(alike), _marked(shape.event, chosen, count)
            rest = pc.invert(alike)
            if not rest.true_count:
                break
            flat, left = flat.filter(_repeated(rest, count)), left.filter(rest)


def _repeated(mask: Array, count: int) -> Array:
    """Return each member `count` times."""
    every = numbers(0, len(mask) * count)
    return mask.take(pc.divide(every, count))


class _Shape:
    """What the JSON of one record says of those that are like it."""

    def __init__(self, pieces: list[str]) -> None:
        self._count = len(pieces)
        self._fixed: list[bool] = []
        """Of each piece, whether it is the same in all."""
        self._patterns: list[tuple[int, str]] = []
        """Pieces with an integer, and what they must look like."""
        self._words: list[str] = []
        out: list[str] = []
        usable = True
        for number, text in enumerate(pieces):
            name = number % 2 == 1 and pieces[number + 1].startswith(":")
            found = None if number % 2 else _INTEGER.fullmatch(text)
            self._fixed.append(found is None and (name or number % 2 == 0))
            if found is not None:
                out.append(f'{found[1]}"#{number}"{found[3]}')
                ends = map(re.escape, (found[1], found[3]))
                self._patterns.append((number, r"^{}(?:0|-?[1-9]\d{{0,17}}){}$".format(*ends)))
            elif number % 2 == 0:
                usable = usable and _OUTSIDE.fullmatch(text) is not None
                out.append(text)
            else:
                out.append(f'"{text}"' if name else f'"@{number}"')
            if self._fixed[-1]:
                self._words.append(text)
        self.event: Any = None
        """The JSON with a mark for each value; None for what can't be read by its shape."""
        if usable:
            try:
                self.event = json.loads("".join(out), object_pairs_hook=_once)
            except (ValueError, OddError, RecursionError):
                return

    def alike(self, flat: Array) -> Array:
        """Say which records, whose pieces follow each other in `flat`, have this shape."""
        rows = len(flat) // self._count
        width = len(self._words)
        mask = pa.array(self._fixed).take(_cycle(self._count, rows))
        words = flat.filter(mask)
        same = pc.equal(words, pa.array(self._words).take(_cycle(width, rows)))
        if same.true_count == len(same):
            alike = pa.repeat(pa.scalar(True), rows)
        else:
            # What is other, summed up to the end of each record: nothing new is in those alike.
            other = pc.cumulative_sum(pc.invert(same).cast(pa.int64()))
            ends = other.take(numbers(width - 1, len(other), width))
            before = pa.concat_arrays([pa.array([0], pa.int64()), ends[:-1]])
            alike = pc.equal(ends, before)
        for number, pattern in self._patterns:
            piece = flat.take(numbers(number, len(flat), self._count))
            alike = pc.and_(alike, pc.match_substring_regex(piece, pattern))
        return alike


def _cycle(width: int, rows: int) -> Array:
    """Return 0, 1 and so on to `width`, `rows` times."""
    every = numbers(0, width * rows)
    return pc.subtract(every, pc.multiply(pc.divide(every, width), width))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise OddError
    return found


def _marked(value: Any, flat: Array, count: int) -> Any:
    """Put the values of all records in the place of the marks."""
    if isinstance(value, dict):
        return {name: _marked(inner, flat, count) for name, inner in value.items()}
    if not isinstance(value, str):
        return value
    piece = flat.take(numbers(int(value[1:]), len(flat), count))
    return Text(piece) if value[0] == "@" else Number(pc.ascii_trim(piece, ":,{}"))


def text_of(value: Any) -> Array | str | None:
    """Return a value as text: JSON where it is something else."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Text):
        return value.values
    parts = list(_dumped(value))
    return parts[0] if len(parts) == 1 else _joined(parts)


def number_of(value: Any) -> Array | None:
    """Return a number that is one, is written as one, or has attributes beside it."""
    if isinstance(value, dict):
        value = value.get("#text")
    if isinstance(value, Number):
        return value.digits.cast(pa.int64())
    if not isinstance(value, Text):
        return None
    digits = pc.match_substring_regex(value.values, r"^\d{1,18}$")
    return pc.if_else(digits, value.values, pa.scalar(None, pa.string())).cast(pa.int64())


def json_of(value: Any) -> Array | str | None:
    """Return a value as JSON; None where it is null."""
    return None if value is None else _joined(list(_dumped(value)))


def _dumped(value: Any) -> Iterator[Array | str]:
    if isinstance(value, dict):
        yield "{"
        for number, (name, inner) in enumerate(value.items()):
            yield f'{"," if number else ""}"{name}":'
            yield from _dumped(inner)
        yield "}"
    elif isinstance(value, Text):
        yield from ('"', value.values, '"')
    elif isinstance(value, Number):
        yield value.digits
    else:
        yield json.dumps(value)


def _joined(parts: list[Array | str]) -> Array | str:
    """Return the parts put together, of each record."""
    merged: list[Any] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    if len(merged) == 1:
        only: Array | str = merged[0]
        return only
    return pc.binary_join_element_wise(*merged, "")


def message_of(provider: Any, number: Any, data: Any) -> Any:
    """Return provider, event id and the first values, in one line."""
    shown = pc.fill_null(number.cast(pa.string()), "?") if number is not None else "?"
    parts = ["?" if provider is None else provider, " ", shown]
    if isinstance(data, dict) and data:
        mark = ": "
        for name, value in islice(data.items(), VALUES):
            text = "None" if value is None else text_of(value)
            parts += [f"{mark}{name}=", text]
            mark = ", "
    whole = _joined(parts)
    if isinstance(whole, str):
        return whole[:MESSAGE]
    if pc.max(pc.binary_length(whole)).as_py() <= MESSAGE:
        return whole
    return pc.utf8_slice_codeunits(whole, 0, MESSAGE)


def time_of(stamp: Any) -> Array:
    """Return the microseconds of `2020-12-11T12:28:01.2990045Z`; what is finer is left out.

    Raises:
        OddError: one of them is written in another way.
    """
    if not isinstance(stamp, Text):
        raise OddError
    stamps = stamp.values
    if pc.match_substring_regex(stamps, _STAMP).true_count < len(stamps):
        raise OddError
    named = sliced(stamps, 0, 16).dictionary_encode()
    begun = [second(f"{one}:00") for one in named.dictionary.to_pylist()]
    if None in begun:
        raise OddError
    minutes = pa.array(begun, pa.int64()).take(named.indices)
    seconds = sliced(stamps, 17, 19).cast(pa.int64())
    fraction = pc.ascii_ltrim(pc.ascii_rtrim(sliced(stamps, 19, 26), "Z"), ".")
    micros = pc.ascii_rpad(fraction, 6, "0").cast(pa.int64())
    return pc.add(pc.add(minutes, pc.multiply(seconds, 1_000_000)), micros)


def columns_of(event: dict[str, Any], count: int) -> dict[str, Array]:
    """Return the columns of records of one shape, as `_row` in `_evtx_columns` has them for one.

    Raises:
        OddError: they must be read one at a time.
    """
    system = _object(event.get("System"))
    data, user = event.get("EventData"), event.get("UserData")
    provider = _attributes(system.get("Provider"))
    execution = _attributes(system.get("Execution"))
    related = _attributes(system.get("Correlation"))
    given = _shaped_fields(data)
    name, other = provider.get("Name"), provider.get("EventSourceName")
    if (name, other) != (None, None) and (not isinstance(name, Text) or _some_empty(name)):
        raise OddError
    shown = text_of(name)
    number = number_of(system.get("EventID"))
    if data is not None and user is not None and not (isinstance(data, dict) and data):
        raise OddError
    computer = text_of(system.get("Computer"))
    stamp = _attributes(system.get("TimeCreated")).get("SystemTime")
    columns: dict[str, Any] = {
        "time": time_of(stamp),
        "time_meaning": "logged",
        "time_quality": EXACT,
        "host": computer,
        "user": _first_given(given.get("account"), given.get("subject_user")),
        "message": message_of(shown, number, data or user),
        "provider": shown,
        "provider_guid": text_of(provider.get("Guid")),
        "event_id": number,
        "event_version": number_of(system.get("Version")),
        "record_id": number_of(system.get("EventRecordID")),
        "level": number_of(system.get("Level")),
        "task": number_of(system.get("Task")),
        "opcode": number_of(system.get("Opcode")),
        "keywords": text_of(system.get("Keywords")),
        "channel": text_of(system.get("Channel")),
        "computer": computer,
        "user_sid": text_of(_attributes(system.get("Security")).get("UserID")),
        "process_id": number_of(execution.get("ProcessID")),
        "thread_id": number_of(execution.get("ThreadID")),
        "activity_id": text_of(related.get("ActivityID")),
        "related_activity_id": text_of(related.get("RelatedActivityID")),
        "event_data": json_of(data),
        "user_data": json_of(user),
        **given,
    }
    return {
        column: pa.repeat(values, count) if isinstance(values, str) else values
        for column, values in columns.items()
        if values is not None
    }


def _shaped_fields(data: object) -> dict[str, Any]:
    found: dict[str, Any] = {}
    columns = list(FIELDS)
    for name, value in data.items() if type(data) is dict else ():
        if (place := PLACE.get(name)) is not None and value is not None:
            at, numeric = place
            column = columns[at]
            if column in found and numeric:
                raise OddError
            if column not in found or FIRST[name]:
                found[column] = number_of(value) if numeric else text_of(value)
    return found


def _first_given(one: Any, other: Any) -> Any:
    """Return the one, or where it is empty or absent the other."""
    if one is None or other is None:
        return other if one is None else one
    return pc.if_else(pc.equal(one, ""), other, one)


def _some_empty(name: Text) -> bool:
    return bool(pc.any(pc.equal(name.values, "")).as_py())


def _object(value: object) -> dict[str, Any]:
    return value if type(value) is dict else {}


def _attributes(value: object) -> dict[str, Any]:
    return _object(_object(value).get("#attributes"))
