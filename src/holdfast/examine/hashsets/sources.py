"""Reads others' lists of digests: NSRL, plain lists, CSV, Project VIC, MISP; a batch at a time.

They are the unit's own and come from whoever publishes them, never from evidence; what does not
look like a digest stops the import with its place, since a list that was read in part would be
taken for the whole.
"""

from __future__ import annotations

import csv
import re
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import ijson

from holdfast.core.errors import InputError, printable
from holdfast.examine.hashsets.table import WIDTHS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import TextIO

FORMATS = ("nsrl", "list", "csv", "vics", "misp")
_SQLITE = b"SQLite format 3\0"
_ROWS = 65_536
_HEX = re.compile(r"[0-9a-fA-F]+")
_BY_LENGTH = {2 * width: algorithm for algorithm, width in WIDTHS.items()}
_LINE = 1 << 16


class Source:
    """One list, read once: `batches`, then `counts`."""

    def __init__(
        self,
        path: Path,
        form: str = "",
        *,
        algorithms: tuple[str, ...] = (),
        categories: tuple[int, ...] = (),
    ) -> None:
        """Open `path`; `form` is one of `FORMATS`, found out where it is empty.

        `algorithms` are the ones that are taken, all where empty, of NSRL SHA-256; of Project VIC
        only media of `categories` are, if there are any.

        Raises:
            InputError: it can't be read, or is none of these formats.
        """
        self.path = path
        self.form = form or _guess(path)
        self.counts: Counter[str] = Counter()
        """What was read, by what it is: digests by algorithm, media by category."""
        # NSRL gives all three of every file, so one of them says it all.
        self._algorithms = algorithms or (("sha256",) if self.form == "nsrl" else tuple(WIDTHS))
        self._categories = categories
        if categories and self.form != "vics":
            raise InputError("only Project VIC's media have categories", "leave --category out")

    def batches(self) -> Iterator[tuple[str, bytes]]:
        """Yield an algorithm and digests of it, many at a time.

        Raises:
            InputError: something in it is not what the format says.
        """
        try:
            if self.form == "nsrl":
                yield from self._nsrl()
                return
            reader = {"list": self._lines, "csv": self._csv, "vics": self._vics, "misp": self._misp}
            waiting: dict[str, list[str]] = {}
            for algorithm, text, place in reader[self.form]():
                if algorithm not in self._algorithms:
                    continue
                if len(text) != 2 * WIDTHS[algorithm] or not _HEX.fullmatch(text):
                    raise self._bad(place, f"{text[:80]!r} is no {algorithm}")
                many = waiting.setdefault(algorithm, [])
                many.append(text)
                if len(many) == _ROWS:
                    yield self._batch(algorithm, many)
                    waiting[algorithm] = []
            for algorithm, many in waiting.items():
                yield self._batch(algorithm, many)
        except (OSError, UnicodeError, sqlite3.Error, csv.Error, ijson.JSONError) as error:
            raise InputError(
                f"{self.path} can't be read as {self.form}: {printable(str(error))[:200]}",
                f"name its format: --format {'|'.join(FORMATS)}",
            ) from error

    def _batch(self, algorithm: str, many: list[str]) -> tuple[str, bytes]:
        self.counts[algorithm] += len(many)
        return algorithm, bytes.fromhex("".join(many))

    def _bad(self, place: str, why: str) -> InputError:
        return InputError(
            f"{self.path}, {place}: {printable(why)}",
            "nothing was added; mend the list, or name its format",
        )

    def _nsrl(self) -> Iterator[tuple[str, bytes]]:
        """RDSv3: the table METADATA of the full form, or FILE, a table of the minimal one."""
        uri = f"{self.path.resolve().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            tables = {
                str(name).upper(): str(name)
                for (name,) in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
                )
            }
            table = tables.get("METADATA") or tables.get("FILE")
            if table is None:
                raise InputError(
                    f"{self.path} has neither METADATA nor FILE", "give a database of NSRL's RDSv3"
                )
            columns = connection.execute(f'PRAGMA table_info("{table}")')
            there = {str(row[1]).lower() for row in columns}
            taken = [one for one in self._algorithms if one in there]
            if not taken:
                raise InputError(f"{self.path}: {table} has no {' or '.join(self._algorithms)}")
            query = f'SELECT {", ".join(taken)} FROM "{table}"'  # noqa: S608 - names of our own list
            rows = connection.execute(query)
            number = 0
            while many := rows.fetchmany(_ROWS):
                for algorithm, column in zip(taken, zip(*many, strict=True), strict=True):
                    texts = [text for text in column if text]  # a row may leave one out
                    self._check_column(algorithm, texts, number)
                    yield self._batch(algorithm, texts)
                number += len(many)

    def _check_column(self, algorithm: str, texts: list[Any], first: int) -> None:
        wanted = 2 * WIDTHS[algorithm]
        for text in texts:
            if type(text) is not str or len(text) != wanted:
                raise self._bad(f"rows from {first}", f"{str(text)[:80]!r} is no {algorithm}")
        joined = "".join(texts)
        if joined and not _HEX.fullmatch(joined):
            raise self._bad(f"rows from {first}", f"a {algorithm} that is not hexadecimal")

    def _lines(self) -> Iterator[tuple[str, str, str]]:
        """A digest a line; `#` begins a remark; `sha256sum`'s lines do as well."""
        with self.path.open(encoding="utf-8-sig") as file:
            for number, text in enumerate(_lines_of(file), 1):
                word = text.split("#", 1)[0].split(None, 1)
                if not word:
                    continue
                algorithm = _BY_LENGTH.get(len(word[0]))
                if algorithm is None:
                    raise self._bad(f"line {number}", f"{word[0][:80]!r} is no digest")
                yield algorithm, word[0], f"line {number}"

    def _csv(self) -> Iterator[tuple[str, str, str]]:
        """Columns named as the algorithms are, or MISP's `type` and `value`."""
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(_lines_of(file))
            header = [_plain(name) for name in next(rows, [])]
            columns = {_ALIKE[name]: at for at, name in enumerate(header) if name in _ALIKE}
            if not columns and {"type", "value"} <= set(header):
                kind, value = header.index("type"), header.index("value")
                for number, row in enumerate(rows, 2):
                    if len(row) > max(kind, value):
                        yield from _attribute(row[kind], row[value], f"line {number}")
                return
            if not columns:
                raise InputError(
                    f"{self.path}: no column of its header is one of {', '.join(WIDTHS)}",
                    "give a header such as: sha256,name. A MISP feed's hashes.csv has none: it "
                    "holds digests of attributes, not of files; give the feed's folder",
                )
            for number, row in enumerate(rows, 2):
                for algorithm, at in columns.items():
                    if at < len(row) and row[at].strip():
                        yield algorithm, row[at].strip(), f"line {number}"

    def _vics(self) -> Iterator[tuple[str, str, str]]:
        """Project VIC 1.x and 2.0: `value` holds media, or cases that hold them under `Media`."""
        with self.path.open("rb") as file:
            number = 0
            for one in ijson.items(file, "value.item"):
                for medium in one.get("Media", [one]) if isinstance(one, dict) else [None]:
                    number += 1
                    place = f"medium {number}"
                    if not isinstance(medium, dict):
                        raise self._bad(place, "not an object")
                    yield from self._medium(medium, place)
            if not number:
                raise InputError(f"{self.path} holds no media", "give a VICS file: {value: [...]}")

    def _medium(self, medium: dict[str, Any], place: str) -> Iterator[tuple[str, str, str]]:
        category = medium.get("Category")
        self.counts[f"category {category}"] += 1
        if self._categories and category not in self._categories:
            return
        found = False
        for name, value in medium.items():
            algorithm = _ALIKE.get(_plain(str(name)))
            if algorithm and value:
                found = True
                yield algorithm, str(value), place
        if not found:
            raise self._bad(place, "it has no MD5, SHA1 or SHA256")

    def _misp(self) -> Iterator[tuple[str, str, str]]:
        """An event, a list of events, or a feed's folder: the digests of files among attributes."""
        if not self.path.is_dir():
            yield from self._event(self.path)
            return
        names = [one for one in sorted(self.path.glob("*.json")) if one.name != "manifest.json"]
        if not names:
            raise InputError(f"{self.path} holds no event (*.json)", "give the feed's folder")
        for one in names:
            yield from self._event(one)

    def _event(self, path: Path) -> Iterator[tuple[str, str, str]]:
        """Attributes stand at many depths, in events and in objects."""
        type_, value, open_at, number = "", "", "", 0
        with path.open("rb") as file:
            for place, kind, one in ijson.parse(file):
                if not open_at and kind == "start_map" and place.endswith("Attribute.item"):
                    open_at, type_, value = place, "", ""
                    number += 1
                elif open_at and place == f"{open_at}.type":
                    type_ = str(one)
                elif open_at and place == f"{open_at}.value":
                    value = str(one)
                elif open_at and kind == "end_map" and place == open_at:
                    open_at = ""
                    yield from _attribute(type_, value, f"attribute {number} of {path.name}")


_ALIKE = {
    **{name: name for name in WIDTHS},
    **{f"hash{name}": name for name in WIDTHS},
    **{f"{name}hash": name for name in WIDTHS},
}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _attribute(type_: str, value: str, place: str) -> Iterable[tuple[str, str, str]]:
    """Return the digest of an attribute: of type `sha256`, `filename|sha256`, `malware-sample`."""
    before, _, algorithm = type_.strip().lower().rpartition("|")
    if algorithm == "malware-sample":
        before, algorithm = "filename", "md5"
    if algorithm in WIDTHS and before in {"", "filename"}:
        return [(algorithm, value.rpartition("|")[2].strip(), place)]
    return []


def _lines_of(file: TextIO) -> Iterator[str]:
    while line := file.readline(_LINE):  # one without an end may be as long as the file
        yield line


def _guess(path: Path) -> str:
    """Say what format `path` is in by how it begins."""
    if path.is_dir():
        return "misp"
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error
    if head.startswith(_SQLITE):
        return "nsrl"
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if begin[:1] in {b"{", b"["}:
        return "vics" if b"odata" in head.lower() or b"MediaID" in head else "misp"
    first = begin.split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    word = first.split("#", 1)[0].split()
    if not first or first.startswith("#") or (word and len(word[0]) in _BY_LENGTH):
        return "list"
    return "csv"
