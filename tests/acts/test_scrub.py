"""`verify --continuous`: hash at a rate, oldest first; go on after a restart; repair and say so."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.acts import scrubbing
from holdfast.acts.act import Session
from holdfast.core import clock
from holdfast.core.digest import sha256_hex
from holdfast.vault import scrub as scrubs
from holdfast.vault.scrub import PARTS, Pace, Progress
from holdfast.vault.stores.local import LocalStore
from holdfast.vault.vault import Vault

if TYPE_CHECKING:
    from tests.line import Line


FOUR_PARTS = {"07", "3a", "3b", "f0"}


@pytest.fixture
def filled(line: Line, tmp_path: Path) -> Line:
    folder = tmp_path / "evidence"
    folder.mkdir()
    n = 0
    while n < 40:
        data = os.urandom(500 + n)
        # Some ten in each of four parts: a scrub is stopped in the middle of one, too.
        if sha256_hex(data)[:2] in FOUR_PARTS:
            (folder / f"{n}.bin").write_bytes(data)
            n += 1
    assert line.collect(folder).code == 0
    return line


def scrub(line: Line, *options: object) -> tuple[int, list[dict[str, object]]]:
    done = line("verify", "--continuous", "--once", "--json", *options)
    return done.code, done.rows


def coverage(line: Line) -> dict[str, object]:
    found: dict[str, object] = line("verify", "--json", "--jobs", 1).row["scrub"]
    return found


def damage(line: Line, at: int = 0, data: bytes = b"damaged") -> Path:
    path = sorted((line.vault / "vault").glob("objects/*/*"))[at]
    path.chmod(0o644)
    path.write_bytes(data)
    return path


def test_a_pass_hashes_everything_and_is_an_entry(filled: Line) -> None:
    assert coverage(filled)["oldest"] is not None
    code, (ended,) = scrub(filled)
    assert (code, ended["kind"], ended["objects"], ended["damaged"]) == (0, "pass", 40, [])
    (entered,) = filled.entries("vault.scrub")
    assert entered["pass"]["objects"] == 40
    told = coverage(filled)
    assert told["last_pass"] == entered["pass"]
    assert told["oldest"]["verified"] is not None  # type: ignore[index]
    filled.intact()


def test_without_a_replica_damage_is_named_and_the_code_is_5(filled: Line) -> None:
    altered, missing = damage(filled, 3), damage(filled, 7)
    missing.unlink()
    code, rows = scrub(filled)
    found = {row["object"]: row for row in rows if row["kind"] == "damage"}
    assert code == 5
    assert set(found) == {altered.name, missing.name}
    assert "was altered" in str(found[altered.name]["found"])
    assert "is missing" in str(found[missing.name]["found"])
    assert not any(row["repaired"] for row in found.values())
    assert altered.read_bytes() == b"damaged"
    assert coverage(filled)["damaged"] == sorted(map(str, found))


@pytest.mark.parametrize("kind", ["folder", "backup"])
def test_with_a_replica_it_is_repaired_and_the_damaged_bytes_are_kept(
    filled: Line, tmp_path: Path, kind: str
) -> None:
    """The damaged bytes are evidence of what happened to them."""
    filled.must(*(("backup",) if kind == "backup" else ("vault", "copy", "--to")), tmp_path / "r")
    filled.must("vault", "replica", "--to", tmp_path / "r")
    altered, missing = damage(filled, 3), damage(filled, 7)
    missing.unlink()
    code, rows = scrub(filled)
    found = {row["object"]: row for row in rows if row["kind"] == "damage"}
    assert code == 0
    assert all(row["repaired"] for row in found.values())
    assert Path(str(found[altered.name]["aside"])).read_bytes() == b"damaged"
    assert found[missing.name]["aside"] is None
    for path in (altered, missing):
        assert sha256_hex(path.read_bytes()) == path.name
    repairs = filled.entries("vault.repair")
    assert {one["repair"]["object"] for one in repairs} == set(found)
    assert all(one["signed"] for one in repairs)
    filled.intact()
    assert scrub(filled)[0] == 0


def test_a_replica_that_is_damaged_too_repairs_nothing(filled: Line, tmp_path: Path) -> None:
    filled.must("vault", "copy", "--to", tmp_path / "replica")
    filled.must("vault", "replica", "--to", tmp_path / "replica")
    path = damage(filled)
    theirs = tmp_path / "replica" / "objects" / path.name[:2] / path.name
    theirs.chmod(0o644)
    theirs.write_bytes(b"worse")
    code, (found, _ended) = scrub(filled)
    assert code == 5
    assert (found["object"], found["repaired"]) == (path.name, False)
    assert "was altered" in str(found["how"])
    assert path.read_bytes() == b"damaged"
    assert filled.entries("vault.repair") == []
    assert list((filled.vault / "vault" / "incoming").iterdir()) == []


STOP = """
import os, signal, sys
from holdfast.acts import scrubbing
from holdfast.cli.main import run
real, left = scrubbing._Scrub._check, [int(sys.argv[1])]
scrubbing.scrubs._SAVE_EVERY = -1
def check(self, digest):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    print(digest, flush=True)
    return real(self, digest)
scrubbing._Scrub._check = check
sys.exit(run(sys.argv[2:]))
"""


def stopped(line: Line, after: int) -> list[str]:
    """Scrub in a process of its own that is killed before object `after`; return what it hashed."""
    command = line.program("verify", "--continuous", "--once")
    done = subprocess.run(
        [command[0], "-c", STOP, str(after), *command[3:]],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == (-signal.SIGKILL if after < 40 else 0), done.stderr
    return [word for word in done.stdout.split() if len(word) == 64]


def test_a_scrub_survives_being_killed_and_hashes_nothing_twice(filled: Line) -> None:
    first = stopped(filled, 13)
    told = coverage(filled)
    assert told["this_pass"]["objects"] == 13  # type: ignore[index]
    second = stopped(filled, 11)
    third = stopped(filled, 1000)
    every = [path.name for path in sorted((filled.vault / "vault").glob("objects/*/*"))]
    assert (len(first), len(second)) == (13, 11)
    assert first + second + third == every
    (ended,) = filled.entries("vault.scrub")
    assert ended["pass"]["objects"] == 40


def test_what_was_hashed_longest_ago_comes_first(filled: Line) -> None:
    scrub(filled)
    stopped(filled, 20)
    told = coverage(filled)
    every = [path.name for path in sorted((filled.vault / "vault").glob("objects/*/*"))]
    assert told["oldest"]["object"] == every[20]  # type: ignore[index]
    assert told["oldest"]["verified"] < told["this_pass"]["began"]  # type: ignore[index]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"marks": 3}', '{"marks": {"zz": [1, "x"]}}'])
def test_progress_that_is_damaged_costs_a_pass_and_nothing_else(filled: Line, text: str) -> None:
    (filled.vault / "scrub.json").write_text(text)
    code, (ended,) = scrub(filled)
    assert (code, ended["objects"]) == (0, 40)


def test_a_clock_that_was_set_back_hides_nothing(
    filled: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + 10**15)
    scrub(filled)
    monkeypatch.setattr(clock, "now", real)
    path = damage(filled)
    code, rows = scrub(filled)
    assert (code, rows[0]["object"], rows[-1]["objects"]) == (5, path.name, 40)


def test_one_scrub_at_a_time(filled: Line) -> None:
    with scrubs.only_one(filled.vault):
        done = filled("verify", "--continuous", "--once")
    assert (done.code, "scrubs this vault already" in done.err) == (8, True)


def test_continuous_goes_on_with_the_next_pass(
    filled: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    session = Session(Vault.open(filled.vault), "alice")
    passes = scrubbing.scrub(session, scrubbing.Scrub())
    first, second = next(passes), next(passes)
    assert isinstance(first, scrubbing.Pass)
    assert isinstance(second, scrubbing.Pass)
    assert len(waited) == 1
    assert 0 < waited[0] <= scrubbing.AGAIN
    passes.close()  # type: ignore[attr-defined]


def test_an_object_that_is_just_being_put_in_its_place_is_not_missing(
    filled: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = damage(filled, 5)
    good = filled.vault / "evidence"
    shutil.move(path, good)
    real = LocalStore.staged

    def staged(self: LocalStore) -> set[str]:
        return real(self) | {path.name}

    monkeypatch.setattr(LocalStore, "staged", staged)
    code, (ended,) = scrub(filled)
    assert (code, ended["damaged"]) == (0, [])


def test_a_pace_is_kept_and_idle_time_is_not_made_up_for() -> None:
    now = [100.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(1000, lambda: now[0], sleep)
    for _ in range(10):
        pace.spend(500)
    assert sum(slept) == pytest.approx(5.0, abs=0.01)
    now[0] += 3600
    slept.clear()
    for _ in range(10):
        pace.spend(500)
    assert sum(slept) >= 3.99
    slept.clear()
    Pace(0, lambda: now[0], sleep).spend(10**12)
    assert slept == []


@pytest.mark.parametrize("options", [("--rate", "1"), ("--once",), ("--continuous", "--read-only")])
def test_options_that_do_not_fit_are_a_misuse(filled: Line, options: tuple[str, ...]) -> None:
    assert filled("verify", *options).code == 2


def test_progress_is_kept_as_it_was(tmp_path: Path) -> None:
    here = Progress()
    here.begin("2026-01-01T00:00:00Z")
    assert here.waiting() == PARTS
    here.enter("00", "2026-01-01T00:00:01Z")
    here.leave()
    here.enter("7f", "2026-01-01T00:00:02Z")
    here.after = "7f" + "0" * 62
    here.save(tmp_path)
    again = Progress.load(tmp_path)
    assert again == here
    assert again.waiting()[0] == "7f"
    assert "00" not in again.waiting()
    assert json.loads((tmp_path / "scrub.json").read_text())["number"] == 1
