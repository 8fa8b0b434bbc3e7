"""A helper that stages ahead: the same items as without one, and nothing lost when either dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.acts import collecting
from holdfast.acts.ahead import Ahead
from holdfast.acts.staging import Bounds

if TYPE_CHECKING:
    from tests.line import Line

ROOT = Path(__file__).parents[2]
COUNT = 700
"""More than `FEW` and a second group's worth; the helper stages most of them."""
TIMES = {"started", "ended", "accessed"}


def fill(folder: Path, count: int = COUNT) -> Path:
    for number in range(count):
        place = folder / f"{number % 7}"
        place.mkdir(parents=True, exist_ok=True)
        # Every tenth has a twin.
        (place / f"{number:04d}").write_text(f"file {number - number % 10 // 9}\n" * 20)
    return folder


def told(line: Line, folder: Path, case: str) -> list[dict[str, Any]]:
    rows = line.collect(folder, case=case).rows
    records = [one["record"] for one in line.entries("collect.item") if one["case"] == case]
    for row, record in zip(rows, records, strict=True):
        row["record"] = {name: value for name, value in record.items() if name not in TIMES}
    return rows


@pytest.mark.parametrize("kind", ["line", "sealed"])
def test_a_helper_stages_the_same_items_as_one_process_does(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line: Line = request.getfixturevalue(kind)
    folder = fill(tmp_path / "seized")
    with_helper = told(line, folder, line.case)
    monkeypatch.setattr(collecting, "FEW", Bounds(10 * COUNT, 1 << 40))
    monkeypatch.setattr(collecting, "Ahead", None)
    alone = told(line, folder, line.open_case())
    assert len(with_helper) == COUNT
    assert with_helper == alone
    line.intact()


def test_what_the_helper_can_not_collect_is_told_as_in_one_process(
    line: Line, tmp_path: Path
) -> None:
    folder = fill(tmp_path / "seized")
    late = folder / "late"
    late.mkdir()
    os.mkfifo(late / "pipe")
    (late / "link").symlink_to("nowhere")
    os.link(folder / "0" / "0000", late / os.fsdecode(b"not utf-8 \xff"))
    assert len(line.collect(folder).rows) == COUNT + 1
    skipped = line.entries("collect.skip")
    assert [(one["kind"], Path(one["path"]["text"]).name) for one in skipped] == [
        ("link", "link"),
        ("fifo", "pipe"),
    ]
    assert line.items()[-1]["path"].endswith("not utf-8 \\xff")
    line.intact()


def test_a_helper_that_is_killed_is_told_and_the_repeat_completes(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "seized")
    hear = Ahead._hear
    monkeypatch.setattr(collecting, "GROUP", Bounds(100, 1 << 30))

    def killed(ahead: Ahead) -> object:
        ahead._process.kill()
        while isinstance(said := hear(ahead), object) and said is not None:
            pass
        return said

    with monkeypatch.context() as patch:
        patch.setattr(Ahead, "_hear", killed)
        done = line.collect(folder)
    assert done.code == 7
    (what,) = done.err.splitlines()
    assert "the process that copies ahead has ended (status -9)" in what
    assert "repeat the command" in what
    line.must("verify", "--jobs", 1)
    line.collect(folder)
    assert [item["exhibit"] for item in line.items()] == [f"AL/{n}" for n in range(1, COUNT + 1)]
    line.intact()


def test_a_helper_does_not_outlive_its_parent_and_the_repeat_completes(
    line: Line, tmp_path: Path
) -> None:
    folder = fill(tmp_path / "seized", 3000)
    incoming = line.vault / "vault" / "incoming"
    with subprocess.Popen(
        line.program("collect", "files", "--case", line.case, folder), cwd=ROOT
    ) as process:
        while process.poll() is None:
            if any(
                int(name.name) > 400 for run in incoming.glob("[!.]*") for name in run.glob("*")
            ):
                helper = _child(process.pid)
                process.kill()
                break
            time.sleep(0.002)
        else:
            pytest.fail("it ended before it could be stopped")
    assert process.returncode == -signal.SIGKILL
    for _ in range(1000):
        if not Path(f"/proc/{helper}/exe").exists():
            break
        time.sleep(0.01)
    else:
        pytest.fail("the helper lives on")
    report = line.must("verify", "--read-only", "--json", "--jobs", 1).row
    assert report["problems"] == []
    assert any("cut short" in what for what in report["incomplete"])
    line.collect(folder)
    assert [item["exhibit"] for item in line.items()] == [f"AL/{n}" for n in range(1, 3001)]
    line.intact()


def _child(parent: int) -> int:
    (child,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return int(child)


LIMITED = """
import resource, sys
from holdfast.cli.main import run
resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))
sys.exit(run(sys.argv[1:]))
"""


def test_a_disk_that_refuses_the_helper_is_told_and_the_repeat_completes(
    line: Line, tmp_path: Path
) -> None:
    folder = fill(tmp_path / "seized", 400)
    (folder / "z large").write_bytes(b"x" * (3 << 20))
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            LIMITED,
            *line.given("collect", "files", "--case", line.case, folder),
        ],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
    )
    assert done.returncode == 7, done.stderr
    (what,) = done.stderr.splitlines()
    assert str(line.vault) in what
    assert "a file may not grow that large here" in what
    assert [row["exhibit"] for row in line.collect(folder).rows][-1] == "AL/401"
    line.intact()


def test_a_fault_of_the_helper_is_the_command_s_fault(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from holdfast.acts import ahead  # noqa: PLC0415

    broken = "import holdfast.acts.staging as s; s._changed = None; "
    monkeypatch.setattr(ahead, "PROGRAM", broken + ahead.PROGRAM)
    done = line.collect(fill(tmp_path / "seized"))
    assert done.code == 70
    assert "a fault in Holdfast: TypeError" in done.err
    line.collect(tmp_path / "seized")
    line.must("verify", "--jobs", 1)


def test_the_bytes_copied_are_told_while_the_helper_works(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "seized")
    heard: list[int] = []
    tell = collecting._Run._tell

    def hear(run: collecting._Run, size: int, what: str) -> None:
        heard.append(size)
        tell(run, size, what)

    monkeypatch.setattr(collecting._Run, "_tell", hear)
    rows = line.collect(folder).rows
    assert sum(heard) == sum(row["size"] for row in rows)
