"""The task runner says what it can do, and does what it says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = (ROOT / "dev").read_text("utf-8")
TASKS = set(re.findall(r"^task_(\w+)\(\)", SCRIPT, re.MULTILINE))


def dev(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "dev", *arguments], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("arguments", [(), ("help",), ("--help",)])
def test_lists_every_task(arguments: tuple[str, ...]) -> None:
    shown = dev(*arguments)
    assert shown.returncode == 0
    assert set(re.findall(r"^\./dev (\w+)", shown.stdout, re.MULTILINE)) == TASKS - {"help"}


def test_does_every_task_it_lists() -> None:
    (cases,) = re.findall(r"^([a-z |]+)\) \"task_\$task\"", SCRIPT, re.MULTILINE)
    assert set(cases.split(" | ")) == TASKS - {"help"}


def test_refuses_a_task_it_does_not_have() -> None:
    refused = dev("nonsense")
    assert refused.returncode == 1
    assert refused.stderr.endswith("no task 'nonsense'\n")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "changes/README.md"])
def test_the_pages_name_tasks_that_exist(page: str) -> None:
    named = re.findall(r"\./dev (\w+)", (ROOT / page).read_text("utf-8"))
    assert named
    assert set(named) <= TASKS


def test_ci_runs_exactly_what_everyone_runs() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]
    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec ./dev test"]


@pytest.mark.parametrize("script", ["dev", ".ci/run"])
def test_is_executable(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o111 == 0o111
