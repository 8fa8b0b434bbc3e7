r"""Full text over every record of a case: `index/<case>/text/`, by tantivy.

What a user types is in `_asked`: words, phrases, fields, dates. Case and accents don't matter. An
address or URL is found as its parts in their order, so it needs no quoting. docs/formats/records.md
says what is stored.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow.parquet as pq
import tantivy

from holdfast.core import canonical
from holdfast.core.errors import InputError, IntegrityError
from holdfast.examine import results
from holdfast.examine._arrow import pa, pc
from holdfast.examine._asked import FIELDS, RAW, parse
from holdfast.examine._marks import marks
from holdfast.examine._words import TOKENIZER, analyzer, prepare
from holdfast.examine.records import untimed
from holdfast.examine.timeline import swap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyarrow import RecordBatch

    from holdfast.examine._asked import Term

__all__ = ["MOST", "Hit", "build", "parse", "query"]

_FOLDER, _BUILT = "text", "built.json"
_HEAP = 20 << 20
_SHOWN = 32_768
_AROUND = 80
_PRINTS = "similar."
"""Kinds of records that hold fingerprints: there is nothing in them to read."""
MOST = 100_000
_ROWS = 4096
_REFERENCE = (
    "item", "path", "parser", "parser_version", "kind", "seq", "time", "time_meaning", "offset",
    "length", "row",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A record in which the words occur."""

    item: str
    path: str
    parser: str
    parser_version: int
    kind: str
    seq: int
    time: int | None
    """Microseconds since the epoch, UTC."""
    time_meaning: str | None
    offset: int | None
    length: int | None
    row: int | None
    snippet: str
    """Text of the record around the first word found; plain text from evidence, never HTML."""
    marks: tuple[tuple[int, int], ...]
    """Where in `snippet` the words are: first character, and the one after the last."""
    host: str | None = None


def build(derived: Path, items: Iterable[str], index_dir: Path) -> int:
    """Index every record of `items` anew, and put it in the old index's place; return how many.

    Raises:
        IntegrityError: derived data can't be read.
    """
    index_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".text-", dir=index_dir) as name:
        fresh = Path(name) / _FOLDER
        fresh.mkdir()
        schema = _schema()
        index = tantivy.Index(schema, str(fresh))
        index.register_tokenizer(TOKENIZER, analyzer())
        writer = index.writer(_HEAP, 1)  # one thread: equal records give equal order of equal hits
        count = 0
        for dataset in results.datasets(derived, items):
            if dataset.kind.startswith(_PRINTS):
                continue
            for document in _documents(dataset.path):
                writer.add_document(document)
                count += 1
        writer.commit()
        writer.wait_merging_threads()
        built: canonical.Json = {"format": "holdfast-text/1", "records": count}
        (fresh / _BUILT).write_bytes(canonical.dumps(built))
        swap(fresh, index_dir / _FOLDER)
    return count


def query(index_dir: Path, text: str, limit: int = 100) -> Iterator[Hit]:
    """Yield the records in which all of `text` occurs, the best first; see `_asked`.

    Raises:
        InputError: there is no index, or nothing in `text` that can be looked for.
        IntegrityError: the index can't be read.
    """
    for hit, _ in whole(index_dir, text, limit):
        yield hit


def whole(index_dir: Path, text: str, limit: int) -> Iterator[tuple[Hit, str]]:
    """Yield as `query` does, each with the text of its record, up to `_SHOWN` characters.

    Raises:
        InputError: there is no index, or nothing in `text` that can be looked for.
        IntegrityError: the index can't be read.
    """
    if not 1 <= limit <= MOST:
        raise InputError(f"a search gives 1 to {MOST} hits, not {limit}")
    asked = parse(text)
    index = _open(index_dir)
    schema, searcher = index.schema, index.searcher()
    parts = [(tantivy.Occur.Must, _part(schema, term)) for term in asked.terms]
    if asked.start is not None or asked.end is not None:
        between = tantivy.Query.range_query(
            schema, "time", tantivy.FieldType.Integer, asked.start, asked.end
        )
        parts.append((tantivy.Occur.Must, between))
    try:
        found = searcher.search(tantivy.Query.boolean_query(parts), limit, count=False)
    except ValueError as error:
        raise InputError(f"the search is too wide: {error}", "give more of each word") from error
    for _, address in found.hits:
        stored: Any = searcher.doc(address)
        shown = bytes(stored.get_first("shown"))
        yield _hit(bytes(stored.get_first("ref")), shown, asked.terms), shown.decode()


def _part(schema: tantivy.Schema, term: Term) -> tantivy.Query:
    *before, last = term.words
    field = term.field
    if term.wrong:
        return tantivy.Query.fuzzy_term_query(schema, field, last, distance=term.wrong)
    if term.begun:
        open_end = re.escape(last) + ".*"
        if before:
            return tantivy.Query.regex_phrase_query(
                schema, field, [*map(re.escape, before), open_end]
            )
        return tantivy.Query.regex_query(schema, field, open_end)
    if before:
        return tantivy.Query.phrase_query(schema, field, list(term.words))
    return tantivy.Query.term_query(schema, field, last)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in ("text", *FIELDS):
        tokenizer = "raw" if name == RAW else TOKENIZER
        builder.add_text_field(
            name, stored=False, tokenizer_name=tokenizer, index_option="position"
        )
    builder.add_integer_field("time", stored=False, indexed=True, fast=True)
    builder.add_bytes_field("shown", stored=True)
    builder.add_bytes_field("ref", stored=True)
    return builder.build()


def _open(index_dir: Path) -> tantivy.Index:
    folder = index_dir / _FOLDER
    if not (folder / _BUILT).is_file():
        raise InputError(f"there is no text index in {index_dir}", "build it first")
    try:
        index = tantivy.Index.open(str(folder))
    except (ValueError, OSError) as error:
        raise IntegrityError(f"the text index in {index_dir} can't be read: {error}") from error
    index.register_tokenizer(TOKENIZER, analyzer())
    return index


def _documents(path: Path) -> Iterator[tantivy.Document]:
    """Yield each record of a dataset as what is indexed of it.

    Raises:
        IntegrityError: it can't be read.
    """
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS):
                yield from _of_batch(untimed(batch))
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(
            f"{path} can't be read as a dataset: {error}", "drop derived data and examine again"
        ) from error


def _of_batch(batch: RecordBatch) -> Iterator[tantivy.Document]:
    # By columns, since a dict for each row takes as long as indexing it.
    kind = str(batch.column("kind")[0]) if len(batch) else ""
    times: list[Any] = batch.column("time").to_pylist()
    fields = _fields(batch)
    for at, (reference, texts) in enumerate(zip(_references(batch), _texts(batch), strict=True)):
        distinct = dict.fromkeys(filter(None, texts))
        document = tantivy.Document()
        for text in distinct:
            document.add_text("text", text if text.isascii() else prepare(text))
        document.add_text(RAW, kind)
        if times[at] is not None:
            document.add_integer("time", times[at])
        for name, values in fields:
            if (value := values[at]) is not None:
                for text in (value,) if isinstance(value, str) else value:
                    document.add_text(name, text if text.isascii() else prepare(text))
        document.add_bytes("shown", "\n".join(distinct)[:_SHOWN].encode())
        document.add_bytes("ref", reference)
        yield document


def _texts(batch: RecordBatch) -> Iterator[Sequence[str | None]]:
    """Yield each row's texts, the message first."""
    names = ["message", *(name for name in batch.schema.names if name != "message")]
    columns, lists = [], []
    for name in names:
        column = batch.column(name)
        if name in _REFERENCE or column.null_count == len(column):
            continue
        if pa.types.is_string(column.type):
            columns.append(column.to_pylist())
        elif pa.types.is_list(column.type):
            lists.append(column.to_pylist())
    if not lists:
        return zip(*columns, strict=True)
    return (
        [*row, *chain.from_iterable(filter(None, more))]
        for row, more in zip(zip(*columns, strict=True), zip(*lists, strict=True), strict=True)
    )


def _fields(batch: RecordBatch) -> list[tuple[str, list[Any]]]:
    """Return each column that is a field of its own, as far as any row has it."""
    found = []
    for name, columns in FIELDS.items():
        for column in columns if name != RAW else ():
            if column in batch.schema.names:
                values = batch.column(column).to_pylist()
                if any(values):
                    found.append((name, values))
    return found


def _references(batch: RecordBatch) -> list[bytes]:
    """Return what names each row, as JSON."""
    parts: list[Any] = []
    for name in (*_REFERENCE, "host"):
        column = batch.column(name)
        if pa.types.is_string(column.type):
            known = column.dictionary_encode()
            shown = pa.array([json.dumps(value) for value in known.dictionary.to_pylist()])
            column = shown.take(known.indices)
        text: Any = pc.fill_null(cast("Any", column.cast(pa.string())), "null")
        parts += [f'{"," if parts else "{"}"{name}":', text]
    joined = pc.binary_join_element_wise(*parts, "}", "")
    return cast("list[bytes]", joined.cast(pa.binary()).to_pylist())


def _hit(reference: bytes, shown: bytes, terms: tuple[Term, ...]) -> Hit:
    text = shown.decode()
    found = marks(text, terms)
    start = max(0, found[0][0] - _AROUND) if found else 0
    end = min(len(text), start + 3 * _AROUND)
    inside = ((first - start, last - start) for first, last in found if last <= end)
    return Hit(**json.loads(reference), snippet=text[start:end], marks=tuple(inside))
