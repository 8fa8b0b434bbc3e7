"""The local store: the contract every store keeps, and what only files on a disk can do."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from holdfast.core.digest import sha256_hex
from holdfast.testing.store_contract import StoreTests, content, put, staged, writing
from holdfast.vault import copying
from holdfast.vault.stores.local import LocalStore

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.vault.store import Store


class TestLocalStore(StoreTests):
    def make(self, root: Path) -> LocalStore:
        return made(root)

    def tamper(self, store: Store, digest: str, data: bytes) -> None:
        assert isinstance(store, LocalStore)
        store.path(digest).unlink()
        store.path(digest).write_bytes(data)


def made(root: Path) -> LocalStore:
    store = LocalStore(root)
    store.create()
    return store


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return made(tmp_path)


def everything(_objects: list[str]) -> set[str]:
    return set(_objects)


def nothing(_objects: list[str]) -> set[str]:
    return set()


def test_sha256sum_alone_checks_a_vault(store: LocalStore, tmp_path: Path) -> None:
    """Promise 1: "`sha256sum` alone, with no key, checks a vault, a replica or a backup." """
    digests = put(store, "run", b"", b"one", os.urandom(100_000))
    for digest in digests:
        told = subprocess.run(
            ["sha256sum", tmp_path / "objects" / digest[:2] / digest],
            capture_output=True,
            check=True,
            text=True,
        )
        assert told.stdout.split()[0] == digest


def test_objects_are_read_only(store: LocalStore) -> None:
    (digest,) = put(store, "run", b"data")
    assert store.path(digest).stat().st_mode & 0o777 == 0o444


def test_a_closed_intake_leaves_no_trace(store: LocalStore, tmp_path: Path) -> None:
    put(store, "run", b"data")
    assert list((tmp_path / "incoming").iterdir()) == []
    assert store.abandoned() == []
    assert store.recover(nothing) == []


@pytest.mark.parametrize("empty", [True, False])
def test_a_run_at_work_is_not_taken_for_a_dead_one(store: LocalStore, empty: bool) -> None:
    intake = store.intake("run")
    digests = staged(intake, *([] if empty else [b"data"]))
    assert store.abandoned() == []
    assert store.recover(nothing) == []
    intake.admit(digests)
    intake.close()
    assert list(store.digests()) == digests


def test_what_the_log_has_of_a_dead_run_is_admitted_the_rest_dropped(
    store: LocalStore, tmp_path: Path
) -> None:
    """The design: "what the log has an entry for is admitted by whoever comes next, the rest was
    never evidence."
    """
    intake = store.intake("run-1")
    entered, unentered = staged(intake, b"entered", b"not entered")
    intake.leave()
    assert store.abandoned() == [("run-1", sorted([entered, unentered]))]
    assert store.recover(lambda _objects: {entered}) == ["run-1"]
    assert content(store, entered) == b"entered"
    assert list(store.digests()) == [entered]
    assert list((tmp_path / "incoming").iterdir()) == []


def test_a_dead_run_that_was_entered_whole_was_not_cut_short(store: LocalStore) -> None:
    intake = store.intake("run-1")
    digests = staged(intake, b"a", b"b")
    intake.leave()
    assert store.recover(everything) == []
    assert list(store.digests()) == sorted(digests)


DYING = """
import os, signal, sys
from pathlib import Path
from holdfast.testing.store_contract import writing
from holdfast.vault.stores.local import LocalStore
intake = LocalStore(Path(sys.argv[1])).intake("killed")
for data in (b"whole", b"whole too"):
    intake.stage(writing(data))
intake.flush()
def half(descriptor):
    os.write(descriptor, b"hal")
    os.kill(os.getpid(), signal.SIGKILL)
intake.stage(half)
"""


def test_a_run_that_was_killed_in_the_middle_of_a_file_is_recovered(store: LocalStore) -> None:
    died = subprocess.run([sys.executable, "-c", DYING, str(store.root)], check=False)
    assert died.returncode == -9
    ((run, digests),) = store.abandoned()
    assert run == "killed"
    assert {sha256_hex(b"whole"), sha256_hex(b"whole too")} <= set(digests)
    known = {sha256_hex(b"whole")}
    assert store.recover(lambda objects: known & set(objects)) == ["killed"]
    assert list(store.digests()) == sorted(known)
    assert store.abandoned() == []


def test_a_file_torn_by_a_power_cut_is_not_admitted_under_its_name(store: LocalStore) -> None:
    """A staged file goes by what it holds, not by what it was meant to hold."""
    intake = store.intake("run")
    (digest,) = staged(intake, b"whole content")
    intake.leave()
    (staged_file,) = (store.root / "incoming" / "run").iterdir()
    staged_file.chmod(0o644)
    with staged_file.open("r+b") as file:
        file.truncate(5)
    assert store.recover(lambda objects: {digest} & set(objects)) == ["run"]
    assert list(store.digests()) == []


def test_recovery_keeps_good_bytes_whose_place_holds_altered_ones(store: LocalStore) -> None:
    (digest,) = put(store, "first", b"original")
    store.path(digest).unlink()
    store.path(digest).write_bytes(b"altered!")
    intake = store.intake("second")
    staged(intake, b"original")
    intake.leave()
    for _ in range(2):  # the lock is free again each time
        assert store.recover(everything) == []
        assert store.abandoned() == [("second", [digest])]
    assert content(store, digest) == b"altered!"
    store.path(digest).unlink()
    assert store.recover(everything) == []
    assert content(store, digest) == b"original"
    assert store.abandoned() == []


@pytest.mark.parametrize("when", ["listed", "locked"])
def test_a_dead_run_that_someone_else_recovers_meanwhile_is_left_to_them(
    when: str, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commands start at once after a crash; both find the run, one finishes it first."""
    intake = store.intake("run")
    digests = staged(intake, b"data")
    intake.leave()
    other = LocalStore(store.root)
    runs, open_ = LocalStore._runs, os.open

    if when == "listed":

        def listed(self: LocalStore) -> list[Path]:
            found = runs(self)
            if self is store:
                other.recover(everything)
            return found

        monkeypatch.setattr(LocalStore, "_runs", listed)
    else:

        def opened(path: Path, flags: int, mode: int = 0o777) -> int:
            descriptor = open_(path, flags, mode)
            monkeypatch.undo()
            other.recover(everything)
            return descriptor

        monkeypatch.setattr(os, "open", opened)
    assert store.recover(everything) == []
    assert store.abandoned() == []
    assert list(store.digests()) == digests


def test_a_store_without_its_folders_is_empty_not_a_crash(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "nothing here")
    assert list(store.digests()) == []
    assert store.abandoned() == []
    assert store.recover(nothing) == []


def test_what_has_no_objects_name_is_none(store: LocalStore, tmp_path: Path) -> None:
    (digest,) = put(store, "run", b"data")
    wrong = "00" if digest[:2] != "00" else "01"
    for stray in (f"{wrong}/zzz", f"{wrong}/.x", "stray", f"{wrong}/{'f' * 64}"):
        (tmp_path / "objects" / stray).write_bytes(b"stray")
    assert list(store.digests()) == [digest]


def test_a_sparse_file_keeps_its_holes(store: LocalStore, tmp_path: Path) -> None:
    source = tmp_path / "sparse"
    with source.open("wb") as file:
        file.truncate(200 << 20)
        file.seek(50 << 20)
        file.write(b"island")
    hasher = hashlib.sha256()
    with source.open("rb") as file:
        while chunk := file.read(1 << 20):
            hasher.update(chunk)
    intake = store.intake("run")
    with source.open("rb") as file:
        digest = intake.stage(lambda fd: copying.copy(file.fileno(), fd, None).object)
    intake.flush()
    intake.admit([digest])
    intake.close()
    facts = store.path(digest).stat()
    assert (facts.st_size, digest) == (200 << 20, hasher.hexdigest())
    assert facts.st_blocks * 512 < 1 << 20


def test_twins_count_as_files_of_a_run_that_was_cut(store: LocalStore) -> None:
    intake = store.intake("run")
    intake.stage(writing(b"twin"))
    intake.stage(writing(b"twin"))
    intake.leave()
    assert store.recover(everything) == []
