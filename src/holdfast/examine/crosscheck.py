"""A second opinion: a parser's records held against what another reader says of the same file.

Both go through the file side by side. What they say of one thing (a record, a message, a member)
is found by its key, wherever either has it; whatever differs is a `disagreement`, which changes
nothing of the parser's own records. docs/decisions/0095.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine.block import each
from holdfast.examine.record import Failure, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.interfaces import Parser, Second

    Said = dict[str, Json]

CROSS_CHECK = "cross_check"
"""The setting that asks for second opinions."""
ERROR = "error"
"""The name under which either says that it can't read a thing."""
WHOLE = "record"
"""In place of a field's name: one has the thing, and the other has not, or can't read it."""
_WAITING = 100_000
"""Things without a partner that are kept in mind, of each side."""
_MOST = 100_000
"""Disagreements that one file may give."""
_SHOWN = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement(Record):
    """One thing that two readers say differently; `offset` and `row` are the parser's, if any."""

    KIND: ClassVar[str] = "disagreement"

    of_parser: str
    of_kind: str | None = None
    """The kind of the parser's record; None where it has none."""
    second: str
    """The second reader."""
    thing: str
    """Which thing it is: the key's names and values."""
    field_name: str
    """What differs; `record` where one side has the thing and the other has not."""
    ours: str | None = None
    theirs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion(Record):
    """What a cross-check of one file came to, after its disagreements."""

    KIND: ClassVar[str] = "second_opinion"

    of_parser: str
    second: str
    of_ours: int
    """Things that the parser speaks of."""
    of_theirs: int
    compared: int
    """Things that both speak of."""
    disagreeing: int
    """Things that they say differently, or that only one of them has."""


class TooManyError(Exception):
    """Two readers see so differently that listing it helps nobody."""


class CrossCheck:
    """Stands among the parsers of a worker; its records are disagreements."""

    RECORDS: tuple[type[Record], ...] = (Disagreement, SecondOpinion)

    def __init__(self, second: Second, parser: Parser) -> None:
        self.parser, self._second = parser, second
        self.__name__ = second.__name__
        self.VERSION = second.VERSION
        self.DECODERS = tuple(sorted({*second.DECODERS, *parser.DECODERS}))

    def match(self, file: EvidenceFile) -> bool:
        """Accept what both read."""
        return self._second.match(file) and self.parser.match(file)

    def parse(self, file: EvidenceFile) -> Iterator[Record]:
        """Yield each disagreement, then the sum.

        Raises:
            Exception: whatever either reader raises; what was found before stays.
        """
        return _Passage(self._second, self.parser.__name__.rpartition(".")[2]).run(
            each(self.parser.parse(file)), self._second.read(file)
        )


class _Passage:
    """One file gone through by both."""

    def __init__(self, second: Second, parser: str) -> None:
        self._key, self._said = second.KEY, second.said
        self._names = (parser, second.__name__.rpartition(".")[2])
        self._ours: dict[str, deque[tuple[Said, Record]]] = {}
        self._theirs: dict[str, deque[Said]] = {}
        self._waiting = [0, 0]
        self._counts = [0, 0]
        self._compared = self._differ = self._given = 0

    def run(self, records: Iterator[Record], others: Iterator[Said]) -> Iterator[Record]:
        going = True
        while going:
            going = False
            for record in records:
                going = True
                said = self._said(record)
                if said is not None:
                    yield from self._mine(said, record)
                    break
            if (other := next(others, None)) is not None:
                going = True
                yield from self._other(other)
            if max(self._waiting) > _WAITING or self._given > _MOST:
                yield Failure(
                    message=f"{self._names[1]}: the two readers see this file too differently",
                    reason="too many disagreements",
                )
                return
        yield from self._left()
        ours, theirs = self._counts
        yield SecondOpinion(
            message=f"{self._compared} compared by {self._names[1]}, {self._differ} differ",
            of_parser=self._names[0], second=self._names[1], of_ours=ours, of_theirs=theirs,
            compared=self._compared, disagreeing=self._differ,
        )  # fmt: skip

    def _mine(self, said: Said, record: Record) -> Iterator[Record]:
        self._counts[0] += 1
        key = self._thing(said)
        if there := self._theirs.get(key):
            self._waiting[1] -= 1
            yield from self._compare(said, there.popleft(), record)
            if not there:
                del self._theirs[key]
        else:
            self._waiting[0] += 1
            self._ours.setdefault(key, deque()).append((said, record))

    def _other(self, said: Said) -> Iterator[Record]:
        self._counts[1] += 1
        key = self._thing(said)
        if here := self._ours.get(key):
            self._waiting[0] -= 1
            mine, record = here.popleft()
            yield from self._compare(mine, said, record)
            if not here:
                del self._ours[key]
        else:
            self._waiting[1] += 1
            self._theirs.setdefault(key, deque()).append(said)

    def _left(self) -> Iterator[Record]:
        """Yield what only one of them has."""
        for waiting in self._ours.values():
            for said, record in waiting:
                if ERROR not in said:  # what neither can read is no disagreement
                    self._differ += 1
                    yield self._disagree(said, record, WHOLE, "there", None)
        for others in self._theirs.values():
            for said in others:
                if ERROR not in said:
                    self._differ += 1
                    yield self._disagree(said, None, WHOLE, None, "there")

    def _compare(self, ours: Said, theirs: Said, record: Record) -> Iterator[Record]:
        self._compared += 1
        if ERROR in ours or ERROR in theirs:
            if not (ERROR in ours and ERROR in theirs):
                self._differ += 1
                yield self._disagree(
                    ours, record, WHOLE, ours.get(ERROR, "read"), theirs.get(ERROR, "read")
                )
            return
        names = [
            name for name in theirs if name not in self._key and ours.get(name) != theirs[name]
        ]
        self._differ += bool(names)
        for name in names:
            yield self._disagree(ours, record, name, ours.get(name), theirs[name])

    def _thing(self, said: Said) -> str:
        return ", ".join(f"{name}={_text(said.get(name))}" for name in self._key)

    def _disagree(
        self, said: Said, record: Record | None, name: str, ours: Json, theirs: Json
    ) -> Disagreement:
        self._given += 1
        parser, second = self._names
        thing, here, there = self._thing(said), _text(ours), _text(theirs)
        told = f"{thing}: {name}: {parser} says {here}, {second} says {there}"
        return Disagreement(
            message=" ".join(told.split())[:_SHOWN],
            offset=record.offset if record else None,
            length=record.length if record else None,
            row=record.row if record else None,
            of_parser=parser, of_kind=record.KIND if record else None, second=second, thing=thing,
            field_name=name, ours=here, theirs=there,
        )  # fmt: skip


def _text(value: Json) -> str | None:
    if value is None or isinstance(value, str):
        return value if value is None else value[:_SHOWN]
    return json.dumps(value, ensure_ascii=False)[:_SHOWN]
