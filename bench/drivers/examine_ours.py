"""Examine files with the parsers named, into `derived`, and time it: PARSERS JOBS FILE...

    python examine_ours.py web_access,syslog 2 a.log b.log

The whole engine, sandbox and hashing included, without finders. Prints its figures as JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

from holdfast.core import clock
from holdfast.examine.run import Input, examine


def main() -> None:
    parsers, jobs, *files = sys.argv[1:]
    collected = clock.from_text("2026-06-01")
    inputs = []
    for file in files:
        with Path(file).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()

        def opened(file: str = file) -> int:
            return os.open(file, os.O_RDONLY)

        inputs.append(Input(digest, Path(file).name, opened, collected))
    done = examine(inputs, Path("derived"), jobs=int(jobs), only=tuple(parsers.split(",")))
    told = {"seconds": done.seconds, "records": done.records, "failures": done.failures}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
