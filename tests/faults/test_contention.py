"""Several processes at one vault: each waits its turn or goes on, none loses or forks anything."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.line import Line

ROOT = Path(__file__).parents[2]


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that the test starts; none outlives it."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def start(line: Line, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        line.program(*arguments),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def fill(folder: Path, count: int, start: int = 0) -> Path:
    folder.mkdir()
    for number in range(start, start + count):
        (folder / f"{number:04d}").write_text(f"file {number}")
    return folder


def numbered(line: Line) -> list[str]:
    return [item["exhibit"] for item in line.items()]


def test_two_collections_of_different_folders_number_their_exhibits_through(
    line: Line, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    # Half of the second folder's contents are in the first as well.
    folders = [fill(tmp_path / "one", 600), fill(tmp_path / "two", 600, 300)]
    started += [start(line, "collect", "files", "--case", line.case, f) for f in folders]
    for process in started:
        assert end(process)[::2] == (0, "")
    assert numbered(line) == [f"AL/{n}" for n in range(1, 1201)]
    assert line.intact()["objects"] == 900


def test_two_collections_of_the_same_folder_make_each_file_one_exhibit(
    line: Line, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    folder = fill(tmp_path / "one", 600)
    started += [start(line, "collect", "files", "--case", line.case, folder) for _ in range(2)]
    for process in started:
        assert end(process)[::2] == (0, "")
    assert numbered(line) == [f"AL/{n}" for n in range(1, 601)]
    assert line.intact()["objects"] == 600


def test_many_short_commands_at_once_all_come_through(
    line: Line, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    """Finishing what a crash left must not stumble over a collection that ends just then."""
    opening = ("--title", "T", "--basis", "B", "--authority", "A", "--until", "2999-12-31")
    for number in range(4):
        folder = fill(tmp_path / str(number), 5, number * 5)
        started.append(start(line, "collect", "files", "--case", line.case, folder))
        started.append(start(line, "case", "open", *opening))
    for process in started:
        assert end(process)[::2] == (0, "")
    assert numbered(line) == [f"AL/{n}" for n in range(1, 21)]
    assert len(line.must("case", "list", "--json").rows) == 5
    line.intact()


def test_a_process_stopped_in_its_work_holds_nobody_up_and_goes_on_after(
    line: Line, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    folder = fill(tmp_path / "one", 50)
    sleeper = start(line, "collect", "files", "--case", line.case, folder)
    started.append(sleeper)
    incoming = line.vault / "vault" / "incoming"
    wait_until(lambda: any(p.name[0] != "." for p in incoming.iterdir()), sleeper)
    sleeper.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        other = line.collect(fill(tmp_path / "two", 30, 1000))
        assert other.code == 0, other.err
        # Six entries' turns; a stopped holder of the turn costs each one `log.TURN` at most.
        assert time.monotonic() - began < 30
        line.must("verify", "--read-only", "--jobs", 1)
    finally:
        sleeper.send_signal(signal.SIGCONT)
    assert end(sleeper)[::2] == (0, "")
    assert numbered(line) == [f"AL/{n}" for n in range(1, 81)]
    line.intact()


@pytest.mark.soak
@pytest.mark.parametrize("delay", [n / 20 for n in range(10, 50)])
def test_a_process_stopped_at_any_moment_for_seconds_forks_nothing(
    line: Line, tmp_path: Path, started: list[subprocess.Popen[str]], delay: float
) -> None:
    sleeper = start(line, "collect", "files", "--case", line.case, fill(tmp_path / "one", 2500))
    started.append(sleeper)
    time.sleep(delay)
    sleeper.send_signal(signal.SIGSTOP)
    other = line.collect(fill(tmp_path / "two", 100, 5000))
    sleeper.send_signal(signal.SIGCONT)
    # Publishing is the one step that another's sleep can hold up: it says so, and loses nothing.
    assert other.code in {0, 8}, other.err
    assert end(sleeper)[0] == 0
    if other.code:
        line.collect(tmp_path / "two")
    assert numbered(line) == [f"AL/{n}" for n in range(1, 2601)]
    line.intact()


def wait_until(true: object, process: subprocess.Popen[str]) -> None:
    """Wait for a condition as long as the process runs."""
    assert callable(true)
    for _ in range(10_000):
        if true():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    raise AssertionError("it did not come")


def test_a_verification_beside_a_collection_finds_nothing_wrong(
    line: Line, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    for number in range(3):
        folder = fill(tmp_path / str(number), 400, number * 400)
        started.append(start(line, "collect", "files", "--case", line.case, folder))
    looks = 0
    while any(process.poll() is None for process in started):
        done = line("verify", "--jobs", 1, "--json", "--read-only")
        assert (done.code, done.row["problems"]) == (0, [])
        looks += 1
    assert looks > 1
    for process in started:
        assert end(process)[::2] == (0, "")
