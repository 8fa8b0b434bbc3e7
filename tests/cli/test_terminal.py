"""At a terminal and without one: bars that vanish, pipes that close, no output that acts."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.line import Line

ROOT = Path(__file__).parents[2]


def fill(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:05d}").write_text(f"file {number}")
    return folder


def at_a_terminal(command: list[str]) -> tuple[int, str]:
    """Run a command whose standard error is a terminal; return its exit code and what came."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "100", "TERM": "xterm"},
            stderr=theirs,
            stdout=subprocess.DEVNULL,
        ) as process:
            shown = b""
            while process.poll() is None or select.select([ours], [], [], 0)[0]:
                if select.select([ours], [], [], 0.05)[0]:
                    shown += os.read(ours, 65536)
            return process.returncode, shown.decode()
    finally:
        os.close(ours)
        os.close(theirs)


def screen(shown: str) -> list[str]:
    """Return the lines that a terminal shows in the end, of what this program sends."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[\??[0-9;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", shown):
        if part == "\r":
            column = 0
        elif part == "\n":
            row, column = row + 1, 0
        elif part.startswith("\x1b["):
            count = int(part[2:-1] or 1) if part[2:-1].isdigit() or part[2:-1] == "" else 1
            if part[-1] == "A":
                row = max(0, row - count)
            elif part[-1] == "K":
                lines[row] = "" if part[2:-1] == "2" else lines[row][:column]
        else:
            lines += [""] * (row + 1 - len(lines))
            line = lines[row].ljust(column)
            lines[row] = line[:column] + part + line[column + len(part) :]
            column += len(part)
        lines += [""] * (row + 1 - len(lines))
    return [line.rstrip() for line in lines if line.strip()]


def test_a_bar_is_drawn_at_a_terminal_and_is_gone_at_the_end(line: Line, tmp_path: Path) -> None:
    """ "rich progress bars on long work that vanish when not on a terminal" """
    folder = fill(tmp_path / "seized", 400)
    code, shown = at_a_terminal(line.program("collect", "files", "--case", line.case, folder))
    assert code == 0
    assert "Collecting" in shown
    assert screen(shown) == []


def test_a_name_from_evidence_does_not_act_on_the_terminal(line: Line, tmp_path: Path) -> None:
    folder = tmp_path / "seized"
    folder.mkdir()
    (folder / "\x1b]0;owned\x07").write_text("x")
    (folder / "[red]not markup[blink]").write_text("x")
    code, shown = at_a_terminal(line.program("collect", "files", "--case", line.case, folder))
    assert code == 0
    assert "\x1b]" not in shown
    assert "\x07" not in shown


def test_there_is_no_bar_without_a_terminal(line: Line, tmp_path: Path) -> None:
    done = line("collect", "files", "--case", line.case, fill(tmp_path / "seized", 50))
    assert done.err == ""
    assert done.out == "Collected 50 items (340 B)\n"
    assert line("verify", "--jobs", 1).err == ""


@pytest.mark.parametrize(
    "command", [("custody", "--json"), ("custody",), ("items", "--case", "CASE", "--json")]
)
def test_a_reader_that_leaves_early_is_no_error(
    line: Line, tmp_path: Path, command: tuple[str, ...]
) -> None:
    line.collect(fill(tmp_path / "seized", 600))
    words = [line.case if word == "CASE" else word for word in command]
    with subprocess.Popen(
        line.program(*words), cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
    assert told == b""
    assert process.returncode == 128 + signal.SIGPIPE
    line.intact()


def test_a_reader_of_a_collection_that_leaves_stops_it_and_loses_nothing(
    line: Line, tmp_path: Path
) -> None:
    folder = fill(tmp_path / "seized", 2100)
    with subprocess.Popen(
        line.program("collect", "files", "--case", line.case, "--json", folder),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
    assert (told, process.returncode) == (b"", 128 + signal.SIGPIPE)
    line.must("verify", "--jobs", 1)
    line.collect(folder)
    assert [item["exhibit"] for item in line.items()] == [f"AL/{n}" for n in range(1, 2101)]
    line.intact()


def test_ctrl_c_is_one_line_and_130(line: Line, tmp_path: Path) -> None:
    folder = fill(tmp_path / "seized", 1500)
    incoming = line.vault / "vault" / "incoming"
    with subprocess.Popen(
        line.program("collect", "files", "--case", line.case, folder),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None:
            with suppress(OSError):
                if any(len(list(run.iterdir())) > 100 for run in incoming.iterdir()):
                    process.send_signal(signal.SIGINT)
                    break
            time.sleep(0.002)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.strip() == (
        "holdfast: interrupted; what was recorded is kept, repeat the command to go on"
    )
    line.must("verify", "--jobs", 1)
    line.collect(folder)
    assert len(line.items()) == 1500
    line.intact()


def test_a_fault_of_ours_is_one_line_that_says_so_and_shows_no_traceback(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    from holdfast.vault.vault import Vault  # noqa: PLC0415

    def broken(_root: Path) -> Vault:
        raise LookupError("\x1b[2Jsurprise")

    monkeypatch.setattr(Vault, "open", broken)
    done = line("custody")
    assert done.code == 70
    (told,) = done.err.splitlines()
    assert "a fault in Holdfast: LookupError: \\x1b[2Jsurprise" in told
    assert "HOLDFAST_DEBUG=1" in told
    monkeypatch.setenv("HOLDFAST_DEBUG", "1")
    assert "Traceback" in line("custody").err


def test_how_long_help_takes_is_reported(line: Line) -> None:
    began = time.perf_counter()
    subprocess.run([*line.program()[:3], "--help"], check=True, capture_output=True, cwd=ROOT)
    print(f"holdfast --help: {time.perf_counter() - began:.2f} s")  # noqa: T201 - a report
