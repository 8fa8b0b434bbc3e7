"""Two real accounts of the operating system, each with a key that only it can read."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.warm import Forked

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
GROUP = 54321
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other accounts")


@dataclass(frozen=True)
class Account:
    """An account with a home of its own, and a shared vault."""

    uid: int
    name: str
    home: Path
    vault: Path
    programs: Path

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        key = self.home / "my.key"
        given = ["--vault", str(self.vault), "--operator", self.name]
        given += [*(("--key", str(key)) if key.exists() else ()), *map(str, arguments)]
        with tempfile.TemporaryFile() as errors:
            done = Forked(
                self.programs, given, errors, folder=self.home, account=(self.uid, GROUP),
                environment={
                    "HOME": str(self.home), "PYTHONPATH": str(ROOT / "src"), "LOGNAME": "anybody",
                },
            )  # fmt: skip
            with done.stdout:
                told = done.stdout.read()
            code = done.wait()
            errors.seek(0)
            return subprocess.CompletedProcess(given, code, told, errors.read().decode())

    def must(self, *arguments: object) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.returncode}: {done.stderr}"
        return done.stdout

    def row(self, *arguments: object) -> dict[str, Any]:
        row: dict[str, Any] = json.loads(self.must(*arguments, "--json"))
        return row


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def account(place: Path, uid: int, name: str, programs: Path) -> Account:
    home = place / name
    home.mkdir(mode=0o700)
    os.chown(home, uid, GROUP)
    return Account(uid, name, home, place / "shared" / "vault", programs)


def test_two_accounts_erase_together_and_neither_alone(place: Path, waiting: Path) -> None:
    shared = place / "shared"
    shared.mkdir()
    os.chown(shared, 0, GROUP)
    shared.chmod(0o2770)
    # Making a vault reads files of the programs, so alice has an account that can.
    alice, bob = account(place, 0, "alice", waiting), account(place, 40002, "bob", waiting)
    alice.must("init")
    case = alice.row(
        *("case", "open", "--title", "T", "--basis", "B", "--authority", "A"),
        *("--until", "2999-12-31"),
    )["case"]
    (alice.home / "letter").write_text("xMARKERx")
    os.chown(alice.home / "letter", alice.uid, GROUP)
    alice.must("collect", "files", "--case", case, alice.home / "letter")
    # What docs/how-to/keys.md says: the group works in the vault, and nobody signs as another.
    subprocess.run(
        ["chmod", "g+rX", alice.vault / "keys", alice.vault / "keys" / "cases"], check=True
    )
    for shared_key in [
        *(alice.vault / "keys").glob("*.*"),
        *(alice.vault / "keys/cases").iterdir(),
    ]:
        shared_key.chmod(0o640)
    (alice.vault / "holdfast.db").chmod(0o660)
    key = bob.home / "my.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    os.chown(key, bob.uid, GROUP)
    key.chmod(0o600)
    vkey = bob.must("operator", "vkey").strip()
    alice.must("operator", "add", "bob", "--role", "supervisor", "--public", vkey)
    request = alice.row("erase", "request", "--case", case, "--order", "Court", "AL/1")["request"]
    # Bob's own key copied to alice's account: it is the account that is wrong then.
    stolen = alice.home / "stolen.key"
    stolen.write_bytes(key.read_bytes())
    os.chown(stolen, alice.uid, GROUP)
    stolen.chmod(0o600)
    done = alice.run("--operator", "bob", "--key", stolen, "erase", "approve", request)
    assert done.returncode == 4, done.stderr
    assert "another account of the operating system" in done.stderr
    assert bob.row("erase", "approve", request) == {"done": True, "missing": 0, "request": request}
    assert not [
        path
        for path in alice.vault.rglob("*")
        if path.is_file() and b"xMARKERx" in path.read_bytes()
    ]
    report = json.loads(alice.must("verify", "--json", "--jobs", "1"))
    assert (report["problems"], report["incomplete"]) == ([], [])
    rows = [json.loads(line) for line in alice.must("custody", "--json").splitlines()]
    logins = {row["act"]: row["context"]["login"] for row in rows}
    assert (logins["erase.request"], logins["erase"]) == ("root", "uid 40002")
