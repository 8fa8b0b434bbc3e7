"""Examine what a server has, on a cluster: `examine_ray.py SETTINGS`, a JSON file.

Times it from the first worker that is ready to the last item in force, and prints its figures as
JSON: seconds, and the processor seconds of this machine's own part (the house and Ray's driver).
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.examine.cluster import Cluster
from holdfast.examine.elsewhere import Elsewhere
from holdfast.examine.engines.ray import Ray
from holdfast.examine.run import Examined, Input, Joined, examine
from holdfast.vault import database
from holdfast.vault.leases import Leases

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.examine.run import Event


def main() -> None:
    told = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    joined: list[float] = []
    used: list[float] = []
    left = len(told["items"])

    def hear(event: Event) -> None:
        nonlocal left
        if isinstance(event, Joined):
            joined.append(time.monotonic())
        left -= isinstance(event, Examined)
        if (len(joined) == 1 and not used) or not left:
            used.append(_processor())

    def elsewhere(url: str, digest: str) -> Callable[[], Elsewhere]:
        return lambda: Elsewhere(url, digest)

    def nowhere() -> int:
        raise OSError(os.strerror(2))

    inputs = [
        Input(digest, name, nowhere, None, elsewhere(url, digest), size)
        for digest, name, url, size in told["items"]
    ]
    engine = Ray(
        Cluster(told["address"], Path(told["token"])),
        Leases(database.connect("sqlite:///state.db"), "bench"),
        workers=told["workers"],
    )
    done = examine(inputs, Path("derived"), engine=engine, on_event=hear)
    ended = time.monotonic()
    figures = {
        "busy": ended - joined[0],
        "examined": done.examined,
        "failures": done.failures,
        "head": used[-1] - used[0],
        "records": done.records,
        "workers": len(joined),
    }
    print(json.dumps(figures))


def _processor() -> float:
    """Return the seconds that this process and its children have had so far."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    ticks = 0
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split():
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return own.ru_utime + own.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
