"""What the engine's tests share: items from bytes, and an engine with toy modules only."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.examine.limits import Limits
from holdfast.examine.run import Event, Input, Summary, examine
from tests.line import home, line, made_plain

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["home", "line", "made_plain"]

TOYS = Path(__file__).parent / "toys"
PLUGINS = ("toy_box", "toy_escape", "toy_lines", "toy_words")
QUICK = Limits(seconds=2, cpu_seconds=4, memory=1 << 30, output=64 << 20)


class Bench:
    """A folder of evidence and a folder of derived data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.evidence = folder / "evidence"
        self.evidence.mkdir()
        self.derived = folder / "derived"
        self.index = folder / "index"
        self.events: list[Event] = []

    def item(self, data: bytes, name: str = "file") -> Input:
        digest = hashlib.sha256(data).hexdigest()
        path = self.evidence / digest
        if not path.exists():
            path.write_bytes(data)
        return Input(digest, name, lambda: os.open(path, os.O_RDONLY))

    def examine(
        self,
        *inputs: Input,
        jobs: int = 1,
        limits: Limits = QUICK,
        only: tuple[str, ...] = ("toy_escape", "toy_lines", "toy_words"),
        derived: Path | None = None,
    ) -> Summary:
        return examine(
            inputs, derived or self.derived, jobs=jobs, limits=limits,
            on_event=self.events.append, only=only, plugins=PLUGINS,
        )  # fmt: skip


def box(members: Iterable[tuple[str, bytes]], tail: bytes = b"") -> bytes:
    parts = [b"BOX1\n"]
    for name, data in members:
        parts.append(f"{name} {len(data)}\n".encode() + data)
    return b"".join(parts) + tail


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(TOYS)])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
