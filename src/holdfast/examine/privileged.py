"""In which files of a case's items some terms occur: `index/<case>/privilege.json`.

A file is found by any text of any record that was made of it, and by its name. It is looked up anew
whenever an item was examined again or the terms changed, so what came later is found, too. Letters
are compared without case and accents.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pyarrow.parquet as pq

from holdfast.core import canonical, durable
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import IntegrityError
from holdfast.examine import results
from holdfast.examine._arrow import pa, pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from holdfast.core.canonical import Json

KEPT = "privilege.json"
OF_BYTES = frozenset({"indicator", "yara.match"})
"""Kinds of records that show text found in any file's bytes, a container's too."""
_FORMAT = "holdfast-privilege/1"

_WHOLE = frozenset({"mail.message"})
"""Kinds of records that are each a thing by itself: not the mailbox is meant, but the letter. What
it carries lies at its number, as the opener of mail names it: `3/2.1/invoice.pdf`.
"""
AROUND = 256
"""Bytes that an indicator shows of what stands before and after it, at most."""


_Place: TypeAlias = tuple[str, str | None, int, int]
"""Path, and of a letter the mailbox's path, its first byte and the one after its last."""


@dataclass(frozen=True)
class Start:
    """Where in an item something begins that a term occurs in: a file, or one letter of many."""

    path: str
    """Of the file; of a letter, its number below the mailbox's path."""
    terms: frozenset[str]
    outer: str | None = None
    """The mailbox's path, where it is a letter."""
    first: int = 0
    """Its first byte in the mailbox, and the one after its last."""
    end: int = 0

    def has(self, path: str, offset: int | None, around: int = 0) -> bool:
        """Say whether what lies at `path`, or there at byte `offset`, is this or in this.

        `around` bytes before and after a letter count as it.
        """
        if within(path, self.path):
            return True
        near = offset is not None and self.first - around <= offset < self.end + around
        return self.outer is not None and path == self.outer and near

    def to_json(self) -> Json:
        """Return it as it is kept."""
        terms: list[Json] = [*sorted(self.terms)]
        return [self.path, terms, self.outer, self.first, self.end]


Found = dict[str, list[Start]]
"""Item to where something begins that a term occurs in."""


def find(derived: Path, items: Iterable[str], terms: Sequence[str], index: Path) -> Found:
    """Return in which files of `items` any of `terms` occurs.

    Raises:
        IntegrityError: derived data can't be read: then it isn't known what is privileged.
    """
    folded = sorted({fold(term) for term in terms})
    wanted = sorted(set(items))
    known = _known(index, folded)
    fresh: dict[str, Json] = {}
    found: Found = {}
    changed = False
    for item in wanted:
        state = _state(derived, item)
        before = known.get(item)
        if not isinstance(before, dict) or before.get("state") != state:
            changed = True
            starts: list[Json] = [one.to_json() for one in _scan(derived, item, folded)]
            before = {"found": starts, "state": state}
        fresh[item] = before
        kept: Any = before["found"]
        if kept:
            found[item] = [Start(path, frozenset(terms), *rest) for path, terms, *rest in kept]
    if changed or known.keys() != fresh.keys():
        index.mkdir(parents=True, exist_ok=True)
        with durable.disk_errors(index):
            written = canonical.dumps({"format": _FORMAT, "items": fresh, "terms": [*folded]})
            durable.replace(index / KEPT, written, 0o600)
    return found


def fold(text: str) -> str:
    """Return `text` in lower case and without accents."""
    apart = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in apart if not unicodedata.category(c).startswith("M"))


def _known(index: Path, terms: list[str]) -> dict[str, Json]:
    try:
        kept = canonical.loads((index / KEPT).read_bytes())
    except (OSError, ValueError):
        return {}
    match kept:
        case {"format": str(form), "items": dict(known), "terms": list(of)} if (
            form == _FORMAT and of == terms
        ):
            return known
    return {}


def _state(derived: Path, item: str) -> str:
    now = results.current(derived, item)
    keys = [] if now is None else [f"{name} {one.key}" for name, one in now.every().items()]
    return sha256_hex("\n".join(sorted(keys)).encode())


def _scan(derived: Path, item: str, terms: list[str]) -> list[Start]:
    """Return where in an item a term occurs.

    What was found in a container's own bytes is what a file inside it says, where that was found
    there as well: then it is the file that is meant, not the container.
    """
    now = results.current(derived, item)
    if now is None:
        return []
    surely: dict[_Place, set[str]] = {}
    bytes_: dict[_Place, set[str]] = {}
    for row in results.seen(derived, now):
        path = str(row.get("path") or "")
        hits = {term for term in terms if term in fold(path)}
        if hits:
            surely.setdefault((path, None, 0, 0), set()).update(hits)
    for dataset in results.datasets(derived, [item]):
        into = bytes_ if dataset.kind in OF_BYTES else surely
        for place, term in _of_dataset(dataset.path, terms, whole=dataset.kind in _WHOLE):
            into.setdefault(place, set()).add(term)
    for place, hits in bytes_.items():
        inner = {term for one, some in surely.items() if within(one[0], place[0]) for term in some}
        if hits - inner:
            surely.setdefault(place, set()).update(hits - inner)
    return [
        Start(path, frozenset(hits), outer, first, end)
        for (path, outer, first, end), hits in sorted(
            surely.items(), key=lambda one: (one[0][0], one[0][2])
        )
    ]


def within(path: str, outer: str) -> bool:
    """Say whether `path` is `outer`, or lies inside it."""
    return not outer or path == outer or path.startswith(f"{outer}/")


def _of_dataset(file: Path, terms: list[str], *, whole: bool) -> Iterator[tuple[_Place, str]]:
    try:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(batch_size=8192):
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    if name == "item":
                        continue
                    rows, texts = _texts(column)
                    if texts is None:
                        continue
                    for term in terms:
                        hits = pc.indices_nonzero(pc.match_substring(texts, term))
                        for at in hits.to_pylist():
                            row = at if rows is None else rows[at].as_py()
                            yield _place(batch, row, whole=whole), term
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(
            f"{file} can't be read as a dataset: {error}", "drop derived data and examine again"
        ) from error


def _place(batch: Any, row: int, *, whole: bool) -> _Place:
    path = str(batch.column("path")[row].as_py() or "")
    number, first, length = (
        batch.column(name)[row].as_py() if whole else None for name in ("row", "offset", "length")
    )
    if number is None or first is None or length is None:
        return path, None, 0, 0
    return f"{path}/{number}" if path else str(number), path, first, first + length


def _texts(column: Any) -> tuple[Any, Any]:
    """Return which row each text is of (None: they are the rows), and the texts, folded."""
    rows = None
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_list(column.type) and pa.types.is_string(column.type.value_type):
        rows, column = pc.list_parent_indices(column), pc.list_flatten(column)
    if not pa.types.is_string(column.type) or column.null_count == len(column):
        return None, None
    folded = pc.utf8_normalize(pc.utf8_lower(column), "NFKD")
    return rows, pc.replace_substring_regex(folded, r"\p{M}+", "")
