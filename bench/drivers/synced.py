"""Append COUNT records of SIZE bytes to a file, each on the disk before the next, and time it.

    python synced.py COUNT SIZE

What the disk allows whoever makes each record durable before the next: one write and one
fdatasync(2) a record. Prints `seconds` as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    count, size = int(sys.argv[1]), int(sys.argv[2])
    descriptor = os.open("synced", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
    start = time.perf_counter()
    for _ in range(count):
        os.write(descriptor, b"r" * size)
        os.fdatasync(descriptor)
    print(json.dumps({"seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
