"""A serving process of the tests' own, which may be killed, and a token that it gave."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Program:
    """`holdfast serve` in a process."""

    vault: Path
    process: subprocess.Popen[str]
    url: str

    @classmethod
    def start(cls, vault: Path, listen: str = "127.0.0.1:0") -> Program:
        """Start it; it answers when this returns."""
        words = [sys.executable, "-m", "holdfast.cli.main", "--vault", str(vault)]
        process = subprocess.Popen(
            [*words, "--operator", "lena", "serve", "--listen", listen],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        found = re.search(r" at (http://127\.0\.0\.1:\d+)", process.stdout.readline())
        assert found is not None
        return cls(vault, process, found[1])

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.communicate()


def token(vault: Path, *words: str) -> str:
    """Have lena make a token for a program."""
    command = [sys.executable, "-m", "holdfast.cli.main", "--vault", str(vault)]
    done = subprocess.run(
        [*command, "--operator", "lena", "token", "add", "tests", *words],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()[-1]
