"""Writers of one log take turns: a lock on a file, waited for, and insisted on where it matters."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from holdfast.core.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(path: Path, *, wait: float, insist: bool) -> Iterator[None]:
    """Hold the lock of the file at `path`, made where it is missing; wait so many seconds for it.

    Who does not `insist` goes on without it then.

    Raises:
        ConflictError: another process has held it all the time.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o664)
    try:
        until = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() <= until:
                    time.sleep(0.005)
                elif insist:
                    raise ConflictError(
                        f"another process has held {path} for {wait:.0f} s",
                        "end or continue that process, then run any command: what it committed is "
                        "published then",
                    ) from None
                else:
                    break
        yield
    finally:
        os.close(descriptor)
