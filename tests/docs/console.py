"""Run the ```console examples of a document, in order, as a reader would type them.

A line that starts with `$ ` is a command; lines that start with `> ` after it go on with it.
What follows, up to the next command, is what the reader will see, standard error included:

- `...` alone on a line stands for any lines, none included; inside a line, for any characters;
- a SHA-256 stands for any SHA-256, since keys and times differ from vault to vault;
- `[exit N]` as the last line says that the command fails, and with which code;
- nothing at all says that the command prints nothing.

One document is one shell in one new folder: `cd`, `export` and `X=Y` last to its end.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 120
"""Seconds that one command may take."""

_FENCE = re.compile(r"(?P<indent> {0,12})(?P<fence>`{3,}|~{3,})\s*(?P<language>[\w+-]*)[^`]*")
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its lines, and the number of the first of them."""

    language: str
    line: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Example:
    """A command and what the document says it prints."""

    line: int
    command: str
    expected: tuple[str, ...]
    exit_code: int = 0


class WrongDocumentError(AssertionError):
    """What a document shows is not what happens."""


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a Markdown text.

    Raises:
        WrongDocumentError: a fence that is never closed.
    """
    found: list[Block] = []
    opened: tuple[int, str, int, str] | None = None
    inside: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if opened is None:
            if fence := _FENCE.fullmatch(line):
                opened = number, fence["fence"], len(fence["indent"]), fence["language"]
                inside = []
        elif line.strip().startswith(opened[1]) and not line.strip().strip(opened[1][0]):
            found.append(Block(opened[3], opened[0] + 1, tuple(inside)))
            opened = None
        else:
            inside.append(line[opened[2] :] if line[: opened[2]].isspace() else line)
    if opened is not None:
        raise WrongDocumentError(f"line {opened[0]}: a block is opened and never closed")
    return found


def examples(text: str) -> list[Example]:
    """Return the commands of every ```console block of a Markdown text."""
    found: list[Example] = []
    for block in blocks(text):
        if block.language != "console":
            continue
        if not block.lines or not block.lines[0].startswith("$ "):
            raise WrongDocumentError(f"line {block.line}: a console block starts with '$ '")
        found += _commands(block)
    return found


def _commands(block: Block) -> list[Example]:
    starts = [at for at, line in enumerate(block.lines) if line.startswith("$ ")]
    found = []
    for at, following in zip(starts, [*starts[1:], len(block.lines)], strict=True):
        body = block.lines[at + 1 : following]
        more = next((n for n, line in enumerate(body) if not line.startswith("> ")), len(body))
        command = "\n".join([block.lines[at][2:], *(line[2:] for line in body[:more])])
        expected = list(body[more:])
        while expected and not expected[-1].strip():
            expected.pop()
        exit_code = 0
        if expected and (said := re.fullmatch(r"\[exit (\d+)\]", expected[-1])):
            exit_code = int(said[1])
            expected.pop()
        found.append(Example(block.line + at, command, tuple(expected), exit_code))
    return found


def run(document: str, folder: Path, programs: Path | None = None) -> int:
    """Run every example of `document` in `folder`; return how many there were.

    `programs` goes before everything else on PATH.

    Raises:
        WrongDocumentError: the first one that prints or returns something else than it says.
    """
    state = folder.parent / f"{folder.name}.state"
    state.write_text(f"cd {folder}\n", encoding="utf-8")
    todo = examples(document)
    for example in todo:
        finished = subprocess.run(
            ["bash", "-c", _in_kept_state(example.command), "bash", state],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(folder, programs),
            timeout=PATIENCE,
            check=False,
        )
        _compare(example, finished.stdout.decode("utf-8", "backslashreplace"), finished.returncode)
    return len(todo)


def _in_kept_state(command: str) -> str:
    keep = '{ export -p; printf \'cd %q\\n\' "$PWD"; } >"$__state"'
    return f'__state=$1; . "$1"; set -a; trap {_quoted(keep)} EXIT\n{command}\n'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def environment(folder: Path, programs: Path | None = None) -> dict[str, str]:
    """Return a newcomer's environment: nothing of ours set, `holdfast` and `python` on PATH."""
    places = [programs, Path(sys.executable).parent, os.environ.get("PATH", "/usr/bin:/bin")]
    return {
        "PATH": os.pathsep.join(str(place) for place in places if place),
        "HOME": str(folder),
        "TMPDIR": str(folder.parent),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "COLUMNS": "100",
        "TERM": "dumb",
    }


def _compare(example: Example, output: str, exit_code: int) -> None:
    seen = output.rstrip("\n").split("\n") if output.strip() else []
    if exit_code == example.exit_code and _agrees("\n".join(example.expected), "\n".join(seen)):
        return
    told = [*example.expected, *([f"[exit {example.exit_code}]"] if example.exit_code else [])]
    got = [*seen, *([f"[exit {exit_code}]"] if exit_code else [])]
    raise WrongDocumentError(
        "\n".join(
            [
                f"line {example.line}: $ {example.command}",
                "the document says:",
                *(f"    {line}" for line in told),
                "it printed:",
                *(f"    {line}" for line in got),
            ]
        )
    )


def _agrees(expected: str, output: str) -> bool:
    wanted, got = (_DIGEST.sub("<sha256>", text) for text in (expected, output))
    pattern = ""
    for line in wanted.split("\n") if wanted else []:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*"
        else:
            pattern += r"[^\n]*".join(re.escape(p.rstrip("\n")) for p in line.split("..."))
            pattern += r"[ \t]*\n"
    return re.fullmatch(pattern, f"{got}\n" if got else "") is not None
