"""Holds a folder's files against second readers, and writes what came of it as a page.

`python -m holdfast.testing.second_opinions FOLDER PAGE`: every file below FOLDER that a parser and
its second reader both take. The folder is no part of this project.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.examine.crosscheck import CrossCheck, Disagreement, SecondOpinion
from holdfast.examine.file import evidence_from
from holdfast.examine.interfaces import name_of, parsers, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Row:
    """One file, as a parser and a second reader have it."""

    file: str
    parser: str
    second: str
    ours: int
    theirs: int
    compared: int
    differ: dict[str, int]
    """What differs (a field's name, or `record`) to how often."""
    trouble: str = ""
    """Why the two could not be held against each other to the end."""


def compared(folder: Path) -> Iterator[Row]:
    """Yield a row for each file below `folder` and each second reader that takes it."""
    known = {name_of(one): one for one in parsers()}
    checks = [(one.OF, CrossCheck(one, known[one.OF])) for one in seconds()]
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with tempfile.TemporaryDirectory() as scratch:
            file = evidence_from(path, Path(scratch))
            for parser, check in checks:
                if check.match(file):
                    yield _row(str(path.relative_to(folder)), parser, check, file)


def _row(name: str, parser: str, check: CrossCheck, file: object) -> Row:
    differ: Counter[str] = Counter()
    last: SecondOpinion | None = None
    trouble = ""
    try:
        for record in check.parse(file):  # type: ignore[arg-type]
            if isinstance(record, Disagreement):
                differ[record.field_name] += 1
            elif isinstance(record, SecondOpinion):
                last = record
            else:
                trouble = record.message
    except Exception as error:  # noqa: BLE001 - whatever a reader raises is what came of it
        trouble = type(error).__name__
    second = check.__name__.rpartition(".")[2]
    if last is None:
        return Row(name, parser, second, 0, 0, 0, dict(differ), trouble)
    return Row(
        name, parser, second, last.of_ours, last.of_theirs, last.compared, dict(differ), trouble
    )


def main(folder: Path, page: Path) -> int:
    """Write the page; return 1 where anything differs."""
    rows = list(compared(folder))
    alike = sum(one.ours == one.theirs and not one.differ and not one.trouble for one in rows)
    total = sum(one.compared for one in rows)
    lines = [
        "# What second readers say of the same files",
        "",
        f"In {alike} of {len(rows)} files both readers have the same number of things and say the",
        f"same of each: {total} were compared, field by field. Written by",
        f"`python -m holdfast.testing.second_opinions` over the folder `{folder.name}`, which is",
        "no part of this project.",
        "",
        "| file | parser | second reader | ours | theirs | compared | differs |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    for one in rows:
        differs = ", ".join(f"{name} {count}" for name, count in sorted(one.differ.items()))
        shown = one.file.replace("|", "\\|")
        lines.append(
            f"| {shown} | {one.parser} | {one.second} | {one.ours} | {one.theirs} "
            f"| {one.compared} | {one.trouble or differs} |"
        )
    page.write_text("\n".join(lines) + "\n", "utf-8")
    sys.stdout.write(f"{alike}/{len(rows)} files alike, {total} things compared\n")
    return 0 if alike == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3])))
