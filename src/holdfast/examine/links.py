"""Links between cases: the same validated indicator in two of them.

`index/<case>/links/indicators.parquet` holds one keyed digest (HMAC-SHA-256, 16 bytes of it) for
each different indicator of a case, sorted, and nothing else. Who has no key learns from it how many
there are. It is rebuilt with the case's other indexes, and goes with them by an erasure.

A digest is of the type and the value in one normal form, so that `HXXP://Evil[.]example/A` and
`http://evil.example/A` are one. What says nothing of who or where (a CVE number, a registry path,
an address of a private network) makes no link.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.core import canonical
from holdfast.examine import _duck, results
from holdfast.examine.timeline import swap
from holdfast.examine.unseen import Unseen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_FOLDER, _LINKS, _BUILT = "links", "indicators.parquet", "built.json"
_SIZE = 16
_ROWS = 16_384
_SCHEMA = pa.schema([("link", pa.binary())])
_PURPOSE = b"holdfast-links/1"
_UNTELLING = {"cve", "registry_key"}
"""Types that name no person, place or thing of a case."""
_FANGS = (
    (re.compile(r"\[\.\]|\(\.\)|\[dot\]|\(dot\)", re.IGNORECASE), "."),
    (re.compile(r"\[@\]|\(@\)|\[at\]|\(at\)", re.IGNORECASE), "@"),
    (re.compile(r"\[:\]"), ":"),
    (re.compile(r"\[://\]"), "://"),
    (re.compile(r"^h(?:xx|\*\*)p", re.IGNORECASE), "http"),
    (re.compile(r"^fxp", re.IGNORECASE), "ftp"),
    (re.compile(r"\\/"), "/"),
)
_FANGED = {"url", "email", "ipv4", "ipv6", "domain", "onion_v3"}
_SPACED = {"card", "iban", "imei", "mac", "phone"}
_EXACT = {"trx", "xmr", "telegram", "discord", "whatsapp", "url"}
"""Types in whose values capitals tell things apart."""

_FOUND = """
SELECT type, value, count(*) AS places, min(item) AS item
FROM read_parquet($files, union_by_name = true)
WHERE valid AND type IS NOT NULL AND value IS NOT NULL
GROUP BY type, value
"""
_EACH = """
SELECT type, value, item, path, "offset"
FROM read_parquet($files, union_by_name = true)
WHERE valid AND type IS NOT NULL AND value IS NOT NULL
"""
_SORT = """
COPY (SELECT DISTINCT link FROM read_parquet($files) ORDER BY link)
TO '{target}' (FORMAT parquet, COMPRESSION zstd)
"""
_HELD = """
SELECT DISTINCT filename FROM read_parquet($files, filename = true) WHERE link = $link
"""
_SHARED = """
SELECT DISTINCT link, filename FROM read_parquet($others, filename = true)
WHERE link IN (SELECT link FROM read_parquet($mine))
"""


@dataclass
class Link:
    """One indicator of the asking case that other cases hold, too."""

    type: str
    value: str
    """In its normal form."""
    places: int
    """How often the asking case has it."""
    item: str
    """An item of the asking case that has it."""
    cases: tuple[str, ...]
    """The others, by number."""


def key_of(secret: bytes) -> bytes:
    """Return the key of the digests, from a secret of the vault."""
    return hmac.digest(secret, _PURPOSE, hashlib.sha256)


def normal(type_: str, value: str) -> str | None:
    """Return the one form of a value; None for what makes no link."""
    text = value.strip()
    if type_ in _UNTELLING:
        return None
    if type_ in _FANGED:
        for pattern, plain in _FANGS:
            text = pattern.sub(plain, text)
    if type_ in _SPACED:
        text = "".join(c for c in text if c.isalnum() or c == "+")
    if type_ in {"ipv4", "ipv6"}:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return text.lower()
        return str(address) if address.is_global else None
    if type_ == "url":
        return _url(text)
    if type_ == "btc":
        return text.lower() if text[:3].lower() in {"bc1", "tb1"} else text
    return text if type_ in _EXACT or type_.startswith("own.") else text.lower()


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    return parts._replace(netloc=parts.netloc.lower(), path=parts.path or "/").geturl()


def build(derived: Path, items: Iterable[str], index_dir: Path, key: bytes) -> int:
    """Build the links of a case anew and put them in the old ones' place; return how many.

    Memory is bounded: what does not fit goes to disk.

    Raises:
        IntegrityError: derived data can't be read.
        ResourceError: no room.
    """
    index_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".links-", dir=index_dir) as name:
        scratch = Path(name)
        fresh, stage = scratch / _FOLDER, scratch / "stage.parquet"
        fresh.mkdir()
        count = 0
        with pq.ParquetWriter(stage, _SCHEMA) as writer:
            batch: list[bytes] = []
            for type_, value, _, _ in _every(derived, items, scratch / "query"):
                batch.append(_digest(key, type_, value))
                if len(batch) == _ROWS:
                    writer.write_table(pa.table({"link": batch}, schema=_SCHEMA))
                    batch = []
            writer.write_table(pa.table({"link": batch}, schema=_SCHEMA))
        with _duck.connect(scratch / "tmp", scratch) as connection:
            target = fresh / _LINKS
            quoted = str(target.parent.resolve() / target.name).replace("'", "''")
            connection.execute(_SORT.format(target=quoted), {"files": [str(stage.resolve())]})
            found = connection.execute(
                "SELECT count(*) FROM read_parquet($file)", {"file": [str(target.resolve())]}
            ).fetchone()
            count = int(found[0]) if found else 0
        built: canonical.Json = {"format": _PURPOSE.decode(), "links": count}
        (fresh / _BUILT).write_bytes(canonical.dumps(built))
        swap(fresh, index_dir / _FOLDER)
    return count


def linked(
    derived: Path,
    items: Iterable[str],
    index: Path,
    case: str,
    *,
    others: Iterable[str],
    key: bytes,
    unseen: Unseen | None = None,
) -> Iterator[Link]:
    """Yield what `case` and any of `others` both hold, by type and value.

    `index` is the folder of all cases' indexes. A case without links of its own has none. What is
    `unseen` in `case` is not there; of the others nothing is known here but that they hold it.

    Raises:
        IntegrityError: derived data can't be read.
    """
    mine = index / case / _FOLDER / _LINKS
    paths = {
        str(path.resolve()): other for other in others
        if (path := index / other / _FOLDER / _LINKS).is_file()
    }  # fmt: skip
    if not mine.is_file() or not paths:
        return
    shared: dict[bytes, set[str]] = defaultdict(set)
    with tempfile.TemporaryDirectory(prefix="holdfast-links-") as name:
        scratch = Path(name)
        with _duck.connect(scratch / "shared", index) as connection:
            for batch in _duck.batches(map(Path, sorted(paths))):
                values: dict[str, object] = {"others": batch, "mine": [str(mine.resolve())]}
                for row in _duck.rows(connection, _SHARED, values):
                    shared[bytes(row["link"])].add(paths[str(row["filename"])])  # type: ignore[call-overload]
        if not shared:
            return
        found: dict[tuple[str, str], Link] = {}
        for type_, value, places, item in _every(derived, items, scratch / "mine", unseen):
            cases = shared.get(_digest(key, type_, value))
            if cases is None:
                continue
            one = found.setdefault(
                (type_, value), Link(type_, value, 0, item, tuple(sorted(cases)))
            )
            one.places += places
            one.item = min(one.item, item)
    for _, one in sorted(found.items()):
        yield one


def openly(
    derived: Path, items: Iterable[str], wanted: Collection[tuple[str, str]], unseen: Unseen
) -> set[tuple[str, str]]:
    """Return which of `wanted` (type, normal value) are found in `items` outside what is `unseen`.

    Raises:
        IntegrityError: derived data can't be read.
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-links-") as name:
        every = _every(derived, items, Path(name), unseen)
        return {(type_, value) for type_, value, _, _ in every} & set(wanted)


def held(index: Path, cases: Iterable[str], type_: str, value: str, key: bytes) -> tuple[str, ...]:
    """Return which of `cases` hold one indicator, by their digests alone.

    Raises:
        IntegrityError: a case's links can't be read.
    """
    plain = normal(type_, value)
    paths = {
        str(path.resolve()): case for case in cases
        if (path := index / case / _FOLDER / _LINKS).is_file()
    }  # fmt: skip
    if not plain or not paths:
        return ()
    found: set[str] = set()
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-links-") as name,
        _duck.connect(Path(name), index) as connection,
    ):
        for batch in _duck.batches(map(Path, sorted(paths))):
            values: dict[str, object] = {"files": batch, "link": _digest(key, type_, plain)}
            found |= {paths[str(row["filename"])] for row in _duck.rows(connection, _HELD, values)}
    return tuple(sorted(found))


def _digest(key: bytes, type_: str, value: str) -> bytes:
    return hmac.digest(key, f"{type_}\0{value}".encode(), hashlib.sha256)[:_SIZE]


def _every(
    derived: Path, items: Iterable[str], scratch: Path, unseen: Unseen | None = None
) -> Iterator[tuple[str, str, int, str]]:
    """Yield type, normal value, number of places and an item of each indicator that may link.

    One may come more than once, written in other ways or in other datasets.
    """
    kept = unseen or Unseen()
    wanted = sorted(set(items))
    whole = [item for item in wanted if item not in kept.items]
    parts = [item for item in wanted if item in kept.items]
    with _duck.connect(scratch, derived) as connection:
        for batch in _duck.batches(_datasets(derived, whole)):
            for row in _duck.rows(connection, _FOUND, {"files": batch}):
                value = normal(str(row["type"]), str(row["value"]))
                if value:
                    yield str(row["type"]), value, int(str(row["places"])), str(row["item"])
        for batch in _duck.batches(_datasets(derived, parts)):
            for row in _duck.rows(connection, _EACH, {"files": batch}):
                item, offset = str(row["item"]), row["offset"]
                at = offset if isinstance(offset, int) else None
                value = normal(str(row["type"]), str(row["value"]))
                if value and not kept.covers(item, str(row["path"] or ""), at):
                    yield str(row["type"]), value, 1, item


def _datasets(derived: Path, items: Iterable[str]) -> Iterator[Path]:
    return (one.path for one in results.datasets(derived, items) if one.kind == "indicator")
