"""Bundles made once a run, copied by each test that spoils one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.exchange.making import Made, copied_case, hand_over

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """A bundle of a case with eight exhibits, records, and a second case beside it."""
    base = tmp_path_factory.mktemp("bundle")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(base / "state"))
        yield hand_over(copied_case(base), base / "handover")


@pytest.fixture
def bundle(made: Made, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may spoil."""
    return shutil.copytree(made.folder, tmp_path / "handover")


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an account has seen of a log stays in the test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
