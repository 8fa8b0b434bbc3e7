"""No test can hang, and each process of a run is given whole units."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import scheduling

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]

HANGS = """
import time
def test_before(): pass
def test_hangs(): time.sleep(600)
def test_after(): pass
"""


def test_a_test_that_hangs_ends_its_process_and_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(HANGS)
    (tmp_path / "test_two.py").write_text("def test_other(): pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", tmp_path,
         "--basetemp", tmp_path / "base", "-p", "no:cacheprovider", "-p", "tests.conftest",
         "-o", "faulthandler_timeout=2", "-n", "1", "-v", tmp_path],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False,
        text=True, timeout=200,
    )  # fmt: skip
    assert re.search(r"crashed while running '\S*test_one.py::test_hangs'", done.stdout)
    assert "1 failed, 3 passed" in done.stdout
    assert done.returncode == 1


@pytest.fixture(scope="module")
def named() -> Iterator[set[str]]:
    """Every file of tests."""
    files = (ROOT / "tests").rglob("test_*.py")
    yield {str(path.relative_to(ROOT)) for path in files}


@pytest.mark.parametrize(
    "start", [*scheduling.APART, *chain.from_iterable(scheduling.TOGETHER.values())]
)
def test_what_is_scheduled_apart_exists(named: set[str], start: str) -> None:
    assert any(path.startswith(start) for path in named), start


def test_files_of_one_server_are_one_unit_and_begin_first() -> None:
    one, two = "tests/faults/test_s3.py::test_x[a::b]", "tests/vault/test_store_s3.py::T::test_y"
    assert scheduling.unit(one) == scheduling.unit(two) == "s3"
    assert scheduling.place("s3") == 0
    assert scheduling.unit("tests/core/test_clock.py::test_x") == "tests/core/test_clock.py"
