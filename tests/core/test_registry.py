"""A new member of a folder is found because it is there."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import pytest

from holdfast.core import registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    package = tmp_path / "shelf"
    package.mkdir()
    for name in ("__init__", "pear", "apple", "_shared"):
        (package / f"{name}.py").write_text(f"NAME = {name!r}\n")
    (package / "notes.txt").write_text("not a module")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.modules.cache_clear()
    yield "shelf"
    registry.modules.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "shelf"]:
        del sys.modules[name]


def test_finds_every_module_but_the_shared_parts(folder: str) -> None:
    assert [one.NAME for one in registry.modules(folder)] == ["apple", "pear"]


def test_adds_what_an_installed_distribution_registers(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [EntryPoint("zeta", "json", "g"), EntryPoint("alpha", "string", "g")]
    asked: list[str] = []

    def entry_points(*, group: str) -> list[EntryPoint]:
        asked.append(group)
        return points

    monkeypatch.setattr(registry, "entry_points", entry_points)
    names = [one.__name__ for one in registry.modules(folder, "holdfast.fruit")]
    assert names == ["shelf.apple", "shelf.pear", "string", "json"]
    assert asked == ["holdfast.fruit"]
