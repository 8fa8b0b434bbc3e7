"""Vaults to test on: small, with two cases and a few exhibits, and a memory of their own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from holdfast.acts import cases, collecting, people, vaults
from holdfast.acts.act import Session
from holdfast.vault import settings
from holdfast.vault.eras import OneKey
from holdfast.vault.log import Log
from holdfast.vault.note import Signer
from holdfast.vault.vault import Vault
from tests.vault.keys import fixed_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for what this account has seen, so that tests remember nothing of each other."""
    home = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    for name in ("HOLDFAST_DATABASE", "HOLDFAST_KEYS", "HOLDFAST_VAULT", "HOLDFAST_OPERATOR"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """An empty log."""
    signer = Signer("log.example/1", fixed_key(1))
    made = Log(tmp_path / "vault", OneKey(signer.verifier, signer))
    made.create()
    return made


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        fill(folder / "vault", folder / "evidence")
        yield folder / "vault"


@pytest.fixture
def vault(_template: Path, tmp_path: Path) -> Iterator[Vault]:
    """A vault of two cases and eight exhibits; some acts are signed by Alice, none by Bob."""
    shutil.copytree(_template, tmp_path / "unit")
    found = Vault.open(tmp_path / "unit")
    yield found
    found.engine.dispose()


def fill(root: Path, evidence: Path, database: str = "") -> None:
    """Make a vault and work in it like two operators, of whom one has no key."""
    evidence.mkdir()
    for n in range(6):
        (evidence / f"note {n}.txt").write_text(f"observation {n}\n" * (n + 1))
    (evidence / "empty").touch()
    alice = vaults.init(
        vaults.NewVault(root, "Alice", origin="unit7.example/log", database=database)
    )
    bob = Session(alice.vault, "bob")
    for session, title, lead in ((alice, "The fake bank", "Alice"), (bob, "Ärger", "bob")):
        request = cases.OpenCase(
            title, "CPA s. 8", "Court of X", "2999-12-31", scope=(str(evidence),), lead=lead
        )
        case = cases.open_case(session, request).id
        paths = [evidence] if session is alice else [evidence / "note 1.txt"]
        wish = collecting.CollectFiles(case, tuple(map(str, paths)))
        list(collecting.collect_files(session, wish))
    cases.close_case(bob, cases.CloseCase("2" + case[1:], "concluded"))
    for number in ("first", "second"):
        alice.custody.enter(settings.change("witnesses", f"# The {number}.\nquorum none\n"))
    people.add_operator(alice, people.NewOperator("carol"))
    alice.vault.engine.dispose()
