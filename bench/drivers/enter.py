"""Enter COUNT acts in groups of GROUP, and print what that took as JSON.

    python enter.py VAULT CASE COUNT GROUP MARK

Prints `seconds` (the entering alone, without Python's start), and at MARK entries and at the end
the peak memory so far and the seconds that the last MARK entries took.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

from holdfast.acts.act import Session
from holdfast.vault.entry import Draft
from holdfast.vault.vault import Vault


def draft(case: str, number: int) -> Draft:
    """Return an act as a collection enters it, with fields of a usual length."""
    path = f"/media/seized/home/user/documents/folder-{number % 97:02d}/file-{number:07d}.sock"
    return Draft(
        "collect.skip",
        case,
        {
            "kind": "socket",
            "path": {"text": path},
            "reason": "a socket holds no bytes; its name is recorded",
            "run": "2026-01-01T000000-000000",
        },
    )


def peak() -> int:
    """Return this program's peak memory in bytes."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
    assert found
    return int(found[1]) * 1024


def main() -> None:
    root, case = Path(sys.argv[1]), sys.argv[2]
    count, group, mark = (int(one) for one in sys.argv[3:])
    custody = Session(Vault.open(root), "bench").custody
    start = mark_start = time.perf_counter()
    told = {}
    for at in range(0, count, group):
        if at == count - mark:
            mark_start = time.perf_counter()
        custody.enter(*(draft(case, number) for number in range(at, min(at + group, count))))
        if at + group == mark:
            told = {
                "first_peak": peak(),
                "first_seconds": time.perf_counter() - start,
            }
    end = time.perf_counter()
    told |= {"last_peak": peak(), "last_seconds": end - mark_start, "seconds": end - start}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
