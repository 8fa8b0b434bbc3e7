"""Write the reference pages that follow from the code: commands, and what is examined.

    python -m holdfast.testing.reference DIR

A test holds the pages in docs/reference/ against what this writes, so they can't go stale.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cases import access
from holdfast.cli.main import SECTIONS, holdfast
from holdfast.core import errors
from holdfast.examine import interfaces
from holdfast.examine.crosscheck import CrossCheck
from holdfast.examine.record import Failure, Indicator, Record
from holdfast.testing import api_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.interfaces import Finder, Opener, Parser, RecordFinder

COMMON = [field.name for field in dataclasses.fields(Record)]


def commands() -> str:
    """Return the page of all commands: what `--help` says, in the order of the work."""
    lines = [
        "# Commands",
        "",
        "Written by `python -m holdfast.testing.reference docs/reference` from the code.",
        "",
        "## Exit codes",
        "",
        "| code | whose fault | meaning |",
        "|---|---|---|",
        "| 0 | | done |",
        "| 2 | usage | the command line was not understood |",
    ]
    kinds = sorted(errors.HoldfastError.__subclasses__(), key=lambda kind: kind.exit_code)
    for kind in kinds:
        meaning = " ".join((kind.__doc__ or "").split())
        lines.append(f"| {kind.exit_code} | {kind.fault} | {meaning} |")
    lines.append("| 10 | | done, and what is watched changed (only where an option asks for it) |")
    lines += ["| 70 | holdfast | a fault in Holdfast itself |", "| 130 | | interrupted |", ""]
    with click.Context(holdfast, info_name="holdfast", **holdfast.context_settings) as top:
        for title, names in SECTIONS.items():
            lines += [f"## {title}", ""]
            for name in names:
                command = holdfast.get_command(top, name)
                if command is not None:
                    lines += _command(command, top, name)
    return "\n".join(lines)


def _command(command: click.Command, parent: click.Context, name: str) -> Iterator[str]:
    # A fixed width: the page must not depend on the terminal it was written in.
    with click.Context(command, parent=parent, info_name=name, terminal_width=88) as context:
        if isinstance(command, click.Group):
            for sub in command.list_commands(context):
                child = command.get_command(context, sub)
                if child is not None:
                    yield from _command(child, context, sub)
            return
        yield from (f"### {context.command_path}", "", "```text", command.get_help(context), "```")
        yield ""


def rights() -> str:
    """Return the page of which role in a case allows which act."""
    lines = [
        "# Who may do what in a case",
        "",
        "Written by `python -m holdfast.testing.reference docs/reference` from the code. One of",
        "the roles is enough. Every refusal is an entry of the custody log.",
        "",
        f"| act | {' | '.join(access.ROLES)} |",
        "|---" * (len(access.ROLES) + 1) + "|",
    ]
    for act, enough in sorted(access.ALLOWED.items()):
        cells = ("yes" if role in enough else "" for role in access.ROLES)
        lines.append(f"| `{act}` | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def coverage() -> str:
    """Return the page of what is examined: openers, parsers with their records, finders."""
    lines = [
        "# What is examined",
        "",
        "Written by `python -m holdfast.testing.reference docs/reference` from the modules",
        "themselves. A file that none of them takes is `unsupported` in the ledger, never silent.",
        "",
        f"Every record has these columns first: {', '.join(f'`{name}`' for name in COMMON)}.",
        "",
        "## Parsers",
        "",
        "| parser | version | record | its own columns |",
        "|---|---|---|---|",
    ]
    for parser in interfaces.parsers():
        lines += _parser(parser)
    lines += ["", "Any parser may also yield:", "", "| record | its own columns |", "|---|---|"]
    for kind in (Failure, Indicator):
        lines.append(f"| `{kind.KIND}` | {_columns(kind)} |")
    lines += ["", "## Containers", "", "| opener | version | unfolds |", "|---|---|---|"]
    lines += [_plain(one) for one in interfaces.openers()]
    lines += ["", "## Finders", "", "| finder | version | looks for |", "|---|---|---|"]
    lines += [_plain(one) for one in interfaces.finders()]
    lines += ["", "## Finders in records", "", "They read what parsers gave, not bytes.", "",
              "| finder | version | record | its own columns |", "|---|---|---|---|"]  # fmt: skip
    for finder in interfaces.record_finders():
        lines += _parser(finder)
    lines += ["", "## Second readers", "", "Only with `examine --cross-check`.", "",
              "| second reader | version | of | what it is |", "|---|---|---|---|"]  # fmt: skip
    for second in interfaces.seconds():
        first = (sys.modules[second.__name__].__doc__ or "").strip().split("\n\n")[0]
        told = " ".join(first.split())
        lines.append(f"| {interfaces.name_of(second)} | {second.VERSION} | {second.OF} | {told} |")
    lines += ["", "| record | its own columns |", "|---|---|"]
    lines += [f"| `{kind.KIND}` | {_columns(kind)} |" for kind in CrossCheck.RECORDS]
    return "\n".join([*lines, ""])


def _parser(parser: Parser | RecordFinder) -> Iterator[str]:
    for kind in sorted(parser.RECORDS, key=lambda one: one.KIND):
        if kind not in {Failure, Indicator}:
            name = interfaces.name_of(parser)
            yield f"| {name} | {parser.VERSION} | `{kind.KIND}` | {_columns(kind)} |"


def _columns(kind: type[Record]) -> str:
    own = [field.name for field in dataclasses.fields(kind) if field.name not in COMMON]
    return ", ".join(f"`{name}`" for name in own) or "none"


def _plain(module: Opener | Finder) -> str:
    first = (sys.modules[module.__name__].__doc__ or "").strip().split("\n\n")[0]
    return f"| {interfaces.name_of(module)} | {module.VERSION} | {' '.join(first.split())} |"


PAGES = {
    "access.md": rights,
    "api.md": api_reference.page,
    "commands.md": commands,
    "coverage.md": coverage,
}


def main() -> int:
    """Write the pages into the folder named; return 0."""
    if len(sys.argv) != 2:
        print("usage: python -m holdfast.testing.reference DIR", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
