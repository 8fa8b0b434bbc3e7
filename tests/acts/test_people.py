"""People's keys and roles: bound by the log, ended by the log."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from holdfast.cases import access
from holdfast.vault import custody, roles
from holdfast.vault.keys import Keyring, own_signer
from holdfast.vault.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line


OPENING = (
    *("case", "open", "--title", "T", "--basis", "B", "--authority", "A"),
    *("--until", "2999-12-31"),
)


def own_key(folder: Path, name: str) -> tuple[Path, str]:
    """Make a key outside every keyring; return its file and its public half."""
    path = folder / f"{name}.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)], check=True)
    path.chmod(0o600)
    return path, str(own_signer(str(path), name).verifier)


def test_a_private_key_never_comes_here(line: Line, tmp_path: Path) -> None:
    key, vkey = own_key(tmp_path, "bob")
    assert line.must("operator", "vkey", "--operator", "bob", "--key", key).out == f"{vkey}\n"
    line.must("operator", "add", "bob", "--public", vkey, "--role", "prosecutor")
    assert not (line.vault / "keys" / "operators" / "bob.key").exists()
    line.must("case", "role", "bob", "--case", line.case, "--add", "lead")
    line.must("case", "close", line.case, "--operator", "bob", "--key", key)
    (closed,) = line.entries("case.close")
    assert closed["actor"] == {"key": vkey.split("+")[1], "name": "bob"}
    assert closed["signed"]
    line.intact()


def test_a_key_that_no_entry_gives_to_its_bearer_is_refused(line: Line, tmp_path: Path) -> None:
    key, vkey = own_key(tmp_path, "bob")
    done = line("--operator", "bob", "--key", key, *OPENING)
    assert done.code == 3
    assert "in no entry of the log" in done.err
    assert line("operator", "add", "eve", "--public", vkey).code == 3, "another's name"
    line.must("operator", "add", "bob", "--public", vkey)
    assert line("operator", "add", "bob", "--public", vkey).code == 3, "twice"
    line.intact()


def test_the_log_knows_who_held_which_role_at_which_entry(line: Line) -> None:
    line.must("operator", "add", "bob")
    before = line.entries()[-1]["entry"]
    row = line.must("operator", "role", "bob", "--add", "supervisor", "--add", "auditor", "--json")
    assert row.row["roles"] == ["investigator", "supervisor", "auditor"]
    between = line.entries()[-1]["entry"]
    line.must("operator", "role", "bob", "--remove", "supervisor")
    after = line.entries()[-1]["entry"]
    vault = Vault.open(line.vault)
    with vault.engine.connect() as connection:
        held = [roles.held(connection, "bob", at) for at in (before + 1, between + 1, after + 1)]
        assert roles.held(connection, "bob") == held[2]
    vault.engine.dispose()
    assert held == [
        ("investigator",), ("investigator", "supervisor", "auditor"), ("investigator", "auditor"),
    ]  # fmt: skip
    line.must("rebuild")
    line.intact()


def test_only_who_may_approve_makes_others_such(line: Line) -> None:
    line.must("operator", "add", "bob")
    for given in (
        ("operator", "add", "carol", "--role", "supervisor"),
        ("operator", "role", "bob", "--add", "prosecutor"),
        ("operator", "role", "alice", "--remove", "supervisor"),
        ("operator", "rotate", "alice"),
        ("operator", "revoke", "alice", "--reason", "mine now"),
    ):
        done = line("--operator", "bob", *given)
        assert done.code == 4, done.err
        assert "bob may not make anybody" in done.err
        assert line.entries("denied")[-1]["refused"] == ".".join(given[:2])
    assert line("operator", "role", "bob", "--add", "hacker").code == 2
    line.intact()


def test_a_rotated_key_ends_and_what_it_signed_stays_signed(line: Line, tmp_path: Path) -> None:
    line.must("operator", "add", "bob")
    line.must("case", "role", "bob", "--case", line.case, "--add", "lead")
    file = line.vault / "keys" / "operators" / "bob.key"
    old = tmp_path / "old.key"
    old.write_bytes(file.read_bytes())
    old.chmod(0o600)
    line.must("case", "show", line.case, "--operator", "bob")
    vkey = line.must("operator", "rotate", "bob", "--operator", "bob", "--json").row["vkey"]
    rows = [r for r in line.must("operator", "list", "--json").rows if r["operator"] == "bob"]
    (rotated,) = line.entries("operator.rotate")
    assert [r["ended"] for r in rows] == [rotated["entry"], None]
    assert rows[1]["vkey"] == vkey
    done = line("case", "close", line.case, "--operator", "bob", "--key", old)
    assert done.code == 4
    assert f"was ended by entry {rotated['entry']}" in done.err
    line.must("case", "close", line.case, "--operator", "bob")
    assert line.entries("case.close")[0]["actor"]["key"] == vkey.split("+")[1]
    line.intact()
    (tmp_path / "letter").write_text("x")
    line.case = line.open_case()
    line.must("operator", "rotate", "alice")
    assert line.collect(tmp_path / "letter").code == 0
    line.must("bundle", "--case", line.case, "--to", tmp_path / "bundle")
    checked = subprocess.run(
        ["bash", "verify.sh"], cwd=tmp_path / "bundle", check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
    assert "are signed by their actors' own keys" in checked.stdout


def test_a_rotation_that_was_stopped_after_its_entry_goes_on(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.must("operator", "add", "bob")
    line.must("case", "role", "bob", "--case", line.case, "--add", "lead")

    def dies(_keyring: Keyring, _name: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Keyring, "take_next", dies)
        assert line("operator", "rotate", "bob", "--operator", "bob").code == 130
    line.must("case", "close", line.case, "--operator", "bob")
    assert line.entries("case.close")[0]["signed"]
    line.intact()


def test_a_revoked_key_and_its_roles_end(line: Line, tmp_path: Path) -> None:
    line.must("operator", "add", "bob", "--role", "supervisor")
    line.must("case", "role", "bob", "--case", line.case, "--add", "lead")
    line.must("operator", "revoke", "bob", "--reason", "laptop stolen")
    (row,) = [r for r in line.must("operator", "list", "--json").rows if r["operator"] == "bob"]
    assert row["ended"] == line.entries("operator.revoke")[0]["entry"]
    done = line("--operator", "bob", *OPENING)
    assert "actor unsigned" in done.err, "without a key, and so it reads"
    assert line("case", "close", line.case, "--operator", "bob").code == 4
    line.must("operator", "add", "bob")
    (_, again) = [r for r in line.must("operator", "list", "--json").rows if r["operator"] == "bob"]
    assert again["roles"] == ["investigator"]
    team = line.must("case", "team", line.case, "--json").rows
    assert [row["operator"] for row in team] == ["alice"]
    line.intact()


@pytest.mark.attack("Acts with a person's stolen key that was revoked", "`verify`")
def test_a_signature_by_an_ended_key_is_named(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stole the key, and has the log's too, can still write; verification tells."""
    line.must("operator", "add", "bob")
    line.must("case", "role", "bob", "--case", line.case, "--add", "lead")
    kept = (line.vault / "keys" / "operators" / "bob.key").read_bytes()
    line.must("operator", "revoke", "bob", "--reason", "stolen")
    file = line.vault / "keys" / "operators" / "bob.key"
    file.write_bytes(kept)
    file.chmod(0o600)
    monkeypatch.setattr(custody.Custody, "_check_key", lambda *_: None)
    monkeypatch.setattr(access, "check", lambda *_: None)
    line.must("case", "close", line.case, "--operator", "bob")
    problems = line("verify", "--json", "--jobs", 1).row["problems"]
    assert len(problems) == 1
    assert "had ended" in problems[0]
