"""An answer of a timeline, as lines and as an Arrow stream.

spool FOLDER | lines ANSWER | arrow ANSWER | read-lines | read-arrow

`spool` writes the answer of all of FOLDER's events into FOLDER/answer.jsonl, as the server does.
`lines` and `arrow` write it out in that form; the others read it from standard input, as a program
would, and print how many events it has.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import orjson
import pyarrow as pa

from holdfast.acts.asking import of_event
from holdfast.examine import arrow_stream, timeline


def spool(folder: Path) -> None:
    with (folder / "answer.jsonl").open("wb") as answer:
        for row in timeline.query(folder):
            answer.write(orjson.dumps(of_event({}, row), option=orjson.OPT_SORT_KEYS) + b"\n")


def arrow(answer: Path) -> None:
    with answer.open("rb") as lines:
        rows = sum(1 for _ in lines)
        lines.seek(0)
        digest = hashlib.file_digest(lines, "sha256").hexdigest()
        lines.seek(0)
        for part in arrow_stream.stream("timeline", lines, rows, digest):
            sys.stdout.buffer.write(part)


def main(what: str, *given: str) -> None:
    if what == "spool":
        spool(Path(given[0]))
    elif what == "lines":
        with Path(given[0]).open("rb") as lines:
            shutil.copyfileobj(lines, sys.stdout.buffer, 1 << 16)
    elif what == "arrow":
        arrow(Path(given[0]))
    elif what == "read-lines":
        print(sum(bool(orjson.loads(line)["message"]) for line in sys.stdin.buffer))
    else:
        rows = 0
        for batch in pa.ipc.open_stream(sys.stdin.buffer):  # type: ignore[arg-type]
            rows += len(batch)
        print(rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
