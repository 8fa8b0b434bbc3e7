"""Which files of a case are on which list: `index/<case>/marks/`. docs/formats/hash-sets.md.

A mark says that a list holds a file's digest; it takes nothing away. It is derived from the lists
of files seen and from the sets in force, and built anew when either changes.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import IntegrityError
from holdfast.examine import records, results, timeline
from holdfast.examine.hashsets import shelf
from holdfast.examine.hashsets.table import WIDTHS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from holdfast.core.canonical import Json
    from holdfast.examine.hashsets.shelf import Opened

FOLDER, MARKS, BUILT = "marks", "marks.parquet", "built.json"
BATCH = 65_536
"""Files that are looked up at once."""
_SCHEMA = pa.schema(
    [
        (name, pa.string())
        for name in ("item", "path", "sha256", "algorithm", "digest", "set", "set_name", "set_kind")
    ]
)


@dataclass
class Marked:
    """What was found."""

    files: int = 0
    """Files that were looked up."""
    counts: Counter[str] = field(default_factory=Counter)
    """Marks by kind of set."""
    abuse: dict[str, set[str]] = field(default_factory=dict)
    """Item to the sets of abuse material that a file in it is on."""


@dataclass(frozen=True)
class _Known:
    item: str
    path: str
    digests: dict[str, str]


def build(
    derived: Path, items: Iterable[str], sets: Path, digests: list[str], index: Path
) -> Marked:
    """Look up every file of `items` in the sets `digests`; replace the marks that were there.

    An item that was not examined is looked up by its own SHA-256. Memory is bounded.

    Raises:
        IntegrityError: derived data or a set can't be read.
    """
    index.mkdir(parents=True, exist_ok=True)
    wanted = sorted(items)
    found = Marked()
    with (
        tempfile.TemporaryDirectory(prefix=".marks-", dir=index) as name,
        shelf.opened(sets, digests) as opened,
    ):
        for one in opened:
            if one.set.described.kind != shelf.GOOD:  # who is on it must not be left out unseen
                shelf.check_whole(sets, one.set)
        fresh = Path(name) / FOLDER
        fresh.mkdir()
        with pq.ParquetWriter(fresh / MARKS, _SCHEMA, compression="zstd") as writer:
            batch: list[_Known] = []
            for known in _files(derived, wanted):
                batch.append(known)
                if len(batch) == BATCH:
                    _look_up(batch, opened, found, writer)
                    batch = []
            _look_up(batch, opened, found, writer)
        state = _state(derived, wanted, digests)
        (fresh / BUILT).write_bytes(canonical.dumps(state))
        timeline.swap(fresh, index / FOLDER)
    return found


def fresh(derived: Path, items: Iterable[str], digests: list[str], index: Path) -> bool:
    """Say whether the marks that stand there are those of these sets and results."""
    try:
        built = canonical.loads((index / FOLDER / BUILT).read_bytes())
    except (OSError, ValueError):
        return False
    return built == _state(derived, sorted(items), digests)


def read(index: Path, kinds: Iterable[str] = ()) -> Iterator[dict[str, str]]:
    """Yield the marks of these kinds of sets, or all, by item and in the order of files.

    Raises:
        IntegrityError: they can't be read.
    """
    path = index / FOLDER / MARKS
    if not path.is_file():
        return
    wanted = set(kinds)
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=4096):
                for row in batch.to_pylist():
                    if not wanted or row["set_kind"] in wanted:
                        yield row
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(f"{path} can't be read: {error}", "examine the case again") from error


def _state(derived: Path, items: list[str], digests: list[str]) -> Json:
    keys = []
    for item in items:
        now = results.current(derived, item)
        held = [] if now is None else [now.enumeration.key]
        if now is not None and (other := now.modules.get("finder:digests")):
            held.append(other.key)
        keys.append(" ".join((item, *held)))
    return {
        "format": "holdfast-marks/1",
        "sets": [*sorted(digests)],
        "sources": sha256_hex("\n".join(keys).encode()),
    }


def _files(derived: Path, items: list[str]) -> Iterator[_Known]:
    for item in items:
        now = results.current(derived, item)
        if now is None:
            yield _Known(item, "", {"sha256": item})
            continue
        others = _others(derived, now)
        other = next(others, None)
        for row in results.seen(derived, now):
            path = str(row.get("path") or "")
            digests = {"sha256": str(row["sha256"])}
            if other is not None and other.get("path") == path:
                digests |= {one: str(other[one]) for one in ("md5", "sha1") if other.get(one)}
                other = next(others, None)  # a file that could not be read has none
            yield _Known(item, path, digests)


def _others(derived: Path, now: results.Current) -> Iterator[dict[str, object]]:
    """Yield MD5 and SHA-1 of the item's files, a row a file, in the order of the files."""
    found = now.modules.get("finder:digests")
    if found is not None and "file.digests.parquet" in found.files:
        yield from records.read(derived / now.item / found.key / "file.digests.parquet")


def _look_up(
    batch: list[_Known], opened: list[Opened], found: Marked, writer: pq.ParquetWriter
) -> None:
    found.files += len(batch)
    rows: list[tuple[int, dict[str, str]]] = []
    for algorithm, width in WIDTHS.items():
        places = [at for at, known in enumerate(batch) if algorithm in known.digests]
        if not places:
            continue
        joined = bytes.fromhex("".join(batch[at].digests[algorithm] for at in places))
        wanted = np.frombuffer(joined, np.uint8).reshape(-1, width)
        for one in opened:
            if algorithm not in one.tables:
                continue
            hits = [places[hit] for hit in np.flatnonzero(one.tables[algorithm].find(wanted))]
            rows.extend((at, _row(batch[at], algorithm, one)) for at in hits)
    rows.sort(key=lambda pair: (pair[0], pair[1]["set_name"], pair[1]["algorithm"]))
    for _, row in rows:
        found.counts[row["set_kind"]] += 1
        if row["set_kind"] == shelf.ABUSE:
            found.abuse.setdefault(row["item"], set()).add(row["set"])
    if rows:
        writer.write_table(pa.Table.from_pylist([row for _, row in rows], schema=_SCHEMA))


def _row(known: _Known, algorithm: str, one: Opened) -> dict[str, str]:
    return {
        "item": known.item,
        "path": known.path,
        "sha256": known.digests["sha256"],
        "algorithm": algorithm,
        "digest": known.digests[algorithm],
        "set": one.set.digest,
        "set_name": one.set.described.name,
        "set_kind": one.set.described.kind,
    }
