"""Tables that only the examiner can explain: CSV, TSV or JSON lines with a mapping file.

A mapping (docs/how-to/map-a-table.md) says which column is the time, in which format and zone,
and which columns are host, user and message. It is read in the house and is part of the result's
key, so another mapping is another result. A file is taken if it has every column that the mapping
names.
"""

from __future__ import annotations

import csv
import json
import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holdfast.core.errors import InputError
from holdfast.examine import _tables
from holdfast.examine._shape import storable
from holdfast.examine.record import EXACT, ZONE_ASSUMED, Record, timed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from holdfast.core.canonical import Json
    from holdfast.examine._tables import Row
    from holdfast.examine.file import EvidenceFile

MAPPED = "mapped"
"""The name of the parser that a mapping makes."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMERIC = {"unix": 10**9, "unix_ms": 10**6, "unix_us": 1000, "unix_ns": 1}
"""Nanoseconds of what a number counts."""
_NUMBER = re.compile(r"\s*(-?)(\d{1,30})(?:\.(\d{1,30}))?\s*", re.ASCII)
_FINER = re.compile(r":\d\d[.,]\d{6}(\d{1,3})", re.ASCII)
_SHOWN = 1000
_MOST = 2**62
_BEGINNING = -(2**52)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRow(Record):
    """One row of a table that a mapping explains."""

    KIND: ClassVar[str] = "mapped.row"

    content: str | None = None
    """JSON of every column to its value."""


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """What the columns of a table mean."""

    format: str
    columns: dict[str, tuple[str, ...]]
    """`time`, `host`, `user` (one column each) and `message` (one or several) to columns."""
    time_format: str
    """`iso`, `unix`, `unix_ms`, `unix_us`, `unix_ns`, or a format of `strptime`."""
    offsets: tuple[tuple[int, int], ...]
    """The zone of times without one: from which second (UTC) on, how many seconds it is ahead."""
    meaning: str

    def to_json(self) -> Json:
        """Return the mapping as keys and workers know it."""
        return {
            "columns": {name: list(columns) for name, columns in self.columns.items()},
            "format": self.format,
            "meaning": self.meaning,
            "offsets": [list(pair) for pair in self.offsets],
            "time_format": self.time_format,
        }

    @classmethod
    def from_json(cls, value: Any) -> Mapping:
        """Read what `to_json` wrote."""
        return cls(
            format=value["format"],
            columns={name: tuple(columns) for name, columns in value["columns"].items()},
            time_format=value["time_format"],
            offsets=tuple((start, ahead) for start, ahead in value["offsets"]),
            meaning=value["meaning"],
        )


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        InputError: it can't be read, or says something that a mapping can't.
    """
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"the mapping {path} can't be read: {error}") from error
    time = found.get("time", {})
    columns = found.get("columns", {})
    if not isinstance(time, dict) or not isinstance(columns, dict):
        raise InputError(f"the mapping {path}: [time] and [columns] are tables")
    for name, given, known in (
        ("the mapping", found, {"format", "columns", "time"}),
        ("[time]", time, {"format", "zone", "meaning"}),
        ("[columns]", columns, {"time", "host", "user", "message"}),
    ):
        if odd := set(given) - known:
            raise InputError(
                f"the mapping {path}: {name} has no {min(odd)}", f"there are {sorted(known)}"
            )
    if found.get("format") not in _tables.FORMATS:
        raise InputError(f"the mapping {path} gives no format", "format is csv, tsv or jsonl")
    meant = {name: _names(path, name, value) for name, value in columns.items()}
    if "time" not in meant:
        raise InputError(f"the mapping {path} names no column for the time", "add columns.time")
    texts = {name: time.get(name, default) for name, default in
             (("format", "iso"), ("zone", "UTC"), ("meaning", "recorded"))}  # fmt: skip
    if odd_texts := [name for name, text in texts.items() if not isinstance(text, str)]:
        raise InputError(f"the mapping {path}: time.{odd_texts[0]} is text")
    return Mapping(
        format=found["format"], columns=meant, time_format=texts["format"],
        offsets=_offsets(path, texts["zone"]), meaning=texts["meaning"],
    )  # fmt: skip


def _names(path: Path, name: str, value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    fits = isinstance(given, list) and given and all(isinstance(one, str) for one in given)
    if not fits or not isinstance(given, list) or (len(given) > 1 and name != "message"):
        raise InputError(
            f"the mapping {path}: columns.{name} is no column", "give its name in quotes"
        )
    return tuple(given)


def _offsets(path: Path, name: str) -> tuple[tuple[int, int], ...]:
    """Return a zone's offsets from 1970 to 2060; the sandbox has no database of zones."""
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"the mapping {path}: there is no time zone {name!r}", "give one such as Europe/Berlin"
        ) from error
    found: list[tuple[int, int]] = []
    for hour in range(0, 90 * 8766, 24):
        ahead = _ahead(zone, hour)
        if not found:
            found.append((_BEGINNING, ahead))
        elif ahead != found[-1][1]:
            first = next(h for h in range(hour - 24, hour + 1) if _ahead(zone, h) == ahead)
            found.append((first * 3600, ahead))
    return tuple(found)


def _ahead(zone: ZoneInfo, hour: int) -> int:
    offset = (_EPOCH + timedelta(hours=hour)).astimezone(zone).utcoffset() or timedelta(0)
    return offset // timedelta(seconds=1)


class MappedParser:
    """Reads the files that a mapping explains; stands among the parsers as `mapped`."""

    VERSION = 2
    DECODERS: tuple[str, ...] = ("python",)
    RECORDS: tuple[type[Record], ...] = (MappedRow,)

    def __init__(self, mapping: Mapping) -> None:
        self.__name__ = f"holdfast.examine.{MAPPED}"
        self._mapping = mapping
        self._starts = [start for start, _ in mapping.offsets]
        self._wanted = {one for columns in mapping.columns.values() for one in columns}

    def match(self, file: EvidenceFile) -> bool:
        """Accept a file whose first line has every column that the mapping names."""
        try:
            text = _tables.first_line(file.head, file.size)
            if text is None:
                return False
            if self._mapping.format == "jsonl":
                first = json.loads(text)
                return isinstance(first, dict) and self._wanted <= set(first)
            return self._wanted <= set(_tables.cells(text, self._mapping.format))
        except (ValueError, RecursionError, csv.Error):
            return False

    def parse(self, file: EvidenceFile) -> Iterator[Record]:
        """Yield one record a line; a quoted line end inside a field joins its lines.

        Raises:
            csv.Error: the header is damaged.
        """
        form = self._mapping.format
        names: list[str] = []
        for row in _tables.rows(file, form):
            if form != "jsonl" and not names:
                names = _tables.cells(row.text, form)
            else:
                yield self._record(row, names)

    def _record(self, row: Row, names: list[str]) -> Record:
        values = _tables.values(row, names, self._mapping.format)
        if isinstance(values, str):
            return row.failure(values)
        try:
            content = storable(json.dumps(values, ensure_ascii=False, sort_keys=True,
                                           separators=(",", ":")))  # fmt: skip
        except (ValueError, RecursionError):
            return row.failure("line can't be read")
        columns = self._mapping.columns
        original = _text(values.get(columns["time"][0]))
        time, nanos, quality = self._time(original or "")
        if original and time is None:
            return row.failure("the time does not have the mapping's format")
        said = [_text(values.get(name)) or "" for name in columns.get("message", ())]
        host, user = (_text(values.get(columns[n][0])) if n in columns else None
                      for n in ("host", "user"))  # fmt: skip
        return MappedRow(
            message=" ".join((" ".join(said) if said else content).split())[:_SHOWN],
            **timed(time, self._mapping.meaning, quality, original, nanos=nanos),
            host=host,
            user=user,
            offset=row.offset,
            length=row.length,
            row=row.row,
            content=content,
        )

    def _time(self, text: str) -> tuple[int | None, int | None, str]:
        """Return the time in UTC, what is finer than that, and whether its zone was in the text."""
        form = self._mapping.time_format
        try:
            if form in _NUMERIC:
                return (*_counted(text, _NUMERIC[form]), EXACT)
            given = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007 - the zone follows
            finer = _FINER.search(text) if form == "iso" else None
            nanos = int(finer[1].ljust(3, "0")) if finer else None
            if given.tzinfo is not None:
                return (given - _EPOCH) // timedelta(microseconds=1), nanos, EXACT
            local = (given.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
        except (ValueError, OverflowError):
            return None, None, EXACT
        return local - self._ahead(local // 1_000_000) * 1_000_000, nanos, ZONE_ASSUMED

    def _ahead(self, local: int) -> int:
        """Return how far ahead the zone was; of a doubled hour the first, as `fold=0`."""
        offsets = self._mapping.offsets
        at = bisect_right(self._starts, local) - 1
        near = offsets[max(0, at - 1) : at + 2]
        fitting = [ahead for _, ahead in near if self._at(local - ahead) == ahead]
        return max(fitting, default=offsets[at][1])

    def _at(self, second: int) -> int:
        return self._mapping.offsets[bisect_right(self._starts, second) - 1][1]


def _counted(text: str, unit: int) -> tuple[int | None, int | None]:
    """Return the microseconds of a number that counts `unit` nanoseconds, and what is finer."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None, None
    sign, whole, part = found.groups("")
    total = int(whole) * unit + int(part.ljust(9, "0")[:9]) * unit // 10**9
    micros, nanos = divmod(-total if sign else total, 1000)
    fine = unit == 1 or len(part) + {10**9: 0, 10**6: 3, 1000: 6}[unit] > 6
    return (micros, nanos if fine else None) if -_MOST < micros < _MOST else (None, None)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return storable(value) if value else None
    return storable(json.dumps(value, ensure_ascii=False))
