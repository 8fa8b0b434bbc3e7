"""Copy and move the objects between folders; name a replica. On S3: test_s3_vault.py."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from holdfast.acts import stores
from holdfast.acts.act import Session
from holdfast.core.errors import ConflictError
from holdfast.vault import transfer
from holdfast.vault.config import Config
from holdfast.vault.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line


@pytest.fixture
def filled(line: Line, tmp_path: Path) -> Line:
    folder = tmp_path / "evidence"
    folder.mkdir()
    for n in range(30):
        (folder / f"{n}.bin").write_bytes(os.urandom(500 + n))
    assert line.collect(folder).code == 0
    return line


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "objects").glob("*/*"))


def test_a_copy_has_every_object_and_changes_nothing(filled: Line, tmp_path: Path) -> None:
    done = filled.must("vault", "copy", "--to", tmp_path / "copy", "--json").row
    assert (done["carried"], done["checked"]) == (30, 30)
    own = filled.vault / "vault"
    assert names(tmp_path / "copy") == names(own)
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "copy").glob("objects/*/*")] == (
        [0o444] * 30
    )
    assert Config.load(filled.vault).store == ""
    assert [one["act"] for one in filled.entries()][-2:] == ["vault.copy", "vault.copy.end"]
    again = filled.must("vault", "copy", "--to", tmp_path / "copy", "--json").row
    assert (again["carried"], again["checked"]) == (0, 30)
    filled.intact()


def test_a_move_switches_by_an_entry_and_removes_the_old(filled: Line, tmp_path: Path) -> None:
    had = names(filled.vault / "vault")
    done = filled.must("vault", "move", "--to", tmp_path / "new", "--json").row
    assert (done["carried"], done["checked"], done["removed"]) == (30, 30, 30)
    assert names(tmp_path / "new") == had
    assert names(filled.vault / "vault") == []
    (switch,) = filled.entries("vault.set")
    assert switch["setting"]["name"] == "store"
    assert switch["setting"]["value"]["address"] == f"file://{tmp_path / 'new'}"
    assert filled.intact()["objects"] == 30
    # What is collected now goes there; a rebuild gives the same.
    (tmp_path / "late").write_text("late")
    assert filled.collect(tmp_path / "late").code == 0
    assert len(names(tmp_path / "new")) == 31
    filled.must("rebuild")
    filled.intact()
    # And back into the vault's own folder.
    back = filled.must("vault", "move", "--to", filled.vault / "vault", "--json").row
    assert (back["store"], back["removed"]) == ("", 31)
    assert Config.load(filled.vault).store == ""
    assert len(names(filled.vault / "vault")) == 31
    filled.intact()


def test_a_move_may_keep_the_old(filled: Line, tmp_path: Path) -> None:
    filled.must("vault", "move", "--to", tmp_path / "new", "--keep")
    assert names(filled.vault / "vault") == names(tmp_path / "new")
    filled.intact()


@pytest.mark.parametrize("where", ["here", "there"])
def test_damage_stops_a_move_before_anything_is_switched(
    filled: Line, tmp_path: Path, where: str
) -> None:
    if where == "there":
        filled.must("vault", "copy", "--to", tmp_path / "new")
    place = tmp_path / "new" if where == "there" else filled.vault / "vault"
    victim = next(iter(sorted(place.glob("objects/*/*"))))
    victim.chmod(0o644)
    victim.write_bytes(b"altered")
    done = filled("vault", "move", "--to", tmp_path / "new")
    assert done.code == 5
    assert victim.name in done.err
    assert len(names(filled.vault / "vault")) == 30
    # What is damaged here is not carried there under the good name.
    assert (victim.name in names(tmp_path / "new")) == (where == "there")
    assert Config.load(filled.vault).store == ""
    assert filled.entries("vault.set") == []


def test_a_place_that_holds_something_else_is_refused(filled: Line, tmp_path: Path) -> None:
    filled.must("vault", "copy", "--to", tmp_path / "new")
    stranger = "ab" + "0" * 62
    (tmp_path / "new" / "objects" / "ab" / stranger).write_bytes(b"")
    done = filled("vault", "move", "--to", tmp_path / "new")
    assert (done.code, stranger in done.err) == (5, True)
    assert Config.load(filled.vault).store == ""


@pytest.mark.parametrize("to", ["", "VAULT/vault", "VAULT", "VAULT/inside", "/", "s3://x", "FILE"])
def test_places_that_can_be_none_are_refused(filled: Line, tmp_path: Path, to: str) -> None:
    (tmp_path / "file").write_text("x")
    to = to.replace("VAULT", str(filled.vault)).replace("FILE", str(tmp_path / "file"))
    done = filled("vault", "move", "--to", to)
    assert done.code in {3, 7}, done
    assert len(done.err.splitlines()) == 1
    filled.intact()


def test_another_vault_is_no_place(
    filled: Line, made_plain: tuple[Path, str], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    filled.must("--vault", other, "init")
    done = filled("vault", "move", "--to", other)
    assert (done.code, "another vault" in done.err) == (3, True)


def test_nobody_moves_while_others_collect_nor_collects_while_it_moves(
    filled: Line, tmp_path: Path
) -> None:
    vault = Vault.open(filled.vault)
    with vault.gathering():
        done = filled("vault", "move", "--to", tmp_path / "new")
        assert (done.code, "others are collecting" in done.err) == (8, True)
    with vault.alone():
        (tmp_path / "late").write_text("late")
        done = filled.collect(tmp_path / "late")
        assert (done.code, "being moved" in done.err) == (8, True)
    filled.must("vault", "move", "--to", tmp_path / "new")
    # Opened before the move, at work after it.
    with pytest.raises(ConflictError, match="were moved"), vault.gathering():
        pass
    filled.intact()


STEPS = ["admit", "read_back", "entered", "followed", "destroy", "leaving"]


@pytest.mark.parametrize("step", STEPS)
def test_a_move_that_was_killed_is_finished_by_repeating_it(
    filled: Line, tmp_path: Path, step: str
) -> None:
    """At each step: every object is in the store that counts, and the repetition ends it."""
    code = f"""
import os, signal, sys
from holdfast.cli.main import run
from holdfast.vault import transfer
from holdfast.vault.stores.local import LocalIntake, LocalStore
from holdfast.vault.vault import Vault
def die(*_a, **_k):
    os.kill(os.getpid(), signal.SIGKILL)
def after(owner, name, count):
    real, left = getattr(owner, name), [count]
    def wrapped(*a, **k):
        left[0] -= 1
        if left[0] < 0:
            die()
        return real(*a, **k)
    setattr(owner, name, wrapped)
transfer._FILES = 7
step = {step!r}
if step == "admit": after(LocalIntake, "admit", 2)
if step == "read_back": transfer.read_back = die
if step == "entered": Vault.follow = die
if step == "followed":
    real = Vault.follow
    Vault.follow = lambda self, address: (real(self, address), die())
from holdfast.acts import stores
stores._AT_ONCE = 7
if step == "destroy": after(LocalStore, "destroy", 3)
if step == "leaving": after(LocalStore, "size", 29)
run(sys.argv[1:])
"""
    command = filled.program("vault", "move", "--to", tmp_path / "new")
    died = subprocess.run([command[0], "-c", code, *command[3:]], check=False)
    assert died.returncode == -signal.SIGKILL
    filled.intact()
    filled.must("vault", "move", "--to", tmp_path / "new")
    assert len(names(tmp_path / "new")) == 30
    assert names(filled.vault / "vault") == []
    assert not list((tmp_path / "new" / "moving" / "incoming").iterdir())
    assert not (filled.vault / "vault" / "erasing").exists()
    assert filled.intact()["objects"] == 30


def test_a_dead_collection_is_finished_by_the_move_not_lost(
    filled: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another collector dies between its entry and its places, while the objects are copied."""
    from holdfast.vault.stores.local import LocalIntake  # noqa: PLC0415

    (tmp_path / "late").write_text("late")
    carry, admit = transfer.carry, LocalIntake.admit

    def carried(*arguments: object) -> transfer.Carried:
        done = carry(*arguments)  # type: ignore[arg-type]
        if not (tmp_path / "dead").exists():
            (tmp_path / "dead").touch()
            monkeypatch.setattr(LocalIntake, "admit", lambda *_: 1 / 0)
            assert filled.collect(tmp_path / "late").code == 70
            monkeypatch.setattr(LocalIntake, "admit", admit)
        return done

    monkeypatch.setattr(transfer, "carry", carried)
    filled.must("vault", "move", "--to", tmp_path / "new")
    assert len(names(tmp_path / "new")) == 31
    assert filled.intact()["objects"] == 31


def test_a_replica_is_named_and_filled(filled: Line, tmp_path: Path) -> None:
    assert filled("vault", "copy").code == 3
    filled.must("vault", "replica", "--to", tmp_path / "replica")
    assert filled.must("vault", "copy", "--json").row["checked"] == 30
    shown = filled.must("vault", "show", "--json").row
    assert shown["replica"]["address"] == f"file://{tmp_path / 'replica'}"
    filled.must("vault", "replica", "--none")
    assert filled.must("vault", "show", "--json").row["replica"] is None
    filled.intact()


def test_a_backup_is_a_replica(filled: Line, tmp_path: Path) -> None:
    filled.must("backup", tmp_path / "backup")
    filled.must("vault", "replica", "--to", tmp_path / "backup")
    shown = filled.must("vault", "show", "--json").row
    assert shown["replica"]["address"] == f"file://{tmp_path / 'backup' / 'vault'}"
    shutil.rmtree(tmp_path / "backup")


def test_an_act_of_a_store_takes_plain_values(filled: Line, tmp_path: Path) -> None:
    session = Session(Vault.open(filled.vault), "alice")
    session.vault.current()
    done = stores.copy_objects(session, stores.Place(str(tmp_path / "copy"), jobs=2))
    assert done.as_json()["carried"] == 30
