"""The monitor against real servers: what it must raise an alarm on, and what it must not."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.vault import tiles
from holdfast.vault.cosignature import parse_vkey
from holdfast.vault.vault import Vault
from holdfast.witness.state import origin_hash
from tests.witness import scene
from tests.witness.scene import Unit, overwrite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.line import Done, Line
    from tests.witness.program import Program


@pytest.fixture
def unit(start: Callable[..., Program], line: Line, tmp_path: Path, home: Path) -> Unit:
    return scene.unit(start, line, tmp_path, home)


@pytest.fixture
def serving(start: Callable[..., Program], unit: Unit) -> Program:
    return start("--vault", unit.line.vault, "log", "serve")


def look(unit: Unit, *urls: str, silent: float = 24, once: bool = True) -> Done:
    """Look once at these places, as a monitor with a memory of its own."""
    return unit.line.__class__(unit.line.vault, "", unit.line.capture)(  # no other state
        "monitor", "--policy", unit.policy, "--state", unit.home / "seen",
        "--silent", silent, *["--once"] * once, "--json", *urls,
    )  # fmt: skip


def alarms(done: Done, kind: str) -> list[str]:
    """Return the alarms, which must all be of this kind, and at least one."""
    assert done.code == 5, (done.out, done.err)
    found: list[str] = done.row["alarms"]
    assert found
    assert all(kind in one for one in found), found
    return found


@pytest.fixture(autouse=True)
def no_vault_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the global options to commands that take them; the monitor ignores both."""
    monkeypatch.delenv("HOLDFAST_VAULT", raising=False)


def test_one_story_in_all_places_while_the_log_grows(unit: Unit, serving: Program) -> None:
    places = (serving.url, f"{unit.court.program.url}/")
    for _ in range(3):
        done = look(unit, *places)
        assert (done.code, done.row["alarms"], done.row["unreachable"]) == (0, [], [])
        assert list(done.row["logs"].values()) == [unit.size]
        unit.work(2)
    # Without any URL, the policy's; and for people.
    own = f"log {scene.vkey(unit.line.vault)}"
    unit.policy.write_text(unit.policy.read_text().replace(own, f"{own} {serving.url}/"))
    told = unit.line("monitor", "--policy", unit.policy, "--state", unit.home / "seen", "--once")
    assert told.code == 0
    assert "one story" in told.out
    # A log behind its witnesses is none: here only the witness is asked, and no tiles are needed.
    assert look(unit, serving.url).code == 0


@pytest.mark.attack("Shows two partners two histories", "monitor")
def test_two_histories_shown_to_two_partners_are_a_split_view(
    unit: Unit, start: Callable[..., Program], serving: Program
) -> None:
    """Attack: "shows two partners two histories"."""
    other = unit.copy()
    unit.work(2, "for-the-court")
    # The second history never meets the witness: the insider keeps it from being asked.
    forged = unit.line.__class__(other, "", unit.line.capture)
    unit.court.program.kill()
    shutil.rmtree(unit.home / "state", ignore_errors=True)
    for n in range(3):
        forged.must("operator", "add", f"for-the-defence-{n}")
    shutil.rmtree(unit.home / "state", ignore_errors=True)
    unit.court.program.again()
    second = start("--vault", other, "log", "serve")
    assert look(unit, serving.url).code == 0
    found = alarms(look(unit, serving.url, second.url), "split view")
    assert any(second.url in one for one in found)
    # What was signed is kept: two notes by one key that can't both be true.
    kept = [one.read_text() for one in (unit.home / "seen" / "evidence").iterdir()]
    assert {one.split("\n")[1] for one in kept} == {str(unit.size), str(unit.size + 1)}
    # One place alone, against what this monitor remembers, and against the witness.
    alarms(look(unit, second.url), "split view")
    shutil.rmtree(unit.home / "seen")
    alarms(look(unit, second.url, unit.court.program.url), "split view")
    # Of one size, without any tile.
    unit.line.must("operator", "add", "one-more")
    shutil.rmtree(unit.home / "seen")
    found = alarms(look(unit, serving.url, second.url), "split view")
    assert f"two roots for {unit.size} entries" in found[0]


def test_a_log_that_shrinks_is_an_alarm_here_and_against_its_witness(
    unit: Unit, serving: Program
) -> None:
    before = unit.copy()
    unit.work(2)
    size = unit.size
    assert look(unit, serving.url).code == 0
    unit.put_back(before)
    found = alarms(look(unit, serving.url), "shrinking log")
    assert any(f"showed {size} entries" in one for one in found)
    # A monitor that begins today has no memory; the witness has.
    shutil.rmtree(unit.home / "seen")
    (alarm,) = alarms(look(unit, serving.url, unit.court.program.url), "shrinking log")
    assert f"shows {size - 2} entries, {unit.court.program.url} has seen {size}" in alarm


def test_a_bad_signature_is_an_alarm(unit: Unit, serving: Program) -> None:
    path = unit.line.vault / "vault/log/checkpoint"
    shutil.rmtree(unit.line.vault / "vault/log/cosigned")
    good = path.read_text()
    size = unit.size
    for text in (
        good.replace(f"\n{size}\n", f"\n{size + 1}\n", 1),
        good.replace("unit", "Unit").replace("holdfast", "Holdfast"),
        "nonsense",
    ):
        overwrite(path, text.encode())
        alarms(look(unit, serving.url), "bad checkpoint")


def test_a_forged_cosignature_is_an_alarm(unit: Unit, serving: Program) -> None:
    (path,) = unit.cosigned()
    lines = path.read_text().splitlines(keepends=True)
    *_, last = lines
    forged = last[:-8] + ("AAAA" if last[-8:-4] != "AAAA" else "BBBB") + last[-4:]
    overwrite(path, "".join([*lines[:-1], forged]).encode())
    alarms(look(unit, serving.url), "bad checkpoint")


def test_tiles_that_do_not_give_the_root_are_an_alarm(unit: Unit, serving: Program) -> None:
    tile = tiles.hash_tile(unit.line.vault / "vault/log", 0, 0, unit.size)
    overwrite(tile, bytes(32) + tile.read_bytes()[32:])
    alarms(look(unit, serving.url), "do not give the root")


def test_a_witness_behind_for_too_long_is_an_alarm(unit: Unit, serving: Program) -> None:
    assert look(unit, serving.url, silent=0).code == 0
    unit.court.program.kill()
    unit.work()
    # Behind, and only since now; then for longer than no time at all.
    assert look(unit, serving.url, silent=0).code == 0
    found = alarms(look(unit, serving.url, silent=0), "silent witness")
    assert {name for name in ("c0-0", "c0-1") if any(name in one for one in found)} == {
        "c0-0",
        "c0-1",
    }
    assert look(unit, serving.url, silent=24).code == 0
    unit.court.program.again()
    unit.line.must("log", "publish")
    assert look(unit, serving.url, silent=0).code == 0


def test_a_witness_that_never_signed_is_silent_too(
    unit: Unit, serving: Program, start: Callable[..., Program], tmp_path: Path
) -> None:
    other = scene.court(start, tmp_path / "other", name="never")
    text = unit.policy.read_text()
    lines = "\n".join(other.lines("never"))
    unit.policy.write_text(text.replace("group enough", f"{lines}\ngroup enough"))
    assert look(unit, serving.url, silent=0).code == 0
    alarms(look(unit, serving.url, silent=0), "silent witness: never")


def test_what_can_t_be_looked_at_is_not_all_right(
    unit: Unit, serving: Program, start: Callable[..., Program]
) -> None:
    unit.court.program.kill()
    done = look(unit, serving.url, unit.court.program.url, silent=24)
    assert (done.code, len(done.row["unreachable"])) == (6, 1)
    # And for longer than allowed it is an alarm.
    alarms(look(unit, serving.url, unit.court.program.url, silent=0), "has not answered")
    # Two views and no tiles to compare them by.
    unit.court.program.again()
    unit.work()
    shutil.rmtree(unit.line.vault / "vault/log/tile/0")
    assert look(unit, serving.url).code == 6


def test_until_there_is_an_alarm_it_goes_on(unit: Unit, serving: Program) -> None:
    assert look(unit, serving.url).code == 0
    overwrite(unit.line.vault / "vault/log/checkpoint", b"nonsense")
    done = look(unit, serving.url, once=False)
    assert done.code == 5


def test_a_memory_that_is_damaged_is_said(unit: Unit, serving: Program) -> None:
    assert look(unit, serving.url).code == 0
    state = unit.home / "seen" / "state.json"
    facts: dict[str, Any] = json.loads(state.read_text())
    (origin,) = facts["logs"]
    assert facts["logs"][origin]["sizes"] == {serving.url: unit.size}
    for damage in ("", "[]", '{"logs": {"x": {"note": "y"}}, "gone": {}}'):
        overwrite(state, damage.encode())
        done = look(unit, serving.url)
        assert (done.code, "is damaged" in done.err) == (3, True)


def test_a_witnesss_view_is_found_by_the_origins_hash(unit: Unit) -> None:
    origin = parse_vkey(scene.vkey(unit.line.vault)).name
    status, body, _ = unit.court.program.ask("GET", f"/{origin_hash(origin)}/checkpoint")
    assert (status, body.split(b"\n")[0]) == (200, origin.encode())
    done = look(unit, unit.court.program.url)
    assert done.row["logs"] == {origin: unit.size}
    assert Vault.open(unit.line.vault).log.origin == origin
