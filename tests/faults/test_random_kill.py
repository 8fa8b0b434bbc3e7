"""Hundreds of kills at random moments: 3,000 files, two processes at once, any of them killed."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.line import Line

ROOT = Path(__file__).parents[2]
FILES = 1500
"""In each of two folders."""


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kind", ["line", "sealed"])
def test_kills_and_interrupts_at_random_moments_lose_nothing(
    kind: str, seed: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """25 rounds; in each, two collections start and one or both are stopped at random."""
    line: Line = request.getfixturevalue(kind)
    dice = random.Random(f"{kind}{seed}")
    folders = [tmp_path / "one", tmp_path / "two"]
    for at, folder in enumerate(folders):
        folder.mkdir()
        for number in range(FILES):
            # A third of each folder is in the other too.
            content = number if number % 3 == 0 else number + at * 10 * FILES
            (folder / f"{number:04d}").write_text(f"file {content}\n" * 20)
    stopped = 0
    for _ in range(25):
        stopped += _round(line, folders, dice)
        checked = line("verify", "--json", "--jobs", 1, "--read-only")
        assert (checked.code, checked.row["problems"]) == (0, [])
    assert stopped >= 15
    for folder in folders:
        line.must("collect", "files", "--case", line.case, folder)
    items = line.items()
    assert [item["exhibit"] for item in items] == [f"AL/{n}" for n in range(1, 2 * FILES + 1)]
    assert {item["path"]: item["item"] for item in items} == {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in folder.iterdir()
    }
    line.intact()


def _round(line: Line, folders: list[Path], dice: random.Random) -> int:
    """Start a collection of each folder, stop some of them; return how many were stopped."""
    running = [
        subprocess.Popen(
            line.program("collect", "files", "--case", line.case, folder),
            cwd=ROOT,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        for folder in folders
    ]
    plans = [
        (dice.uniform(0.3, 3.0), process, dice.choice([signal.SIGKILL, signal.SIGINT]))
        for process in running
        if dice.random() < 0.8
    ]
    began = time.monotonic()
    for moment, process, how in sorted(plans, key=lambda plan: plan[0]):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        process.send_signal(how)
    stopped = 0
    for process in running:
        told = process.communicate(timeout=120)[1]
        assert process.returncode in {0, -9, 130, -2, 1}, told
        if process.returncode == 130:
            # Of the run that was stopped before it, it may tell as well.
            *before, last = filter(None, told.splitlines())
            assert "interrupted; what was recorded is kept" in last, told
            assert all("was cut short; repeat it" in line for line in before), told
        # Before the program's own first line runs, Python answers a Ctrl-C itself.
        stopped += process.returncode != 0
    return stopped


@pytest.mark.soak
@pytest.mark.parametrize("part", range(8))
def test_the_harness_stops_at_each_boundary_that_it_lists(line: Line, part: int) -> None:
    """The program form: `python -m holdfast.testing.crash`."""
    program = [sys.executable, "-m", "holdfast.testing.crash"]
    opening = ("--title", "T", "--basis", "B", "--authority", "A", "--until", "2999-12-31")
    # The first act in a home that is new writes what later ones find there.
    line.must("case", "open", *opening)
    counted = subprocess.run(
        [*program, "--count", "--", *line.given("case", "open", *opening)],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
    )
    listed = [json.loads(told) for told in counted.stderr.splitlines()]
    at = 1 + part * len(listed) // 8
    killed = subprocess.run(
        [*program, "--at", str(at), "--", *line.given("case", "open", *opening)],
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    assert killed.returncode == -9
    line.must("verify", "--jobs", 1)
