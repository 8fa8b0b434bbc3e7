"""The self-test tells a browser that is captured exactly from one that is not."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.collect.web import chromium
from holdfast.testing import web_self_test
from holdfast.testing.hostile.compare import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, chromium.PLACES)) or shutil.which("certutil") is None,
    reason="no Chromium or no certutil here: apt-get install chromium libnss3-tools",
)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder that the browser's account may pass through, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="holdfast-web-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def test_real_tls_by_an_authority_that_is_trusted_here_alone_is_exact(scratch: Path) -> None:
    made, comparison = web_self_test.run(chromium.Settings(), scratch, "/page/early-hints")
    assert comparison.good, comparison.table()
    assert comparison.count(Verdict.exact) >= 8
    assert made.error is None
    assert made.assurance == ("untimed",)


def test_the_command_passes_on_which_browser_is_meant() -> None:
    command = [sys.executable, "-m", "holdfast.cli.main", "collect", "web", "--self-test"]
    done = subprocess.run(
        [*command, "--browser", "/no/such/browser"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "/no/such/browser is no program" in done.stderr
