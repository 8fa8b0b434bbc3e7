"""What changed between two results of one module over one item: `examine --compare`.

Old results lie beside new ones (docs/formats/records.md), so nothing is examined again for it.
Records are matched by where they lie: path, offset, length and row, and among those that share
all four by their order. What differs in a matched pair is a change; a record without a partner
was added, or is gone.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.examine import _duck, results

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.results import Current, Result

PREVIOUS = "previous"
"""Asks for whatever was in force before, of every module."""
_DIGITS = 8
_MEMORY = "384MiB"
_LOCATOR = ("path", "offset", "length", "row")
_ASIDE = ("item", "parser", "parser_version", "kind", "seq", *_LOCATOR)
"""Columns that say where a record is from: they are matched, or differ in any case."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One record that one of two results has and the other has not, or has otherwise."""

    item: str
    module: str
    kind: str
    change: str
    """`added`, `gone` or `changed`."""
    path: str
    offset: int | None
    length: int | None
    row: int | None
    message: str
    """Of the newer record, where there is one."""
    fields: dict[str, tuple[object, object]] = field(default_factory=dict)
    """Of a changed record: each column that differs, with the old and the new value."""


@dataclass
class Counts:
    """Records of one kind."""

    old: int = 0
    new: int = 0
    added: int = 0
    gone: int = 0
    changed: int = 0


@dataclass(frozen=True)
class Comparison:
    """Two results of one module over one item, as sums; it comes after its changes."""

    item: str
    module: str
    old: Result
    new: Result | None
    """None where the module has no result in force any more."""
    kinds: dict[str, Counts]
    ledger: dict[str, tuple[int, int]]
    """Each number of the ledger that differs: files `taken` and `failed`, `records`, and so on;
    `failed: <reason>` for files by reason."""

    @property
    def same(self) -> bool:
        """Whether both results say the same."""
        return not self.ledger and not any(
            one.added or one.gone or one.changed for one in self.kinds.values()
        )


def pairs(now: Current, wanted: str) -> Iterator[tuple[str, Result, Result | None]]:
    """Yield label, earlier result and result in force of each module that `wanted` asks for.

    `wanted` is `previous`; a module's name, which means its last result before; `name@version`;
    or the first 8 or more digits of an earlier result's key.
    """
    name, _, version = wanted.partition("@")
    found: dict[str, Result] = {}
    for one in now.earlier:  # the newest is last
        plain = one.module.rpartition(":")[2]
        by_key = len(wanted) >= _DIGITS and one.result.key.startswith(wanted)
        by_name = plain == name and (not version or str(one.result.facts.get("version")) == version)
        if wanted == PREVIOUS or by_key or by_name:
            found[one.module] = one.result
    in_force = now.every()
    for label, old in sorted(found.items()):
        yield label, old, in_force.get(label)


def compare(
    derived: Path, now: Current, label: str, old: Result, new: Result | None
) -> Iterator[Change | Comparison]:
    """Yield every record that differs between `old` and `new`, then the sums.

    Memory is bounded: what does not fit goes to disk.

    Raises:
        IntegrityError: derived data can't be read.
    """
    kinds: dict[str, Counts] = {}
    names = sorted({*_kinds(old), *_kinds(new)})
    with tempfile.TemporaryDirectory(prefix="holdfast-compare-") as scratch:
        for kind in names:
            counts = kinds[kind] = Counts()
            files = [
                None if result is None or kind not in _kinds(result)
                else str((derived / now.item / result.key / f"{kind}.parquet").resolve())
                for result in (old, new)
            ]  # fmt: skip
            with _duck.connect(Path(scratch), derived, memory=_MEMORY) as connection:
                for change in _changes(connection, files[0], files[1], counts):
                    yield Change(item=now.item, module=label, kind=kind, **change)
    ledger = {}
    before, after = _sums(derived, now, old), _sums(derived, now, new)
    for name in sorted({*before, *after}):
        if before[name] != after[name]:
            ledger[name] = (before[name], after[name])
    yield Comparison(now.item, label, old, new, kinds, ledger)


def _kinds(result: Result | None) -> list[str]:
    names = result.files if result else ()
    return [
        name.removesuffix(".parquet") for name in names
        if name.endswith(".parquet") and name != results.FILES
    ]  # fmt: skip


def _sums(derived: Path, now: Current, result: Result | None) -> Counter[str]:
    """Return what the ledger counts of a result: files by what became of them, records."""
    sums: Counter[str] = Counter()
    if result is None:
        return sums
    for total in ("files", "bytes", "records", "failures"):
        sums[total] += result.total(total)
    for line in results.outcomes(derived, now, result):
        reason = line.get("failed")
        sums["taken"] += 1
        if reason is not None:
            sums["failed"] += 1
            sums[f"failed: {reason}"] += 1
    return sums


def _changes(
    connection: Any, old: str | None, new: str | None, counts: Counts
) -> Iterator[dict[str, Any]]:
    """Yield what differs between two datasets of one kind, and count it."""
    counts.old, counts.new = (_count(connection, file) for file in (old, new))
    if old is None or new is None:
        change = "added" if old is None else "gone"
        counts.added, counts.gone = (counts.new, 0) if old is None else (0, counts.old)
        names = ", ".join(f'"{name}"' for name in (*_LOCATOR, "message"))
        query = f"SELECT {names} FROM read_parquet($file) ORDER BY path, seq"  # noqa: S608 - names of ours
        for row in _duck.rows(connection, query, {"file": [old or new]}):
            yield {"change": change, **row}
        return
    query, compared = _query(_columns(connection, old), _columns(connection, new))
    for row in _duck.rows(connection, query, {"old": [old], "new": [new]}):
        here, there = row["b_nth"] is not None, row["a_nth"] is not None
        change = "changed" if here and there else "added" if here else "gone"
        setattr(counts, change, getattr(counts, change) + 1)
        side = "b" if here else "a"
        values = {name: row[f"{side}_{name}"] for name in (*_LOCATOR, "message")}
        fields = {
            name: (row[f"a_{name}"], row[f"b_{name}"]) for name in compared
            if row[f"a_{name}"] != row[f"b_{name}"]
        } if change == "changed" else {}  # fmt: skip
        yield {"change": change, **values, "fields": fields}


def _count(connection: Any, file: str | None) -> int:
    if file is None:
        return 0
    found = connection.execute("SELECT count(*) FROM read_parquet($file)", {"file": [file]})
    return int(found.fetchone()[0])


def _columns(connection: Any, file: str) -> dict[str, str]:
    """Return the type of each column; a name is a parser's own, and no evidence."""
    query = "DESCRIBE SELECT * FROM read_parquet($file)"
    return {str(row[0]): str(row[1]) for row in connection.execute(query, {"file": [file]})
            .fetchall()}  # fmt: skip


def _query(old: dict[str, str], new: dict[str, str]) -> tuple[str, list[str]]:
    """Return the query for what differs, and the columns that are compared."""
    names = [name for name in {**old, **new} if name not in _ASIDE]

    def value(side: str, name: str) -> str:
        types = old if side == "a" else new
        if name not in types:
            return "NULL"
        quoted = f'{side}."{name}"'
        if types[name].startswith("TIMESTAMP"):
            return f"epoch_us({quoted})"
        return f"CAST({quoted} AS VARCHAR)" if old.get(name) != new.get(name) else quoted

    shown = [
        f'{value(side, name)} AS "{side}_{name}"'
        for side in "ab" for name in dict.fromkeys((*_LOCATOR, "message", *names))
    ]  # fmt: skip
    differs = " OR ".join(
        f"{value('a', name)} IS DISTINCT FROM {value('b', name)}" for name in names
    )
    matched = " AND ".join(
        f'a."{name}" IS NOT DISTINCT FROM b."{name}"' for name in (*_LOCATOR, "nth")
    )
    locator = ", ".join(f'"{name}"' for name in _LOCATOR)
    numbered = (
        f"(SELECT *, row_number() OVER (PARTITION BY {locator} ORDER BY seq) AS nth "  # noqa: S608
        "FROM read_parquet(${}))"
    )
    query = (
        f"SELECT a.nth AS a_nth, b.nth AS b_nth, {', '.join(shown)} "  # noqa: S608 - names of ours
        f"FROM {numbered.format('old')} AS a FULL JOIN {numbered.format('new')} AS b ON {matched} "
        f"WHERE a.nth IS NULL OR b.nth IS NULL OR {differs} "
        'ORDER BY coalesce(b.path, a.path), coalesce(b."offset", a."offset"), '
        'coalesce(b."row", a."row"), coalesce(b.seq, a.seq)'
    )
    return query, names
