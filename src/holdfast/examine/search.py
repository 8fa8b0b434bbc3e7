r"""Full text over every record of a case: `index/<case>/text/`, by tantivy.

What a user types: words, all of which must occur; "a phrase" in double quotes; `begin*` for
words that begin so. Case and accents don't matter. An address or URL is found as its parts in
their order, so it needs no quoting. docs/formats/records.md says what is stored.
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
from holdfast.examine._words import TOKENIZER, analyzer, fold, prepare, unspaced
from holdfast.examine.records import storable, untimed
from holdfast.examine.timeline import swap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyarrow import RecordBatch

_FOLDER, _BUILT = "text", "built.json"
_HEAP = 20 << 20
_SHOWN = 32_768
_AROUND = 80
_LONGEST_QUERY = 1000
_MOST = 100_000
_ROWS = 4096
_REFERENCE = (
    "item", "path", "parser", "parser_version", "kind", "seq", "time", "time_meaning", "offset",
    "length", "row",
)  # fmt: skip
_TERM = re.compile(r'"([^"]*)"(\*?)|([^\s"]+)')


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


@dataclass(frozen=True)
class _Term:
    """Words that must follow each other, the last perhaps only begun."""

    words: tuple[str, ...]
    begun: bool


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
    """Yield the records in which all of `text` occurs, the best first.

    Raises:
        InputError: there is no index, or nothing in `text` that can be looked for.
        IntegrityError: the index can't be read.
    """
    if not 1 <= limit <= _MOST:
        raise InputError(f"a search gives 1 to {_MOST} hits, not {limit}")
    terms = parse(text)
    index = _open(index_dir)
    schema, searcher = index.schema, index.searcher()
    parts = [(tantivy.Occur.Must, _part(schema, term)) for term in terms]
    try:
        found = searcher.search(tantivy.Query.boolean_query(parts), limit, count=False)
    except ValueError as error:
        raise InputError(f"the search is too wide: {error}", "give more of each word") from error
    for _, address in found.hits:
        stored: Any = searcher.doc(address)
        yield _hit(bytes(stored.get_first("ref")), bytes(stored.get_first("shown")), terms)


def parse(text: str) -> tuple[_Term, ...]:
    """Return what `text` asks for.

    Raises:
        InputError: a quote without its end, or nothing to look for.
    """
    if len(text) > _LONGEST_QUERY:
        raise InputError(f"a search has at most {_LONGEST_QUERY} characters")
    if text.count('"') % 2:
        raise InputError("a quotation mark has no partner", 'write "a phrase" between two')
    split = analyzer()
    terms = []
    for found in _TERM.finditer(storable(text)):
        phrase, star, word = found.groups()
        begun = bool(star) if word is None else word.endswith("*")
        plain = phrase if word is None else word
        if "*" in plain.rstrip("*"):
            raise InputError(
                f"{plain!r} has a * that is not at its end",
                "only the end of a word can be left open",
            )
        words = tuple(split.analyze(prepare(plain)))
        if words:
            terms.append(_Term(words, begun))
        elif any(map(str.isalnum, plain)):
            raise InputError("a word of more than 255 bytes can't be looked for")
    if not terms:
        raise InputError("there is nothing to look for", "give at least one letter or digit")
    return tuple(terms)


def _part(schema: tantivy.Schema, term: _Term) -> tantivy.Query:
    *before, last = term.words
    if term.begun:
        open_end = re.escape(last) + ".*"
        if before:
            return tantivy.Query.regex_phrase_query(
                schema, "text", [*map(re.escape, before), open_end]
            )
        return tantivy.Query.regex_query(schema, "text", open_end)
    if before:
        return tantivy.Query.phrase_query(schema, "text", list(term.words))
    return tantivy.Query.term_query(schema, "text", last)


def _schema() -> tantivy.Schema:
    return (
        tantivy.SchemaBuilder()
        .add_text_field("text", stored=False, tokenizer_name=TOKENIZER, index_option="position")
        .add_bytes_field("shown", stored=True)
        .add_bytes_field("ref", stored=True)
        .build()
    )


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
    for reference, texts in zip(_references(batch), _texts(batch), strict=True):
        distinct = dict.fromkeys(filter(None, texts))
        document = tantivy.Document()
        for text in distinct:
            document.add_text("text", text if text.isascii() else prepare(text))
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


def _references(batch: RecordBatch) -> list[bytes]:
    """Return what names each row, as JSON."""
    parts: list[Any] = []
    for name in _REFERENCE:
        column = batch.column(name)
        if pa.types.is_string(column.type):
            known = column.dictionary_encode()
            shown = pa.array([json.dumps(value) for value in known.dictionary.to_pylist()])
            column = shown.take(known.indices)
        text = pc.fill_null(column.cast(pa.string()), "null")
        parts += [f'{"," if parts else "{"}"{name}":', text]
    joined = pc.binary_join_element_wise(*parts, "}", "")
    return cast("list[bytes]", joined.cast(pa.binary()).to_pylist())


def _hit(reference: bytes, shown: bytes, terms: tuple[_Term, ...]) -> Hit:
    text = shown.decode()
    pattern = "|".join(map(_pattern, terms))
    found = list(re.finditer(pattern, fold(text)))
    start = max(0, found[0].start() - _AROUND) if found else 0
    end = min(len(text), start + 3 * _AROUND)
    marks = ((f.start() - start, f.end() - start) for f in found if f.end() <= end)
    return Hit(**json.loads(reference), snippet=text[start:end], marks=tuple(marks))


def _pattern(term: _Term) -> str:
    words = [re.escape(fold(word)) for word in term.words]
    start = "" if unspaced(term.words[0]) else r"(?<!\w)"
    return start + r"[\W_]*".join(words) + (r"\w*" if term.begun else "")
