"""A clock that goes backwards and an old backup put back: both are seen and said."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from holdfast.core import clock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

HOUR = 3_600_000_000


def test_a_clock_behind_the_last_entry_is_told_and_entered(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now() + 48 * HOUR
    monkeypatch.setattr(clock, "now", lambda: now)
    line.must("operator", "add", "bob")
    monkeypatch.setattr(clock, "now", lambda: now - HOUR)
    (tmp_path / "file").write_text("x")
    done = line.collect(tmp_path / "file")
    assert done.code == 0
    assert done.err.count("clock is 3600.000 s behind the last entry") == 1
    assert "set the clock" in done.err
    acts = [e for e in line.entries() if e["act"].startswith("collect")]
    # Only the first stands before its predecessor; the others follow an entry of the same hour.
    assert acts[0]["context"]["clock_behind_us"] == HOUR
    assert "clock_behind_us" not in acts[1]["context"]
    line.intact()


def test_a_clock_that_goes_forward_is_not_remarked_upon(line: Line, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert line.collect(tmp_path / "file").err == ""
    assert all("clock_behind_us" not in e["context"] for e in line.entries())


@pytest.mark.parametrize("memory", ["account", "nobody"])
def test_an_old_copy_of_the_vault_put_back_is_refused_with_the_remedy(
    line: Line, tmp_path: Path, home: Path, memory: str
) -> None:
    (tmp_path / "file").write_text("x")
    old = shutil.copytree(line.vault, tmp_path / "old")
    line.collect(tmp_path / "file")
    entries = len(line.entries())
    shutil.rmtree(line.vault)
    shutil.copytree(old, line.vault)
    if memory == "nobody":
        # Another account that never saw the newer log: only witnesses could tell it.
        shutil.rmtree(home / "state")
        line.intact()
        return
    done = line("items", "--case", line.case)
    assert done.code == 5
    (told,) = done.err.splitlines()
    assert f"was seen with {entries} entries" in told
    assert "an old backup was put back" in told
    assert "holdfast restore --accept-loss REASON" in told
    checked = line("verify", "--json", "--jobs", 1)
    assert checked.code == 5
    assert any(f"was seen with {entries} entries" in p for p in checked.row["problems"])


def test_an_old_log_under_a_newer_database_is_refused(line: Line, home: Path) -> None:
    old = shutil.copytree(line.vault / "vault", line.vault.parent / "old")
    line.must("operator", "add", "bob")
    shutil.rmtree(line.vault / "vault")
    shutil.copytree(old, line.vault / "vault")
    shutil.rmtree(home / "state")
    done = line("custody")
    assert done.code == 5
    assert "restore" in done.err


def test_the_loss_is_admitted_in_an_entry_and_work_goes_on(line: Line, tmp_path: Path) -> None:
    old = shutil.copytree(line.vault, tmp_path / "old")
    line.must("operator", "add", "bob")
    shutil.rmtree(line.vault)
    shutil.copytree(old, line.vault)
    assert line("case", "list").code == 5
    done = line.must("restore", "--accept-loss", "disk failure of 3 May, backup of 2 May")
    assert "1 entries are lost" in done.err
    (entry,) = line.entries("vault.restore")
    assert entry["reason"] == "disk failure of 3 May, backup of 2 May"
    assert entry["lost"]["size"] == entry["head"]["size"] + 1
    line.intact()
    line.open_case()
