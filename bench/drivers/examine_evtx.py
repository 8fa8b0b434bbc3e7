"""Read an event log, and print what that took as JSON: `python examine_evtx.py HOW LOG`.

HOW is `engine` (typed records in Parquet, one worker in its sandbox), `json` (the decoder's own
JSON, a line for each record, into a file), `recovered` (as `engine`, counting what is in slack) or
`libevtx` (its recovered records, as XML, into a file). Prints `seconds`, without Python's start but
with the worker's, and `records` or `recovered`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def by_engine(log: Path) -> int:
    """Examine the log as an item; return the event records."""
    from holdfast.examine import results  # noqa: PLC0415 - each way loads its own alone
    from holdfast.examine.run import Input, examine  # noqa: PLC0415

    with log.open("rb") as stream:
        item = hashlib.file_digest(stream, "sha256").hexdigest()
    source = Input(item, log.name, lambda: os.open(log, os.O_RDONLY))
    done = examine([source], Path("derived"), only=("evtx",))
    assert done.failures == done.deaths == 0
    kinds = [found.kind for found in results.datasets(Path("derived"), [item])]
    assert kinds == ["windows.event", "windows.event_log"]
    return done.records - 1


def in_slack(log: Path) -> int:
    """Examine the log as an item; return the records in slack with their content."""
    import pyarrow.compute as pc  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    by_engine(log)
    (events,) = Path("derived").glob("*/*/windows.event.parquet")
    table = pq.read_table(events, columns=["recovered", "event_id"])
    both = pc.and_(table["recovered"].combine_chunks(), table["event_id"].is_valid())
    return int(pc.sum(both).as_py() or 0)


def by_libevtx(log: Path) -> int:
    """Write what libevtx recovers; return how many."""
    import pyevtx  # noqa: PLC0415

    file = pyevtx.file()
    file.open(str(log))
    count = int(file.number_of_recovered_records)
    with Path("out.xml").open("w", encoding="utf-8") as out:
        for number in range(count):
            out.write(file.get_recovered_record(number).get_xml_string())
    return count


def by_decoder(log: Path) -> int:
    """Write the records as the decoder gives them; return their number."""
    import evtx  # noqa: PLC0415

    count = 0
    with Path("out.jsonl").open("w", encoding="utf-8") as out:
        records: Any = evtx.PyEvtxParser(str(log), 1).records_json()
        for record in records:
            out.write(record["data"])
            out.write("\n")
            count += 1
    return count


if __name__ == "__main__":
    start = time.monotonic()
    ways = {
        "engine": by_engine, "json": by_decoder, "recovered": in_slack, "libevtx": by_libevtx,
    }  # fmt: skip
    count = ways[sys.argv[1]](Path(sys.argv[2]))
    counted = "records" if sys.argv[1] in {"engine", "json"} else "recovered"
    print(json.dumps({"seconds": time.monotonic() - start, counted: count}))
