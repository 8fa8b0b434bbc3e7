"""The runner of the documents' examples: a document that is wrong has to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.console import WrongDocumentError, blocks, examples, run

if TYPE_CHECKING:
    from pathlib import Path


def document(*lines: str) -> str:
    return "\n".join(["Some words.", "", "```console", *lines, "```", ""])


RIGHT = {
    "what is shown is what is printed": document("$ echo one; echo two", "one", "two"),
    "silence": document("$ true"),
    "any lines": document("$ seq 1 9", "1", "...", "9"),
    "no lines either": document("$ true", "..."),
    "any characters": document("$ echo case 2026-01-31", "case ...-..."),
    "standard error too": document("$ echo oh >&2", "oh"),
    "another digest": document(f"$ echo {'a' * 64} x", f"{'b' * 64} x"),
    "a failure that is shown": document("$ echo no; exit 4", "no", "[exit 4]"),
    "a command over two lines": document("$ echo one \\", ">   two", "one two"),
    "a variable lasts": document("$ export A=1", "$ B=2", "$ echo $A$B", "12"),
    "a folder lasts": document("$ mkdir d", "$ cd d", "$ basename $PWD", "d"),
    "a failure keeps the state": document("$ A=1; false", "[exit 1]", "$ echo $A", "1"),
    "brackets are only brackets": document("$ echo '[a].*'", "[a].*"),
    "inside a list": "- so:\n\n  ```console\n  $ echo 1\n  1\n  ```\n",
    "another language is not run": "```sh\nfalse\n```\n",
}

WRONG = {
    "another output": document("$ echo one", "two"),
    "output that is not shown": document("$ echo one"),
    "a line too many": document("$ echo one", "one", "two"),
    "a line too few": document("$ echo one; echo two", "one"),
    "a wildcard is no wildcard for the rest": document("$ echo a b", "... c"),
    "a wildcard stays on its line": document("$ echo a; echo b", "a...b"),
    "a failure that is hidden": document("$ echo one; false", "one"),
    "a success shown as a failure": document("$ true", "[exit 1]"),
    "another failure": document("$ exit 3", "[exit 4]"),
    "a missing command": document("$ no-such-command-here", "..."),
    "a digest is no word": document("$ echo word", "a" * 64),
    "no command in the block": document("echo one"),
    "a block never closed": "```console\n$ true\n",
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_a_right_document_passes(text: str, tmp_path: Path) -> None:
    run(text, tmp_path)


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_wrong_document_fails(text: str, tmp_path: Path) -> None:
    with pytest.raises(WrongDocumentError):
        run(text, tmp_path)


def test_says_where_and_what(tmp_path: Path) -> None:
    with pytest.raises(WrongDocumentError, match=r"line 5: \$ echo two\n(.|\n)*    too") as told:
        run(document("$ true", "$ echo two", "too"), tmp_path)
    assert str(told.value).endswith("it printed:\n    two")


def test_nothing_of_the_developer_reaches_an_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_OPERATOR", "somebody")
    run(document('$ echo "<$HOLDFAST_OPERATOR>"', "<>"), tmp_path)


def test_commands_come_from_the_running_environment(tmp_path: Path) -> None:
    run(document("$ python -c 'import holdfast'"), tmp_path)


def test_finds_blocks_and_their_lines() -> None:
    text = "```sh\na\n```\n\n~~~ text\n```\n~~~\n" + document("$ b", "c")
    assert [(block.language, block.line) for block in blocks(text)] == [
        ("sh", 2),
        ("text", 6),
        ("console", 11),
    ]
    assert [(e.line, e.command, e.expected) for e in examples(text)] == [(11, "b", ("c",))]
