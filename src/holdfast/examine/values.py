"""The indicators of a case by value: how often each was found, in pages, and where it stands.

What is unseen is neither counted nor shown. One question reads the indicators of the case once;
memory is bounded, what does not fit goes to disk.
"""

from __future__ import annotations

import base64
import binascii
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from holdfast.core.errors import InputError
from holdfast.examine import _duck, results
from holdfast.examine.links import normal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import duckdb

    from holdfast.examine.unseen import Unseen

Annotate: TypeAlias = "Callable[[Iterable[dict[str, Any]]], Iterable[dict[str, Any]]]"
LARGEST = 1000
GOOD, BAD, UNKNOWN = "good", "bad", "none"
"""What a value can be by the lists of known values; one on a bad list is bad."""
MARKS = (BAD, GOOD, UNKNOWN)
_FOUND = """
INSERT INTO found
SELECT type, value, bool_or(valid), item, count(*) FROM read_parquet($files, union_by_name = true)
WHERE type IS NOT NULL AND value IS NOT NULL
  AND ($type IS NULL OR type = $type) AND ($values IS NULL OR list_contains($values, value))
GROUP BY type, value, item
"""
_EACH = """
SELECT {columns} FROM read_parquet($files, union_by_name = true)
WHERE type IS NOT NULL AND value IS NOT NULL
  AND ($type IS NULL OR type = $type) AND ($values IS NULL OR list_contains($values, value))
"""
_AFTER = """
  AND ($item IS NULL OR (item, path, coalesce("offset", 0), parser, seq)
       > ($item, $path, $at, $parser, $seq))
ORDER BY item, path, coalesce("offset", 0), parser, seq
"""
_COLUMNS = 'item, path, parser, parser_version, seq, type, value, valid, "offset", length, context'
_MARK = f"CASE WHEN bad IS NOT NULL THEN '{BAD}' WHEN good IS NOT NULL THEN '{GOOD}' ELSE '{UNKNOWN}' END"  # noqa: E501
_CONDITIONS = {
    "kinds": "($kinds IS NULL OR list_contains($kinds, type))",
    "valid": "($valid IS NULL OR valid = $valid)",
    "mark": f"($mark IS NULL OR {_MARK} = $mark)",
    "text": "($text IS NULL OR contains(lower(value), lower($text)))",
}
_FACETS = {"kinds": "type", "valid": "valid", "mark": _MARK}
_BONES = (
    "regexp_replace(regexp_replace(regexp_replace(lower(value), '\\[dot\\]|\\(dot\\)|\\[at\\]|"
    "\\(at\\)', '', 'g'), '^h(xx|\\*\\*)p', 'http'), '[^a-z0-9]', '', 'g')"
)
"""What two spellings of one value have in common, in SQL; `links.normal` has the last word."""


@dataclass(frozen=True)
class Asked:
    """Which values; None and empty are all."""

    kinds: tuple[str, ...] = ()
    valid: bool | None = None
    mark: str | None = None
    text: str = ""

    @property
    def parameters(self) -> dict[str, object]:
        """Return what the conditions are given."""
        return {"kinds": list(self.kinds) or None, "valid": self.valid, "mark": self.mark,
                "text": self.text or None}  # fmt: skip


@dataclass(frozen=True)
class Value:
    """One value, and how often it was found."""

    type: str
    value: str
    valid: bool
    """Whether it passes its own rules in any place."""
    places: int
    items: int
    good: tuple[str, ...]
    """Lists of known-good values that have it."""
    bad: tuple[str, ...]


@contextmanager
def opened(derived: Path, items: Iterable[str], unseen: Unseen) -> Iterator[Values]:
    """Open the indicators of `items` for one question.

    Raises:
        IntegrityError: derived data can't be read.
        ResourceError: no room.
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-query-") as name:
        scratch = Path(name)
        with _duck.connect(scratch, derived) as connection:
            yield Values(connection, derived, sorted(set(items)), unseen)


class Values:
    """Indicators that are open for one question."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, derived: Path, items: list[str],
        unseen: Unseen,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._derived = derived
        self._items = items
        self._unseen = unseen

    def count(
        self, annotate: Annotate | None, type_: str | None = None,
        values: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        """Count each value, or some of one type.

        `annotate` adds `known_good` and `known_bad` to rows of `kind` and `value`.
        """
        run = self._connection.execute
        run("CREATE TABLE found (type VARCHAR, value VARCHAR, valid BOOLEAN, item VARCHAR, "
            "places BIGINT)")  # fmt: skip
        parts, given = self._unseen.items, {"type": type_, "values": _list(values)}
        for batch in self._batches(item for item in self._items if item not in parts):
            run(_FOUND, {**given, "files": batch})
        self._count_parts((item for item in self._items if item in parts), type_, values)
        run("CREATE TABLE listed (type VARCHAR, value VARCHAR, good VARCHAR[], bad VARCHAR[])")
        if annotate is not None:
            every = _duck.rows(
                self._connection.cursor(), "SELECT DISTINCT type AS kind, value FROM found", {}
            )
            self._list(row for row in annotate(every) if row["known_good"] or row["known_bad"])
        run("CREATE TABLE totals AS SELECT type, value, bool_or(valid) AS valid, "
            "sum(places)::BIGINT AS places, count(DISTINCT item)::BIGINT AS items, any_value(good) "
            "AS good, any_value(bad) AS bad FROM found LEFT JOIN listed USING (type, value) "
            "GROUP BY type, value")  # fmt: skip

    def _count_parts(
        self, items: Iterable[str], type_: str | None, values: Sequence[str] | None
    ) -> None:
        places: Counter[tuple[str, str, bool, str]] = Counter()
        for row in self._each(items, type_, values):
            places[row["type"], row["value"], bool(row["valid"]), row["item"]] += 1
        if not places:
            return
        columns: list[list[object]] = [list(column) for column in zip(*places, strict=True)]
        self._connection.execute(
            "INSERT INTO found SELECT unnest($a), unnest($b), unnest($c), unnest($d), unnest($e)",
            dict(zip("abcde", [*columns, [*places.values()]], strict=True)),
        )

    def _list(self, rows: Iterable[dict[str, Any]]) -> None:
        marked = [
            (row["kind"], row["value"], row["known_good"] or None, row["known_bad"] or None)
            for row in rows
        ]
        if marked:
            columns = [list(column) for column in zip(*marked, strict=True)]
            self._connection.execute(
                "INSERT INTO listed SELECT unnest($a), unnest($b), unnest($c), unnest($d)",
                dict(zip("abcd", columns, strict=True)),
            )

    def page(self, asked: Asked, after: str, limit: int) -> tuple[list[Value], str | None]:
        """Return a page of what was counted, the most frequent first; and where it goes on.

        Raises:
            InputError: `after` is no place, or an odd limit.
        """
        if not 1 <= limit <= LARGEST:
            raise InputError(f"a page has 1 to {LARGEST} values, not {limit}")
        places, kind, value = _read(after, (int, str, str)) if after else (None, None, None)
        rows = [*_duck.rows(
            self._connection,
            f"SELECT * FROM totals WHERE {_where()} AND ($places IS NULL OR places < $places OR "  # noqa: S608 - our own text
            "(places = $places AND (type, value) > ($kind, $value))) "
            "ORDER BY places DESC, type, value LIMIT $limit",
            {**asked.parameters, "places": places, "kind": kind, "value": value,
             "limit": limit + 1},
        )]  # fmt: skip
        found: list[Value] = [_value(row) for row in rows[:limit]]
        last = found[-1] if found else None
        more = len(rows) > limit and last is not None
        return found, _written([last.places, last.type, last.value]) if more and last else None

    def facets(self, asked: Asked) -> dict[str, list[tuple[str, int]]]:
        """Return how many values each choice would give, all other choices as they are."""
        found = {}
        for name, column in _FACETS.items():
            rows = _duck.rows(
                self._connection,
                f"SELECT {column} AS choice, count(*) AS many FROM totals WHERE {_where(name)} "  # noqa: S608
                "GROUP BY ALL ORDER BY many DESC, choice",
                {key: one for key, one in asked.parameters.items() if key != name},
            )
            found[name] = [(_choice(row["choice"]), int(str(row["many"]))) for row in rows]
        return found

    def total(self, asked: Asked) -> int:
        """Return how many values there are."""
        (row,) = _duck.rows(
            self._connection,
            f"SELECT count(*) AS many FROM totals WHERE {_where()}",  # noqa: S608
            asked.parameters,
        )
        return int(str(row["many"]))

    def spellings(self, type_: str, value: str) -> list[str]:
        """Return every way in which a value is written: as asked, and others of one normal form."""
        form = normal(type_, value)
        found = {value}
        for batch in self._batches(self._items):
            rows = _duck.rows(
                self._connection,
                "SELECT DISTINCT value FROM read_parquet($files, union_by_name = true) "  # noqa: S608
                f"WHERE type = $type AND {_BONES} = "
                f"(SELECT {_BONES} FROM (SELECT $value AS value))",
                {"files": batch, "type": type_, "value": value},
            )
            found |= {
                str(row["value"])
                for row in rows
                if form and normal(type_, str(row["value"])) == form
            }
        return sorted(found)

    def mentions(
        self, type_: str, spelt: Sequence[str], after: str, limit: int
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Return a page of the places where a value stands, by item, path and offset; and the next.

        Raises:
            InputError: `after` is no place, or an odd limit.
        """
        if not 1 <= limit <= LARGEST:
            raise InputError(f"a page has 1 to {LARGEST} places, not {limit}")
        place = _read(after, (str, str, int, str, int)) if after else None
        items = [item for item in self._items if place is None or item >= place[0]]
        rows = [*islice(self._each(items, type_, spelt, place or [None] * 5), limit + 1)]
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]
        names = (last["item"], last["path"], last["offset"] or 0, last["parser"], last["seq"])
        return rows[:limit], _written([*names])

    def _each(
        self, items: Iterable[str], type_: str | None, values: Sequence[str] | None,
        after: Sequence[Any] | None = None,
    ) -> Iterator[dict[str, Any]]:  # fmt: skip
        """Yield what may be shown; in order, and behind a place, where one is given."""
        query = _EACH.format(columns=_COLUMNS)
        given: dict[str, object] = {"type": type_, "values": _list(values)}
        if after is not None:
            query += _AFTER
            given |= dict(zip(("item", "path", "at", "parser", "seq"), after, strict=True))
        for batch in self._batches(items):
            for row in _duck.rows(self._connection.cursor(), query, {**given, "files": batch}):
                if not self._hidden(row):
                    yield row

    def _hidden(self, row: dict[str, Any]) -> bool:
        item = row["item"]
        return item in self._unseen.items and self._unseen.covers(
            item, row["path"] or "", row["offset"]
        )

    def _batches(self, items: Iterable[str]) -> Iterator[list[str]]:
        """Yield datasets as one query can hold them; an item's are never parted, for the order."""
        batch: list[str] = []
        for item in items:
            found = results.datasets(self._derived, [item])
            mine = [str(one.path.resolve()) for one in found if one.kind == "indicator"]
            if batch and len(batch) + len(mine) > _duck.FILES:
                yield batch
                batch = []
            batch += mine
        if batch:
            yield batch


def _list(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else [*values]


def _where(without: str = "") -> str:
    return " AND ".join(one for name, one in _CONDITIONS.items() if name != without)


def _choice(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _value(row: dict[str, Any]) -> Value:
    return Value(
        row["type"], row["value"], bool(row["valid"]), row["places"], row["items"],
        tuple(row["good"] or ()), tuple(row["bad"] or ()),
    )  # fmt: skip


def _written(place: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _read(text: str, kinds: tuple[type, ...]) -> list[Any]:
    """Read a place back, which anybody may have written.

    Raises:
        InputError: it is none.
    """
    try:
        place = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        place = None
    if (
        not isinstance(place, list)
        or len(place) != len(kinds)
        or any(type(one) is not kind for one, kind in zip(place, kinds, strict=True))
        or (type(place[0]) is int and not 0 <= place[0] < 2**62)
    ):
        raise InputError("that is no place in this list", "begin again at its first page")
    return place
