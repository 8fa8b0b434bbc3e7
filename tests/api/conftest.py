"""A served vault with the interface for programs, for each worker's whole run."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.serving import Served


@pytest.fixture(scope="session", autouse=True)
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An account of these tests' own."""
    with serving.account(tmp_path_factory.mktemp("home")):
        yield


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small vault whose case, with people in every role, holds what was examined."""
    place = tmp_path_factory.mktemp("office")
    (place / "evidence").mkdir()
    lines = (f'198.51.100.7 - - [05/Mar/2026:10:{at // 60:02}:{at % 60:02} +0000] "GET /{at} '
             'HTTP/1.1" 200 5 "-" "-"\n' for at in range(400))  # fmt: skip
    (place / "evidence" / "access.log").write_text("".join(lines))
    (place / "evidence" / "note.txt").write_text("Pay at https://bank.example/, a@b.example")
    return serving.office(place / "vault", place / "evidence")


@pytest.fixture(scope="session")
def served(office: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """That vault, served; tests add to it and never take away."""
    vault = tmp_path_factory.mktemp("api") / "vault"
    shutil.copytree(office, vault)
    with serving.served(vault) as one:
        yield one
