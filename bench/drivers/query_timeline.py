"""Make a timeline of events, or ask one: make FOLDER COUNT | ask FOLDER COUNT QUERIES.

The events lie as `timeline.build` leaves them: sorted, common columns, in one file. Prints JSON.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from pathlib import Path

import duckdb

from holdfast.core import canonical
from holdfast.examine import rollups, timeline

FIRST = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""
YEAR = 365 * 86_400_000_000
HOUR, DAY = 3_600_000_000, 86_400_000_000
PAGE = 1_000
"""Events that a page of a timeline shows."""
_MAKE = """
COPY (SELECT sha256((n // 10000)::VARCHAR) AS item, '' AS path, 'web_access' AS parser,
             1::BIGINT AS parser_version, ['web.access', 'syslog.line', 'mail.message',
             'windows.event', 'browser.visit'][n % 5 + 1] AS kind, n AS seq,
             make_timestamptz({first} + n * {step}) AS time,
             NULL::BIGINT AS time_nanos, 'logged' AS time_meaning,
             'exact' AS time_quality, NULL::VARCHAR AS time_original,
             'host-' || (n % 40) || '.example' AS host, 'user' || (n % 700) AS "user",
             'event ' || n || ' of session ' || (hash(n) % 1000000) || ' from 203.0.113.'
             || (n % 256) AS message, n * 200 AS "offset", 200::BIGINT AS length, n AS "row"
      FROM range({count}) AS numbers(n))
TO '{target}' (FORMAT parquet, COMPRESSION zstd)
"""


def make(folder: Path, count: int) -> None:
    place = folder / "timeline"
    place.mkdir(parents=True)
    events = place / "events.parquet"
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(_MAKE.format(first=FIRST, step=YEAR // count, count=count, target=events))
    rollups.build(connection, events, place)
    built: canonical.Json = {"format": "holdfast-timeline/1", "events": count}
    (place / "built.json").write_bytes(canonical.dumps(built))


def ask(folder: Path, count: int, queries: int) -> dict[str, float]:
    source = random.Random(7)
    list(timeline.query(folder, limit=1))  # what is loaded once
    taken: dict[str, list[float]] = {"hour": [], "day": [], "filtered": [], "year": []}
    found = 0
    for _ in range(queries):
        start = FIRST + source.randrange(YEAR - DAY)
        for name, given in (
            ("hour", {"end": start + HOUR}),
            ("day", {"end": start + DAY, "limit": PAGE}),
            ("filtered", {"end": start + DAY, "kinds": ["mail.message"], "text": "SESSION 7"}),
        ):
            begun = time.perf_counter()
            rows = len(list(timeline.query(folder, start=start, **given)))
            taken[name].append(time.perf_counter() - begun)
            found += rows if name == "hour" else 0
        begun = time.perf_counter()
        months = list(rollups.query(folder, "month"))
        taken["year"].append(time.perf_counter() - begun)
        assert sum(int(str(row["events"])) for row in months) == count
    figures = {f"{name}_ms": statistics.median(some) * 1000 for name, some in taken.items()}
    worst = max(max(some) for some in taken.values()) * 1000
    return {**figures, "worst_ms": worst, "found": float(found)}


if __name__ == "__main__":
    what, place, *numbers = sys.argv[1:]
    if what == "make":
        make(Path(place), int(numbers[0]))
    else:
        print(json.dumps(ask(Path(place), int(numbers[0]), int(numbers[1]))))
