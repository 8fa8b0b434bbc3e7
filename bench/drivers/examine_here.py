"""Examine files with every module, by processes of this machine: `examine_here.py JOBS FOLDER`."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.examine.run import Input, Started, examine

if TYPE_CHECKING:
    from holdfast.examine.run import Event


def main() -> None:
    jobs, folder = sys.argv[1:]
    inputs = []
    for path in sorted(Path(folder).iterdir()):
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()

        def opened(path: Path = path) -> int:
            return os.open(path, os.O_RDONLY)

        inputs.append(Input(digest, path.name, opened))
    started: list[float] = []

    def hear(event: Event) -> None:
        if isinstance(event, Started):
            started.append(time.monotonic())

    done = examine(inputs, Path("derived"), jobs=int(jobs), on_event=hear)
    busy = time.monotonic() - started[0]
    print(json.dumps({"busy": busy, "examined": done.examined, "records": done.records}))


if __name__ == "__main__":
    main()
