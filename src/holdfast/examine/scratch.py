"""A folder for work under way: gone at its end, swept up by whoever comes next after a death."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = ".tmp-"
_SETTLED = 60.0
"""Seconds after which a folder without its lock is no other engine's beginning."""


@contextmanager
def scratch(base: Path) -> Iterator[Path]:
    """Give a new folder in `base`, locked for as long as this process lives and uses it."""
    _sweep(base)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=base, ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        with (folder / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder


def private_folder(name: str) -> Path:
    """Return a folder of this account's own below the machine's for temporary files.

    Raises:
        ResourceError: somebody else made it first, or it is open to others.
    """
    folder = Path(tempfile.gettempdir()) / f"{name}-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
        raise ResourceError(f"{folder} is not this account's own", "remove it")
    return folder


def alive(base: Path, name: str) -> bool:
    """Say whether the folder `name` in `base` is in use."""
    try:
        with (base / name / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _sweep(base: Path) -> None:
    """Remove what processes left that are no longer there."""
    for stale in base.glob(f"{_PREFIX}*"):
        try:
            with (stale / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(stale, ignore_errors=True)
        except FileNotFoundError:
            if time.time() - stale.stat().st_mtime > _SETTLED:
                shutil.rmtree(stale, ignore_errors=True)
        except BlockingIOError:
            continue
