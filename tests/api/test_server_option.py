"""Issue "workbench": "A Python client in the package, used by the CLI's `--server`"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.cli.main import run
from tests.serving import CASE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.serving import Served

COMMANDS = (
    ("case", "show", CASE),
    ("case", "list"),
    ("case", "team", CASE),
    ("items", "--case", CASE),
    ("timeline", "--case", CASE, "--kind", "web.access", "--limit", "20"),
    ("timeline", "--case", CASE, "--counts", "hour"),
    ("search", "--case", CASE, "bank"),
    ("indicators", "--case", CASE, "--kind", "domain", "--valid"),
    ("ledger", "--case", CASE),
    ("custody", "--case", CASE, "LE/1"),
    ("matches", "--case", CASE),
    ("hits", "--case", CASE),
    ("marks", "--case", CASE),
    ("links", "--case", CASE),
    ("campaigns", "--case", CASE),
    ("disagreements", "--case", CASE),
    ("searches", "--case", CASE),
)
TEXT = {"case", "items", "timeline", "search", "indicators", "custody", "searches"}
"""Commands that a server answers for people too, without --json."""


@pytest.fixture
def both(
    served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[str, str]]:
    """Run a command here and through the server; return what each printed."""
    secret = served.program("lena").headers["authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("HOLDFAST_TOKEN", secret)

    def ask(*words: str) -> tuple[str, str]:
        capsys.readouterr()
        assert run(["--server", served.url, *words]) == 0
        away = capsys.readouterr().out
        assert run(["--vault", str(served.vault), "--operator", "lena", *words]) == 0
        return capsys.readouterr().out, away

    return ask


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_server_prints_what_the_vault_does(
    both: Callable[..., tuple[str, str]], words: tuple[str, ...]
) -> None:
    here, away = both(*words, "--json")
    assert away == here
    if words[0] in TEXT:
        here, away = both(*words)
        assert away == here


def test_files_are_sent_and_collected(
    served: Served,
    office: Path,
    both: Callable[..., tuple[str, str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = office.parent / "evidence" / "more"
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text("a file that is sent")
    (folder / "empty").touch()
    (folder / "link").symlink_to("a.txt")
    command = ("collect", "files", "--case", CASE, str(folder), "--json")
    assert run(["--server", served.url, *command]) == 0
    sent = capsys.readouterr().out
    assert run(["--vault", str(served.vault), "--operator", "lena", *command]) == 0
    assert capsys.readouterr().out == sent.replace('"new"', '"held"')
    assert sent.count('"new"') == 2


def test_what_goes_wrong_ends_as_it_does_here(
    served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        return run(["--server", served.url, *words]), capsys.readouterr().err

    assert told("items", "--case", CASE)[0] == 3
    monkeypatch.setenv("HOLDFAST_TOKEN", "nothing")
    assert told("items", "--case", CASE)[0] == 4
    secret = served.program("sam").headers["authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("HOLDFAST_TOKEN", secret)
    code, err = told("collect", "files", "--case", CASE, "/etc/hostname")
    assert (code, "needs one of" in err) == (4, True)
    assert told("timeline", "--case", CASE, "--from", "never")[0] == 3
    assert told("clock", "list", "--case", CASE)[0] == 3
    assert told("verify")[0] == 2
    assert run(["--server", "http://127.0.0.1:9", "items", "--case", CASE]) == 6
