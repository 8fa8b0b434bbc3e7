"""Hash every object of a local store, in processes of their own.

This file is also the program that they run. It uses the standard library alone, so that hashing is
under way 20 ms after a command was typed, while the rest of Holdfast is still being loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_FOLDER = re.compile("[0-9a-f]{2}")
_TASK = 2
"""Bytes that name a folder: one read of the shared pipe takes one task, whoever reads."""


class Hashing:
    """Processes at work on the folders of one store; ended with the block."""

    def __init__(self, root: str, jobs: int) -> None:
        """Start `jobs` processes on the folders of the store's `objects` at `root`."""
        self.root = root
        found = sorted(os.scandir(root), key=lambda one: one.name) if os.path.isdir(root) else []
        folders = [one.name for one in found if _FOLDER.fullmatch(one.name) and one.is_dir()]
        self.count = len(folders)
        """Folders to be hashed."""
        self._problems = {
            one.name: [f"{one.path} lies among the objects and is none"]
            for one in found
            if one.name not in folders
        }
        tasks, ours = os.pipe()
        # All of it fits into a pipe: at most 256 folders.
        os.write(ours, "".join(folders).encode())
        os.close(ours)
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, root],
                stdin=tasks,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(min(jobs, len(folders)))
        ]
        os.close(tasks)

    def __enter__(self) -> Hashing:
        """Give the processes, which end with the block."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        """End them."""
        for process in self._processes:
            process.kill()
            process.wait()
            assert process.stdout is not None  # noqa: S101 - asked for above
            process.stdout.close()

    def problems(self, tell: Callable[[int], None]) -> list[str]:
        """Wait until all is hashed; return a line for each object that is wrong, in their order.

        `tell` hears how many folders are done.

        Raises:
            ResourceError: a process ended before its time: killed, or out of memory.
        """
        done = 0
        for process in self._processes:
            assert process.stdout is not None  # noqa: S101 - asked for above
            for line in process.stdout:
                folder, problems = json.loads(line)
                self._problems[folder] = problems
                done += 1
                tell(done)
            if process.wait() != 0 or (process is self._processes[-1] and done < self.count):
                # Not imported above: the program that this file is has no way to the package.
                from holdfast.core.errors import ResourceError  # noqa: PLC0415

                raise ResourceError(
                    f"a process that hashes objects has ended (status {process.returncode})",
                    "not every object was checked; repeat the command",
                )
        return [one for folder in sorted(self._problems) for one in self._problems[folder]]


def objects(root: str, start: str) -> list[str]:
    """Hash every object in one of the store's 256 folders; return a line for each that is wrong."""
    problems = []
    for found in sorted(os.scandir(f"{root}/{start}"), key=lambda one: one.name):
        if not found.is_file(follow_symlinks=False):
            problems.append(f"the object {found.path} is not a regular file")
            continue
        try:
            # Unbuffered: `file_digest` reads into a buffer of its own.
            with open(found.path, "rb", buffering=0) as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            problems.append(
                f"the object {found.path} can't be read: {os.strerror(error.errno or 0)}"
            )
            continue
        if digest != found.name:
            problems.append(f"the object {found.path} was altered: its SHA-256 is {digest}")
        elif digest[:2] != start:
            problems.append(f"the object {found.path} lies in the wrong folder")
    return problems


def main() -> None:
    """Be one of the processes: take folders from standard input, print what is wrong in each."""
    while start := os.read(0, _TASK).decode("ascii"):
        print(json.dumps([start, objects(sys.argv[1], start)]), flush=True)  # noqa: T201 - to our parent


if __name__ == "__main__":
    main()
