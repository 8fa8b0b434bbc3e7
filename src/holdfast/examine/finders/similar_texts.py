"""A fingerprint of every text that is long enough, so that near-duplicates can be told.

It reads mail, documents and plain text. A text is brought to words without what differs from one
addressee to the next (numbers, addresses, links), and MinHash is taken of its pairs of words: the
share of equal values in two fingerprints estimates the share of pairs that two texts have in
common (Broder, "On the resemblance and containment of documents", 1997). `examine.campaigns`
groups them. Told nothing, it does not run: `examine --similar`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from holdfast.examine.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    import pyarrow as pa

    from holdfast.core.canonical import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarText(Record):
    """The fingerprint of a text; `message` is that of the record it was taken of."""

    KIND: ClassVar[str] = "similar.text"

    fingerprint: str
    """MinHash: `VALUES` 32-bit numbers, 8 hex digits each."""
    word_count: int
    cited_kind: str
    cited_parser: str
    cited_parser_version: int
    cited_seq: int


VERSION = 2
DECODERS: tuple[str, ...] = ("numpy", "python")
KINDS: tuple[str, ...] = ("document.text", "mail.message", "text.document")
"""The kinds of records that are read."""
RECORDS: tuple[type[Record], ...] = (SimilarText,)

VALUES = 128
LEAST = 20
"""Words of the shortest text that a fingerprint is taken of: shorter ones are alike by chance."""
_HALF = np.uint64(32)
_PAIRS = 4096  # pairs of words at once: their products with all multipliers are in memory
_COLUMN = {"document.text": "text", "mail.message": "body_text", "text.document": "text"}
_CITED = ("parser", "parser_version", "kind", "seq", "message", "time", "time_meaning", "row",
          "offset", "length")  # fmt: skip
_LINK = re.compile(r"\b(?:https?|hxxps?)\S+|\S+@\S+|\bwww\.\S+")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_UNSPACED = re.compile(r"([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])")


def prepare(settings: Json) -> bool:
    """Say whether fingerprints are wanted."""
    return settings is not None


def search(rows: pa.RecordBatch, prepared: Any) -> Iterator[tuple[int, Record]]:
    """Yield the fingerprint of each long enough text with the number of its row in `rows`."""
    if not prepared:
        return
    kind = rows.column("kind")[0].as_py() if len(rows) else ""
    column = _COLUMN.get(kind, "")
    for at, row in enumerate(rows.select([*_CITED, *([column] if column else [])]).to_pylist()):
        found = words(row[column] or "") if column else []
        if len(found) >= LEAST:
            yield at, _similar(found, row)


def words(text: str) -> list[str]:
    """Return the words that count, in their order: folded, links and numbers alike."""
    plain = _LINK.sub(" 0link ", unicodedata.normalize("NFKC", text).casefold())
    plain = _UNSPACED.sub(r" \1 ", plain)
    return ["0" if one[0].isdigit() else one for one in _WORD.findall(plain)]


def fingerprint(found: list[str]) -> npt.NDArray[np.uint32]:
    """Return the MinHash of a text's pairs of words, shape (`VALUES`,)."""
    pairs = {f"{one} {two}" for one, two in pairwise(found)}
    hashed = np.fromiter((_hash(pair) for pair in sorted(pairs)), np.uint64, len(pairs))
    least = np.full(VALUES, 0xFFFFFFFF, np.uint64)
    for start in range(0, len(hashed), _PAIRS):
        some = hashed[start : start + _PAIRS, None]
        mixed = (some * _MULTIPLIERS + _ADDENDS) >> _HALF  # modulo 2**64
        least = np.minimum(least, mixed.min(axis=0))
    return least.astype(np.uint32)


def _hash(pair: str) -> int:
    data = pair.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def _constants(stream: int) -> npt.NDArray[np.uint64]:
    """Return `VALUES` odd numbers of 64 bits, always the same ones."""
    drawn = [_hash(f"holdfast minhash {stream} {at}") for at in range(VALUES)]
    return np.array(drawn, np.uint64) | np.uint64(1)


_MULTIPLIERS, _ADDENDS = _constants(1), _constants(2)


def _similar(found: list[str], row: dict[str, Any]) -> SimilarText:
    return SimilarText(
        message=row["message"], time_meaning=row["time_meaning"],
        offset=row["offset"], length=row["length"], row=row["row"],
        fingerprint=fingerprint(found).astype(">u4").tobytes().hex(), word_count=len(found),
        cited_kind=row["kind"], cited_parser=row["parser"],
        cited_parser_version=row["parser_version"], cited_seq=row["seq"],
    )  # fmt: skip
