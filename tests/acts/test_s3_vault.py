"""A vault whose objects lie in an S3 store: the same acts, the same proofs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.vault.stores.s3 import S3Store
from holdfast.vault.vault import Vault
from tests.line import Line

if TYPE_CHECKING:
    from tests.s3_server import Server

pytestmark = pytest.mark.s3


def vault_at(address: str, root: Path, capture: pytest.CaptureFixture[str], *options: str) -> Line:
    line = Line(root, "", capture)
    line.must("init", "--store", address, *options)
    line.case = line.open_case()
    return line


def evidence(place: Path) -> Path:
    folder = place / "evidence"
    folder.mkdir()
    (folder / "mail.txt").write_text("Your bank: visit https://bank.example/ now\n")
    (folder / "empty").touch()
    for n in range(20):
        (folder / f"{n}.bin").write_bytes(os.urandom(1000 + n))
    return folder


def store_of(line: Line) -> S3Store:
    store = Vault.open(line.vault).store
    assert isinstance(store, S3Store)
    return store


@pytest.mark.parametrize(
    "kind",
    [
        "plain",
        pytest.param("sealed", marks=pytest.mark.soak),
        pytest.param("locked", marks=pytest.mark.soak),
    ],
)
def test_the_whole_line_works_on_s3(
    s3: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    address = s3.address(locks=int(kind == "locked"))
    options = ["--sealed"] if kind == "sealed" else []
    line = vault_at(address, tmp_path / "vault", capsys, *options)
    folder = evidence(tmp_path)
    assert line.collect(folder).code == 0
    assert not list((line.vault / "vault").glob("objects/*/*"))
    report = line.intact()
    assert report["objects"] == 22
    assert report["assurance"]["store"].startswith("s3://")
    assert ("each object locked" in report["assurance"]["store"]) == (kind == "locked")
    line.must("examine", "--case", line.case, "--jobs", 1)
    assert "bank.example" in line.must("search", "--case", line.case, "bank").out
    line.must("bundle", "--case", line.case, "--to", tmp_path / "handed-over")
    originals = list((tmp_path / "handed-over" / "data" / "originals").iterdir())
    assert len(originals) == 22
    # Again: everything is held, nothing is sent twice.
    done = line.collect(folder)
    assert {row["status"] for row in done.rows} == {"held"}
    line.intact()


def test_an_altered_and_a_missing_object_are_named(
    s3: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = vault_at(s3.address(), tmp_path / "vault", capsys)
    line.collect(evidence(tmp_path))
    store = store_of(line)
    altered, missing, *_ = store.digests()
    bucket = store.address.bucket
    store.client.put_object(Bucket=bucket, Key=store.key(altered), Body=b"planted")
    store.client.delete_object(Bucket=bucket, Key=store.key(missing))
    done = line("verify", "--json", "--jobs", 1)
    assert done.code == 5
    problems = done.row["problems"]
    assert len(problems) == 2
    assert any(altered in one and "was altered" in one for one in problems)
    assert any(missing in one and "is missing" in one for one in problems)


@pytest.mark.soak
def test_bytes_that_come_again_over_altered_ones_are_refused_before_the_entry(
    s3: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = vault_at(s3.address(), tmp_path / "vault", capsys)
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "file").write_text("original")
    line.collect(folder)
    store = store_of(line)
    (digest,) = store.digests()
    store.client.put_object(Bucket=store.address.bucket, Key=store.key(digest), Body=b"0riginal")
    other = line.open_case()
    done = line.collect(folder, case=other)
    assert done.code == 5
    assert digest in done.err
    assert line.must("items", "--case", other, "--json").rows == []


def test_a_store_that_is_away_is_another_machines_fault_and_recovery_finishes(
    s3: Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = vault_at(s3.address(), tmp_path / "vault", capsys)
    folder = evidence(tmp_path)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    done = line.collect(folder)
    assert done.code == 6
    assert "refuses" in done.err
    assert len(done.err.splitlines()) == 1
    assert line("verify").code == 6
    monkeypatch.undo()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "HOLDFASTTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "holdfast-test-only")
    # Entered and staged when the store refused: whoever comes next puts them in their place.
    assert line.intact()["objects"] == 22


@pytest.mark.soak
def test_another_store_in_holdfast_toml_is_seen(
    s3: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = vault_at(s3.address(), tmp_path / "vault", capsys)
    settings = line.vault / "holdfast.toml"
    text = settings.read_text()
    settings.write_text(text.replace("/unit?", "/elsewhere?"))
    done = line("verify", "--read-only", "--json")
    assert (done.code, ["holdfast.toml says store" in p for p in done.row["problems"]]) == (
        5,
        [True],
    )
    # A command that works in the vault follows the log.
    line.must("case", "list")
    assert settings.read_text() == text


def test_there_and_back_again(
    s3: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: Line
) -> None:
    """From the folder to S3, from there to a locked S3, and back: intact at each place."""
    assert line.collect(evidence(tmp_path)).code == 0
    first, second = s3.address(), s3.address(locks=1)
    done = line.must("vault", "move", "--to", first, "--json").row
    assert (done["carried"], done["checked"], done["removed"]) == (22, 22, 22)
    assert list((line.vault / "vault").glob("objects/*/*")) == []
    assert line.intact()["objects"] == 22
    done = line.must("vault", "move", "--to", second, "--json").row
    assert (done["removed"], done["locked"]) == (22, 0)
    assert "each object locked" in line.intact()["assurance"]["store"]
    done = line.must("vault", "move", "--to", line.vault / "vault", "--json").row
    assert (done["carried"], done["removed"], done["locked"]) == (22, 0, 22)
    assert line.intact()["objects"] == 22
    assert len(list((line.vault / "vault").glob("objects/*/*"))) == 22


@pytest.mark.soak
def test_damage_on_s3_is_repaired_from_a_folder_and_the_other_way(
    s3: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = vault_at(s3.address(), tmp_path / "vault", capsys)
    line.collect(evidence(tmp_path))
    line.must("vault", "replica", "--to", tmp_path / "replica")
    assert line.must("vault", "copy", "--json").row["checked"] == 22
    store = store_of(line)
    altered, missing, *_ = store.digests()
    bucket = store.address.bucket
    store.client.put_object(Bucket=bucket, Key=store.key(altered), Body=b"planted")
    store.client.delete_object(Bucket=bucket, Key=store.key(missing))
    rows = line.must("verify", "--continuous", "--once", "--json").rows
    damage = {row["object"]: row for row in rows if row["kind"] == "damage"}
    assert set(damage) == {altered, missing}
    assert Path(damage[altered]["aside"]).read_bytes() == b"planted"
    assert line.intact()["objects"] == 22
    # The other way: objects in a folder, the replica in S3.
    line.must("vault", "replica", "--none")
    line.must("vault", "move", "--to", tmp_path / "replica", "--keep")
    line.must("vault", "replica", "--to", store.where)
    victim = tmp_path / "replica" / "objects" / altered[:2] / altered
    victim.chmod(0o644)
    victim.write_bytes(b"planted too")
    line.must("verify", "--continuous", "--once")
    assert line.intact()["objects"] == 22


@pytest.mark.soak
def test_a_backup_of_a_vault_on_s3_is_whole_and_restores_without_it(
    s3: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = vault_at(s3.address(), tmp_path / "vault", capsys)
    line.collect(evidence(tmp_path))
    line.must("backup", tmp_path / "backup", "--keys-to", tmp_path / "keys")
    assert len(list((tmp_path / "backup" / "vault").glob("objects/*/*"))) == 22
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    restored = Line(tmp_path / "restored", line.case, capsys)
    restored.must("restore", tmp_path / "backup", "--keys", tmp_path / "keys")
    assert restored.intact()["objects"] == 22
    restored.must("rebuild")
    restored.intact()
