"""Make the timeline and text index of a large case: INDEX COUNT ITEM...

The events lie as `timeline.build` leaves them (sorted, common columns, counts by hour), the index
has the schema, the tokenizer and the stored bytes of `search.build`: what is made quickly here is
only their content. Every item has events of some kinds, hosts and users; their words are few words
often and many words seldom, as in real logs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow.parquet as pq
import tantivy

from holdfast.core import canonical
from holdfast.examine import rollups, search
from holdfast.examine._words import TOKENIZER, analyzer
from holdfast.examine.records import untimed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyarrow import RecordBatch

FIRST = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""
YEAR = 365 * 86_400_000_000
KINDS = (
    "web.access", "syslog.line", "mail.message", "windows.event", "browser.visit", "auth.login",
    "file.times", "shell.command",
)  # fmt: skip
PARSERS = ("web_access", "syslog", "mail", "evtx", "browser", "auth", "file_times", "shell")
VERBS = ("opened", "closed", "failed", "accepted", "refused", "moved", "deleted", "sent")
THINGS = (
    "invoice", "transfer", "account", "letter", "session", "wallet", "contract", "password",
)  # fmt: skip
DISKS, LANES, SPANS = 8, 32, 6
"""Exhibits: disks have events of every kind all year; the others, of one kind each, lie side
by side in lanes, and follow each other there."""
ITEMS = DISKS + LANES * SPANS
_BURST = 40
"""Events of one source that follow each other."""
_MAKE = """
COPY (
  SELECT ($items)[CASE WHEN disk THEN lane % {disks}
                       ELSE {disks} + lane * {spans} + part END + 1] AS item,
         CASE WHEN disk THEN 'home/user' || (n % 701) || '/file' || (n % 9973) ELSE '' END AS path,
         ($parsers)[kind_ + 1] AS parser, 1::BIGINT AS parser_version,
         ($kinds)[kind_ + 1] AS kind, n AS seq,
         make_timestamptz($first + (n * $step)::BIGINT) AS time, NULL::BIGINT AS time_nanos,
         'logged' AS time_meaning,
         CASE WHEN kind_ IN (1, 5) THEN 'zone assumed' ELSE 'exact' END AS time_quality,
         NULL::VARCHAR AS time_original,
         CASE WHEN kind_ = 0 THEN '203.0.113.' || (hash(n) % 256) ELSE 'host-' || lane || '.example'
           END AS host,
         'user' || (hash(n + 1) % 701) AS "user",
         ($verbs)[(n // 5) % 8 + 1] || ' ' || ($things)[(n // 3) % 8 + 1] || ' s'
           || (hash(n) % 1000000) || ' by user' || (hash(n + 1) % 701) || ' from 203.0.113.'
           || (n % 256) AS message,
         n * 200 AS "offset", 200::BIGINT AS length, n AS "row"
  FROM (SELECT n, lane, disk, part,
               (CASE WHEN disk THEN hash(n // 7) % 8 ELSE lane % 8 END)::INTEGER AS kind_
        FROM (SELECT n, (hash(n // {burst}) % {lanes})::INTEGER AS lane,
                     hash(n // {burst} + 1) % 4 = 0 AS disk,
                     (n * {spans} // $count)::INTEGER AS part
              FROM range($count) AS numbers(n))))
TO '{target}' (FORMAT parquet, COMPRESSION zstd)
"""
_HEAP = 256 << 20


def timeline(index: Path, count: int, items: Sequence[str]) -> Path:
    """Make `index/timeline`; return the events' file."""
    folder = index / "timeline"
    folder.mkdir(parents=True)
    events = folder / "events.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        given = {
            "items": [*items], "parsers": [*PARSERS], "kinds": [*KINDS], "first": FIRST,
            "step": YEAR / count, "count": count, "verbs": [*VERBS], "things": [*THINGS],
        }  # fmt: skip
        sizes = {"disks": DISKS, "lanes": LANES, "spans": SPANS, "burst": _BURST}
        connection.execute(_MAKE.format(target=events, **sizes), given)
        rollups.build(connection, events, folder)
    built: canonical.Json = {"format": "holdfast-timeline/1", "events": count}
    (folder / "built.json").write_bytes(canonical.dumps(built))
    return events


def texts(index: Path, count: int, events: Path) -> None:
    """Make `index/text` of the same events."""
    folder = index / "text"
    folder.mkdir()
    made = tantivy.Index(search._schema(), str(folder))  # noqa: SLF001 - the very same
    made.register_tokenizer(TOKENIZER, analyzer())
    # Threads, for the order of equal hits is no matter here.
    writer = made.writer(_HEAP, 2)
    with pq.ParquetFile(events) as file:
        for batch in file.iter_batches(batch_size=8192):
            _add(writer, untimed(batch))
    writer.commit()
    writer.wait_merging_threads()
    built: canonical.Json = {"format": "holdfast-text/1", "records": count}
    (folder / "built.json").write_bytes(canonical.dumps(built))


def _add(writer: tantivy.IndexWriter, batch: RecordBatch) -> None:
    references = search._references(batch)  # noqa: SLF001 - the very same
    columns = [batch.column(name).to_pylist() for name in ("message", "kind", "time", "host")]
    for message, kind, time, host, reference in zip(*columns, references, strict=True):
        document = tantivy.Document()
        document.add_text("text", message)
        document.add_text("kind", kind)
        document.add_text("host", host)
        document.add_integer("time", time)
        document.add_bytes("shown", message.encode())
        document.add_bytes("ref", reference)
        writer.add_document(document)


if __name__ == "__main__":
    place, number, *every = sys.argv[1:]
    texts(Path(place), int(number), timeline(Path(place), int(number), every))
