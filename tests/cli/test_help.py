"""Every command explains itself: "`--help` with an example each"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
import pytest

from holdfast.cli.main import COMMANDS, holdfast, run

if TYPE_CHECKING:
    from collections.abc import Iterator


def commands(
    group: click.Group = holdfast, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command that does something, with its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = dict(commands())


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_exits_0_with_an_example_of_this_very_command(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--help"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert f"Example:\n    holdfast {' '.join(words)}" in told.out
    assert max(map(len, told.out.splitlines())) <= 100


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_option_of_an_example_is_one_of_the_command(words: tuple[str, ...]) -> None:
    _, _, example = (ALL[words].help or "").partition("Example:")
    line = re.sub(r'"[^"]*"', "", example.split("\n\n", 1)[0].split(">")[0].split("&&")[0])
    given = set(re.findall(r"(?<!\S)--[a-z-]+", line.split("cd ")[0]))
    known = {option for p in [*ALL[words].params, *holdfast.params] for option in p.opts}
    assert given <= known


def test_the_list_of_commands_names_each_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    told = capsys.readouterr().out
    for name in COMMANDS:
        assert len(re.findall(rf"^  {name} ", told, re.MULTILINE)) == 1


def test_every_command_takes_vault_and_operator() -> None:
    # "`--vault DIR` or `HOLDFAST_VAULT`, `--operator` or `HOLDFAST_OPERATOR` for every command"
    without = {
        " ".join(words)
        for words, command in ALL.items()
        if not {"--vault", "--operator"} <= {o for p in command.params for o in p.opts}
    }
    # What is shipped, what others made, and what watches others' logs needs no vault.
    assert without <= {
        "check",
        "cluster join",
        "cluster start",
        "monitor",
        "report rebuild",
        "verify-script",
        "witness add-log",
        "witness init",
        "witness drop-log",
        "witness serve",
        "witness show",
    }


def test_no_command_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) in {0, 2}
    told = capsys.readouterr()
    assert "Usage: holdfast" in told.out + told.err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert re.fullmatch(r"holdfast, version \S+\n", capsys.readouterr().out)
