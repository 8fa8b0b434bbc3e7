"""The command line as tests call it: in this process, with a vault of the test's own."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.acts import vaults
from holdfast.acts.act import Session
from holdfast.acts.cases import OpenCase, open_case
from holdfast.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["copied", "home", "line", "made_plain", "made_sealed", "prepared", "sealed"]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Standard output as JSON, an object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def row(self) -> dict[str, Any]:
        """Standard output as the one JSON object it is."""
        (row,) = self.rows
        return row


def apart(given: list[str]) -> Done:
    """Run a command line in this process; what it prints goes nowhere else."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in "12")
    with redirect_stdout(out), redirect_stderr(err):
        code = run(given)
    return Done(code, *(one.buffer.getvalue().decode() for one in (out, err)))


@dataclass
class Line:
    """Commands in one vault, as one operator, in one case."""

    vault: Path
    case: str
    capture: pytest.CaptureFixture[str] | None = None
    """None in what several tests share, where no test's own capture can be asked for."""
    operator: str = "alice"

    def __call__(self, *arguments: object) -> Done:
        """Run a command, whatever comes of it."""
        if self.capture is None:
            return apart(self.given(*arguments))
        self.capture.readouterr()
        code = run(self.given(*arguments))
        told = self.capture.readouterr()
        return Done(code, told.out, told.err)

    def must(self, *arguments: object) -> Done:
        """Run a command that must succeed."""
        done = self(*arguments)
        assert done.code == 0, f"{arguments}: exit {done.code}: {done.err}"
        return done

    def given(self, *arguments: object) -> list[str]:
        """Return the whole command line."""
        return ["--vault", str(self.vault), "--operator", self.operator, *map(str, arguments)]

    def program(self, *arguments: object) -> list[str]:
        """Return the command line for a process of its own."""
        return [sys.executable, "-m", "holdfast.cli.main", *self.given(*arguments)]

    def collect(self, *paths: object, case: str = "") -> Done:
        """Collect files, one JSON object each."""
        return self("collect", "files", "--case", case or self.case, "--json", "--", *paths)

    def items(self) -> list[dict[str, Any]]:
        """Return what the case holds."""
        return self.must("items", "--case", self.case, "--json").rows

    def entries(self, act: str = "") -> list[dict[str, Any]]:
        """Return the log's entries, all or those of one act."""
        rows = self.must("custody", "--json").rows
        return [row for row in rows if not act or row["act"] == act]

    def intact(self) -> dict[str, Any]:
        """Verify; return the report, which must be good and complete."""
        report = self.must("verify", "--json", "--jobs", 1).row
        assert report["problems"] == []
        assert report["incomplete"] == []
        return report

    def open_case(self, *options: object, until: str = "2999-12-31") -> str:
        """Open another case; return its number."""
        required = ("--title", "T", "--basis", "B", "--authority", "A", "--until", until)
        return str(self.must("case", "open", *required, *options, "--json").row["case"])


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An account of the test's own, with none of the developer's settings."""
    place = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("HOLDFAST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("XDG_STATE_HOME", str(place / "state"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path("src").absolute()), "."]))
    return place


@pytest.fixture(scope="session")
def made_plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A plain vault with one open case, to be copied; and the case's number."""
    return _make(tmp_path_factory.mktemp("plain") / "vault", sealed=False)


@pytest.fixture(scope="session")
def made_sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A sealed vault with one open case, to be copied; and the case's number."""
    return _make(tmp_path_factory.mktemp("sealed") / "vault", sealed=True)


def _make(root: Path, *, sealed: bool) -> tuple[Path, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(root.parent / "state"))
        session = vaults.init(vaults.NewVault(root, "alice", sealed=sealed))
        assert isinstance(session, Session)
        opened = open_case(session, OpenCase("Test", "s. 8", "Court", "2999-12-31"))
        session.vault.engine.dispose()
    return root, opened.id


@pytest.fixture
def line(
    made_plain: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Line]:
    """Commands in a plain vault of the test's own."""
    yield copied(made_plain, tmp_path, capsys)


@pytest.fixture
def sealed(
    made_sealed: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Line]:
    """Commands in a sealed vault of the test's own."""
    yield copied(made_sealed, tmp_path, capsys)


def copied(
    made: tuple[Path, str], tmp_path: Path, capture: pytest.CaptureFixture[str] | None = None
) -> Line:
    """Copy a vault that was made for many tests; return commands in the copy."""
    root, case = made
    shutil.copytree(root, tmp_path / "vault")
    return Line(tmp_path / "vault", case, capture)


def prepared(
    made: tuple[Path, str], folders: pytest.TempPathFactory, work: Callable[[Line, Path], None]
) -> tuple[Path, str]:
    """Do the work that several tests begin with once, in a copy of `made`; give it to be copied.

    `work` is given commands, and a folder for what it collects; the vault lies in it too.
    """
    folder = folders.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        line = copied(made, folder)
        work(line, folder)
    return line.vault, line.case
