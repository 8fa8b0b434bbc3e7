"""What a kind's dataset looks like: its columns, their types, and values held to them."""

from __future__ import annotations

import typing
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar, cast

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.examine import _arrow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.examine.block import Part
    from holdfast.examine.record import Record

    Array = pa.Array[pa.Scalar[pa.DataType]]

_INT64 = 2**63
_LATEST = _INT64 - 2
"""DuckDB takes the last number for infinity."""
_TIME = pa.timestamp("us", tz="UTC")
_ORIGIN: tuple[tuple[str, pa.DataType], ...] = (
    ("item", pa.string()), ("path", pa.string()), ("parser", pa.string()),
    ("parser_version", pa.int64()), ("kind", pa.string()), ("seq", pa.int64()),
)  # fmt: skip
_BASE = (
    "time", "time_nanos", "time_meaning", "time_quality", "time_original", "host", "user",
    "message", "offset", "length", "row",
)  # fmt: skip
COMMON = (*(name for name, _ in _ORIGIN), *_BASE)
"""The columns every kind has, in this order, before its own."""

_TYPES: dict[object, tuple[pa.DataType, tuple[type, ...]]] = {
    str: (pa.string(), (str,)),
    int: (pa.int64(), (int,)),
    bool: (pa.bool_(), (bool,)),
    str | None: (pa.string(), (str, type(None))),
    int | None: (pa.int64(), (int, type(None))),
    bool | None: (pa.bool_(), (bool, type(None))),
    list[str]: (pa.list_(pa.string()), (list,)),
}


class UnfitError(ValueError):
    """A record that its own kind has no room for; what is said holds no evidence."""


def columns(kind: type[Record]) -> tuple[tuple[str, pa.DataType, tuple[type, ...]], ...]:
    """Return the name, Arrow type and Python types of each column after the origin's.

    Raises:
        TypeError: a field of another type than `Record` allows.
    """
    hints = typing.get_type_hints(kind)
    names = (*_BASE, *(field.name for field in fields(kind) if field.name not in _BASE))
    found = []
    for name in names:
        if hints[name] not in _TYPES:
            raise TypeError(f"{kind.__name__}.{name} is of no type that a column can have")
        arrow, python = _TYPES[hints[name]]
        timed = arrow == pa.int64() and (name == "time" or name.endswith("_time"))
        found.append((name, _TIME if timed else arrow, python))
    return tuple(found)


def schema(kind: type[Record]) -> pa.Schema:
    """Return the Arrow schema of a kind's dataset: the common columns, then its own."""
    return pa.schema([*_ORIGIN, *((name, arrow) for name, arrow, _ in columns(kind))])


class Shape:
    """What the writers of one kind share: found out once, not for every item."""

    _known: ClassVar[dict[type[Record], Shape]] = {}

    def __init__(self, kind: type[Record]) -> None:
        self.kind = kind.KIND
        self.columns = columns(kind)
        self.schema = schema(kind)
        self.values = attrgetter(*(name for name, _, _ in self.columns))
        self.texts = tuple(i for i, (_, _, python) in enumerate(self.columns) if str in python)
        self.numbers = tuple(
            (i, _LATEST if arrow == _TIME else _INT64 - 1)
            for i, (_, arrow, python) in enumerate(self.columns)
            if int in python
        )
        self.counted = ["seq", *(self.columns[i][0] for i, _ in self.numbers)]
        """Columns of numbers: those that have statistics, and are stored as differences."""
        self.lists = tuple(i for i, (_, _, python) in enumerate(self.columns) if list in python)
        self.defaults = _defaults(kind)
        self._fitting: set[tuple[type, ...]] = set()

    @classmethod
    def of(cls, kind: type[Record]) -> Shape:
        """Return the shape of `kind`."""
        if kind not in cls._known:
            cls._known[kind] = cls(kind)
        return cls._known[kind]

    def check(self, values: tuple[object, ...]) -> int:
        """Return the characters of text in `values`.

        Raises:
            UnfitError: a value of the wrong type, or a number beyond 64 bits.
        """
        signature = tuple(map(type, values))
        if signature not in self._fitting:
            for (name, _, python), found in zip(self.columns, signature, strict=True):
                if found not in python:
                    raise UnfitError(f"column {name} holds no {found.__name__}")
            self._fitting.add(signature)
        for index, most in self.numbers:
            number = values[index]
            if number is not None and not -most <= number <= most:  # type: ignore[operator]
                raise UnfitError(f"column {self.columns[index][0]} holds no number beyond 64 bits")
        text = 0
        for index in self.lists:
            members: list[object] = values[index]  # type: ignore[assignment]
            if any(type(member) is not str for member in members):
                raise UnfitError(f"column {self.columns[index][0]} is a list of text")
            text += sum(map(len, members))  # type: ignore[arg-type]
        for index in self.texts:
            if values[index] is not None:
                text += len(values[index])  # type: ignore[arg-type]
        return text


def _defaults(kind: type[Record]) -> dict[str, object]:
    """Return what a field holds that nothing was given for; a field without default is left out."""
    found: dict[str, object] = {}
    for field in fields(kind):
        if field.default is not MISSING:
            found[field.name] = field.default
        elif field.default_factory is not MISSING:
            found[field.name] = field.default_factory()
    return found


def storable(text: str) -> str:
    r"""Return `text` as UTF-8 can hold it: a lone surrogate becomes its escape, \udcff."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def column_of(values: Sequence[object], arrow: pa.DataType) -> Array:
    """Return values as a column."""
    try:
        return pa.array(values, arrow)
    except UnicodeEncodeError:
        return pa.array([_storable(value) for value in values], arrow)


def part_arrays(shape: Shape, part: Part) -> list[Array]:
    """Return a part's columns, each held to its type.

    Raises:
        UnfitError: a column that is missing, unknown, too short, or holds what it must not.
    """
    count = len(part.order)
    if unknown := {*part.columns, *part.same} - {name for name, _, _ in shape.columns}:
        raise UnfitError(f"{shape.kind} has no column {min(unknown)}")
    arrays = []
    for name, arrow, python in shape.columns:
        values = part.columns.get(name)
        if values is None:
            arrays.append(_repeated(shape, part, name, arrow, python))
            continue
        if isinstance(values, pa.Array):
            arrays.append(_held(name, values, arrow, python, count))
            continue
        if len(values) != count or not set(map(type, values)) <= set(python):
            raise UnfitError(f"column {name} holds something else, or not one value a row")
        if list in python and any(
            type(one) is not str for row in cast("Sequence[list[object]]", values) for one in row
        ):
            raise UnfitError(f"column {name} is a list of text")
        try:
            array = column_of(values, arrow)
        except (pa.ArrowException, OverflowError, TypeError) as error:
            raise UnfitError(f"column {name}: {type(error).__name__}") from error
        if int in python:
            _bounded(name, array, arrow)
        arrays.append(array)
    return arrays


def _held(
    name: str, values: Array, arrow: pa.DataType, python: tuple[type, ...], count: int
) -> Array:
    """Return an array as a column of the type `arrow`; what is text was made from text."""
    if len(values) != count or (values.null_count and type(None) not in python):
        raise UnfitError(f"column {name} holds something else, or not one value a row")
    if values.type != arrow and not (arrow == _TIME and values.type == pa.int64()):
        raise UnfitError(f"column {name} holds {values.type}")
    array = values if values.type == arrow else values.cast(arrow)
    if int in python:
        _bounded(name, array, arrow)
    return array


def _bounded(name: str, array: Array, arrow: pa.DataType) -> None:
    most = _LATEST if arrow == _TIME else _INT64 - 1
    least, largest = pc.min_max(array.cast(pa.int64())).values()
    if least.is_valid and not (-most <= least.as_py() and largest.as_py() <= most):
        raise UnfitError(f"column {name} holds no number beyond 64 bits")


def _repeated(
    shape: Shape, part: Part, name: str, arrow: pa.DataType, python: tuple[type, ...]
) -> Array:
    """Return a column in which every row holds the same."""
    given = part.same if name in part.same else shape.defaults
    if name not in given:
        raise UnfitError(f"column {name} has no values")
    if type(given[name]) not in python:
        raise UnfitError(f"column {name} holds something else")
    value = given[name]
    if value is None or isinstance(value, (str, bool)):
        shown = storable(value) if isinstance(value, str) else value
        return cast("Array", _arrow.pa.repeat(_arrow.pa.scalar(shown, arrow), len(part.order)))
    return column_of([value] * len(part.order), arrow)


def _storable(value: object) -> object:
    if isinstance(value, str):
        return storable(value)
    return [storable(text) for text in value] if isinstance(value, list) else value
