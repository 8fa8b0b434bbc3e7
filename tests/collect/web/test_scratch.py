"""Where a browser that runs as another account works, and what is said where it can't."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.collect.web import chromium
from tests.collect.web.servers import Site, page, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.line import Line

pytestmark = [
    pytest.mark.skipif(
        not any(map(shutil.which, chromium.PLACES)),
        reason="no Chromium here: apt-get install chromium",
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="another account is used by root alone"),
]
PAGES = {"/": page("<title>Shop</title>watches")}


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that is root's alone."""
    place = tmp_path / "private"
    place.mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def test_a_place_is_found_that_the_browsers_account_can_enter(line: Line, private: Path) -> None:
    with serving(Site(PAGES)) as site:
        line.case = line.open_case("--scope", "127.0.0.1")
        given = ("--case", line.case, "--json", "--settle", "0", "--no-scroll")
        row = line.must("collect", "web", *given, site.url).row
    assert row["assurance"] == ["untimed"]
    assert not list(private.iterdir())


def test_without_such_a_place_nothing_is_entered(
    line: Line, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "OPEN_TO_ALL", ())
    line.case = line.open_case("--scope", "127.0.0.1")
    done = line("collect", "web", "--case", line.case, "http://127.0.0.1:9/")
    assert done.code == 7
    assert f"nobody, can't enter {private}; set TMPDIR" in done.err
    assert line.entries("collect.start") == []


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every account can enter."""
    with tempfile.TemporaryDirectory(dir=chromium.scratch()) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_browser_that_does_not_start_is_no_capture(line: Line, shared: Path) -> None:
    program = shared / "chromium"
    program.write_text('#!/bin/sh\n[ "$1" = --version ] && exec echo Chromium 1\necho no display\n')
    program.chmod(0o755)
    line.case = line.open_case("--scope", "127.0.0.1")
    done = line(
        *("collect", "web", "--case", line.case, "--browser", program, "http://127.0.0.1:9/")
    )
    assert done.code == 7
    assert "did not start: no display" in done.err
    assert line.entries("collect.item") == []
