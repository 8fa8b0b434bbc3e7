"""Time authorities for tests of the command line."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from holdfast.testing.authority import POLICY, Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.line import Line

__all__ = ["Timed", "timed"]


class Timed:
    """A vault, and two authorities at work that its log is stamped by: `a` and `b`."""

    def __init__(self, line: Line, folder: Path, stack: ExitStack) -> None:
        self.line = line
        self.folder = folder
        self.a, self.b = (
            stack.enter_context(Authority.made(folder / name, name=name).serving())
            for name in ("a", "b")
        )

    @property
    def stamps(self) -> Path:
        """Where the stamps lie."""
        return self.line.vault / "vault" / "log" / "stamps"

    def set(self, *names: str) -> None:
        """Set the authorities of these names."""
        text = ""
        for name in names:
            one: Authority = getattr(self, name)
            text += (
                f'[[authority]]\nname = "{name}"\nurl = "{one.url}"\n'
                f'roots = ["{name}/root.pem"]\npolicy = "{POLICY}"\n'
            )
        (self.folder / "authorities.toml").write_text(text)
        self.line.must("log", "authorities", self.folder / "authorities.toml")

    def stamp(self) -> int:
        """Stamp, which must succeed; return the size that was stamped."""
        (row, *_) = self.line.must("log", "stamp", "--json").rows
        return int(row["size"])

    def work(self) -> None:
        """Do something that is worth a stamp."""
        self.line.open_case()

    def file(self, size: int, name: str) -> Path:
        """Return where a file of one size lies."""
        return self.stamps / f"{size:016d}" / name


@pytest.fixture
def timed(line: Line, tmp_path: Path) -> Iterator[Timed]:
    """A vault that is stamped by `a` and `b`."""
    (tmp_path / "tsa").mkdir()
    with ExitStack() as stack:
        made = Timed(line, tmp_path / "tsa", stack)
        made.set("a", "b")
        yield made
