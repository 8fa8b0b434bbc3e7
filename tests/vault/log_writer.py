"""A process that appends to a log, and can be made to stop or die at a chosen point of a commit.

    python log_writer.py ROOT NAME COMMITS PER_COMMIT POINT SIGNAL

At its first arrival at POINT it prints `at POINT` and sends itself SIGNAL. After each commit it
prints how often it had lost before.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core import durable
from holdfast.vault import entry
from holdfast.vault.eras import OneKey
from holdfast.vault.log import Log
from holdfast.vault.note import Signer
from tests.vault.keys import fixed_key

if TYPE_CHECKING:
    from collections.abc import Callable

POINTS = {
    "before the commit": (durable, "create"),
    "after the commit": (Log, "_won"),
    "before the tiles": (Log, "_apply"),
    "between tiles": (Log, "_write"),
    "before the checkpoint": (Log, "_publish"),
    "in the checkpoint": (durable, "replace"),
    "after the checkpoint": (Log, "_clean"),
}


def hook(point: str, number: int) -> None:
    """Stop or die at the first arrival at `point`."""
    owner, name = POINTS[point]
    original: Callable[..., Any] = getattr(owner, name)
    arrived = False

    def hooked(*args: Any, **kw: Any) -> Any:
        nonlocal arrived
        # Tiles are replaced too; the checkpoint's replacement is the one that is synced.
        if not arrived and not (name == "replace" and kw.get("sync") is False):
            arrived = True
            sys.stdout.write(f"at {point}\n")
            sys.stdout.flush()
            os.kill(os.getpid(), number)
        return original(*args, **kw)

    setattr(owner, name, hooked)


def main() -> None:
    root, name, commits, each, point, number = sys.argv[1:]
    signer = Signer("log.example/1", fixed_key(1))
    log = Log(Path(root), OneKey(signer.verifier, signer))
    if point in POINTS:
        hook(point, getattr(signal, number))
    for n in range(int(commits)):
        sealed = [
            entry.seal({"writer": name, "n": n * int(each) + at}, bytes(32), 1)
            for at in range(int(each))
        ]
        lost = 0
        while True:
            with log.turn() if point == "queued" else nullcontext():
                log.apply()
                if log.commit(log.head(), sealed) is not None:
                    break
            lost += 1
        sys.stdout.write(f"committed, lost {lost}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
