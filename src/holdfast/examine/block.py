"""Many records at once, column by column: for formats of which a file holds millions.

A parser may yield a `Block` wherever it may yield a record. What it means is the records it
stands for, in their order; the engine writes it without making an object of each, which is
most of the cost of a line of a log. Decision 0053 says why there are both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from holdfast.examine._arrow import Array, pa, pc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from holdfast.examine.record import Record


@dataclass(frozen=True)
class Part:
    """The rows of one kind in a block."""

    kind: type[Record]
    order: Sequence[int] | Array
    """Each row's place among all records of the block, from 0, rising."""
    columns: Mapping[str, Sequence[object] | Array]
    """Values by field, one a row: Python's, or an Arrow array (times as integers in it)."""
    same: Mapping[str, object] = field(default_factory=dict)
    """Values by field that every row has; a field in neither has its default."""

    def records(self) -> Iterator[tuple[int, Record]]:
        """Yield each row as the record it stands for, with its place."""
        make = cast("Callable[..., Record]", self.kind)
        columns = map(plain, self.columns.values())
        for place, *values in zip(cast("Sequence[int]", plain(self.order)), *columns, strict=True):
            yield place, make(**self.same, **dict(zip(self.columns, values, strict=True)))


def plain(values: Sequence[object] | Array) -> Sequence[object]:
    """Return a column's values as Python's."""
    return values.to_pylist() if isinstance(values, pa.Array) else values


def numbers(start: int, stop: int, step: int = 1) -> Array:
    """Return the integers of a range. (Of `range`, Arrow makes them one by one.)"""
    return pa.arange(start, stop, step)


def places_of(order: Sequence[int] | Array) -> Array:
    """Return the places of a part's rows as an array."""
    if isinstance(order, range):
        return numbers(order.start, order.stop, order.step)
    return order if isinstance(order, pa.Array) else pa.array(order, pa.int64())


def merged(parts: Iterable[Part | None]) -> Part | None:
    """Return the rows of several parts of one kind as one, in their order.

    Every column is an array in one of the parts at least; a part that lacks a column has no
    values in it. `same` is taken from the first.
    """
    there = [part for part in parts if part is not None]
    if len(there) < 2:
        return there[0] if there else None
    order = pa.concat_arrays([places_of(part.order) for part in there])
    by_place = pc.array_sort_indices(order)
    types = {
        name: values.type
        for part in there
        for name, values in part.columns.items()
        if isinstance(values, pa.Array)
    }
    columns: dict[str, Array] = {}
    for name, type_ in types.items():
        given = [_values(part, name, type_) for part in there]
        columns[name] = pa.concat_arrays(given).take(by_place)
    return Part(there[0].kind, order.take(by_place), columns, there[0].same)


def _values(part: Part, name: str, type_: pa.DataType) -> Array:
    values = part.columns.get(name)
    if values is None:
        return pa.repeat(pa.scalar(part.same.get(name), type_), len(part.order))
    return values if isinstance(values, pa.Array) else pa.array(values, type_)


@dataclass(frozen=True)
class Block:
    """Records that follow each other in a file; their places are 0, 1, 2 and so on."""

    parts: tuple[Part, ...]

    def __len__(self) -> int:
        return sum(len(part.order) for part in self.parts)

    def records(self) -> Iterator[Record]:
        """Yield the records in their order."""
        found = [pair for part in self.parts for pair in part.records()]
        found.sort(key=lambda pair: pair[0])
        return (record for _, record in found)


def each(found: Iterable[Record | Block]) -> Iterator[Record]:
    """Yield every record that a parser yields, those of its blocks one by one."""
    for one in found:
        if isinstance(one, Block):
            yield from one.records()
        else:
            yield one


class Rows:
    """Gathers the rows of one kind of a block: a tuple each, turned into columns at the end."""

    def __init__(self, kind: type[Record], *names: str, **same: object) -> None:
        self._kind, self._names, self._same = kind, names, same
        self.order: list[int] = []
        self.rows: list[tuple[object, ...]] = []

    def part(self) -> Part | None:
        """Return what was gathered; None where there is nothing."""
        if not self.rows:
            return None
        values = zip(*self.rows, strict=True)
        columns = dict(zip(self._names, values, strict=True))
        return Part(self._kind, self.order, columns, self._same)


def block(*parts: Part | None) -> Block | None:
    """Return the block of what was gathered; None where there is nothing."""
    there = tuple(part for part in parts if part is not None)
    return Block(there) if there else None
