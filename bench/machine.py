"""What this machine is, as far as it matters to speed, and which commit is measured."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from bench.process import BenchFailedError

ROOT = Path(__file__).parents[1]
RESULTS = ("bench/RESULTS.md", "bench/results.json")
MEASURED = (*RESULTS, "docs/reference/long-runs.md", "tests/long_runs.json")
"""What runs write down about themselves: it is no change of what they measure."""


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def describe(work: Path) -> dict[str, str]:
    """Return facts about the machine; `work` is where the files lie."""
    cpu = _line(Path("/proc/cpuinfo"), r"model name\s*:\s*(.+)") or platform.machine()
    memory = int(_line(Path("/proc/meminfo"), r"MemTotal:\s*(\d+)") or 0) * 1024
    return {
        "processor": f"{cpu}, {cores()} cores",
        "memory": f"{memory / 1e9:.0f} GB",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": filesystem(work),
        "Python": platform.python_version(),
    }


def filesystem(path: Path) -> str:
    """Return the type of the file system that holds `path`."""
    holding = path.resolve()
    best, found = -1, "unknown"
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        before, _, after = line.partition(" - ")
        mounted = Path(before.split()[4])
        # A later mount on the same folder hides the earlier one.
        if holding.is_relative_to(mounted) and len(mounted.parts) >= best:
            best, found = len(mounted.parts), after.split()[0]
    return found


def commit() -> tuple[str, bool]:
    """Return the commit's hash and whether anything but the results differs from it."""
    try:
        head = _git("rev-parse", "HEAD").strip()
        changed = _git("status", "--porcelain", "--", ".", *(f":!{path}" for path in MEASURED))
    except (OSError, subprocess.CalledProcessError):
        return "unknown", True
    return head, bool(changed.strip())


def load() -> float:
    """Return how many processes wanted a core, on average of the last minute."""
    return os.getloadavg()[0]


def check_space(work: Path, needed: int) -> None:
    """Raise where `work` has less than `needed` bytes free.

    Raises:
        BenchFailedError: too little.
    """
    room = os.statvfs(work)
    free = room.f_bavail * room.f_frsize
    if free < needed:
        raise BenchFailedError(
            f"needs {needed / 1e9:.0f} GB where it works and has {free / 1e9:.0f} GB; "
            "name another place: --work DIR"
        )


def _line(path: Path, pattern: str) -> str:
    found = re.search(pattern, path.read_text("utf-8"))
    return found[1].strip() if found else ""


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],  # noqa: S607 - the developer's own git, wherever it is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
