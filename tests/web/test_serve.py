"""`holdfast serve` as its operator meets it: a process, a link that works once, an orderly end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.serving import CASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.serving import Served


@pytest.fixture
def started(bank: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A serving process on a copy of its own, and the link that it printed."""
    vault = tmp_path / "vault"
    shutil.copytree(bank, vault)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "holdfast.cli.main", "--vault", str(vault)),
            *("--operator", "lena", "serve", "--listen", "127.0.0.1:0"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
    )
    assert process.stdout is not None
    serving, link = process.stdout.readline(), process.stdout.readline()
    assert str(vault) in serving
    found = re.search(r"http://\S+", link)
    assert found is not None, link
    yield process, found[0]
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_the_link_signs_in_once(started: tuple[subprocess.Popen[str], str]) -> None:
    process, link = started
    with httpx.Client(follow_redirects=True) as first, httpx.Client() as second:
        assert CASE in first.get(link).text
        assert second.get(link).status_code == 403
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode in {0, -signal.SIGTERM}
    assert "Traceback" not in told


def test_a_taken_port_is_told(workbench: Served, tmp_path: Path) -> None:
    taken = workbench.url.removeprefix("http://")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "holdfast.cli.main", "--vault", str(workbench.vault)),
            *("--operator", "lena", "serve", "--listen", taken),
        ],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
    )
    assert done.returncode == 7
    assert f"can't listen at {taken}" in done.stderr
    assert "Traceback" not in done.stderr
