"""One command run to its end: wall time, processor time of all it started, peak memory."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PR_SET_CHILD_SUBREAPER = 36

PATIENCE = 30.0
"""Seconds that a command's helpers may outlive it."""

OUTPUT = "output"
"""Where, in its folder, a command's standard output goes."""


class BenchFailedError(Exception):
    """A command did not do what it must, or what a measurement needs is not here."""


def expect(condition: bool, otherwise: str) -> None:
    """Hold a command's result to what it must be: a fast wrong answer is no figure.

    Raises:
        BenchFailedError: it is not.
    """
    if not condition:
        raise BenchFailedError(otherwise)


@dataclass(frozen=True)
class Used:
    """What one command took."""

    wall: float
    """Seconds from its start to its end."""
    cpu: float
    """Seconds of processor time, user and system, of it and every process it started."""
    rss: int
    """Bytes of memory that the largest of these processes had at its peak."""


def adopt_orphans() -> None:
    """Make this process the parent of whatever its children leave behind.

    Without it the time of a command's workers is lost where the command itself does not wait for
    them: Python's forkserver is such a case.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise BenchFailedError("this kernel can't hand a command's orphans to the benchmark")


def own_peak() -> int:
    """Return this process's own peak memory in bytes.

    A child's reading starts there, because it is this process until it becomes the command: less
    can't be told.
    """
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Used:
    """Run `command` in `folder`; its standard output is added to the file `output` there.

    Raises:
        BenchFailedError: it ended with an error.
    """
    errors = folder / "errors"
    with (folder / OUTPUT).open("ab") as out, errors.open("wb") as err:
        start = time.perf_counter()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=folder, env=environment
        )
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            child.wait()
            raise
        wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    every = [usage, *_orphans()]
    if child.returncode != 0:
        told = errors.read_text("utf-8", "replace").strip().splitlines()
        name = Path(command[0]).name
        raise BenchFailedError(
            f"{' '.join([name, *command[1:]])[:120]} ended with {child.returncode}: "
            f"{told[-1] if told else ''}"
        )
    return Used(
        wall,
        sum(one.ru_utime + one.ru_stime for one in every),
        max(one.ru_maxrss for one in every) * 1024,
    )


SERVERS: set[int] = set()
"""Children that are no command's: a measurement keeps them running."""


def _children() -> set[int]:
    tasks = Path("/proc/self/task")
    return {int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()}


def _orphans() -> list[resource.struct_rusage]:
    """Wait for what the command left behind; return what each took.

    Raises:
        BenchFailedError: something of it goes on running.
    """
    found = []
    until = time.monotonic() + PATIENCE
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
            if pid:
                found.append(usage)
            elif SERVERS and _children() <= SERVERS:
                break
            elif time.monotonic() > until:
                raise BenchFailedError(f"a helper still runs {PATIENCE:.0f} s after its command")
            else:
                time.sleep(0.005)
    return found
