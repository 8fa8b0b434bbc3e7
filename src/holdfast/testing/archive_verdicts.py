"""Write the page of verdicts on foreign web archives, from a folder of them.

    python -m holdfast.testing.archive_verdicts CORPUS docs/reference/web-archives.md

A test (`./dev corpus`) holds the page against what this writes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.collect.archive_check import read_roots
from holdfast.webarchive.judge import judge
from holdfast.webarchive.rules import Severity
from holdfast.webarchive.signature import Trust, load_roots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.webarchive.report import Report

FOLDERS = ("jhove-warc", "wacz", "warcio")
_ENDINGS = (".warc", ".warc.gz", ".wacz", ".arc", ".arc.gz", ".bad")


def verdicts(corpus: Path) -> Iterator[tuple[str, Report]]:
    """Yield each archive of the corpus with its report, in order of name."""
    trust = Trust(load_roots(read_roots(None)))
    for folder in FOLDERS:
        for path in sorted((corpus / folder).iterdir()):
            if path.is_file() and path.name.endswith(_ENDINGS):
                with path.open("rb") as raw:
                    yield f"{folder}/{path.name}", judge(raw, trust)


def page(corpus: Path) -> str:
    """Return the page: each file, its verdict, and the sentences it breaks."""
    lines = [
        "# Web archives that others made, judged",
        "",
        "Written by `python -m holdfast.testing.archive_verdicts`; `./dev corpus` holds it against "
        "the files. They are test files of py-wacz, warcio and JHOVE, whose names say which their "
        "makers hold to be valid. Only broken sentences stand here, in our words, each once; notes "
        "are left out. The signatures are held to the public web authorities of Debian.",
    ]
    before = ""
    for name, report in verdicts(corpus):
        folder, _, file = name.partition("/")
        if folder != before:
            lines += ["", f"## {folder}", "", "| file | verdict | breaks |", "|---|---|---|"]
            before = folder
        told = [
            f"{rule.section}: {rule.sentence}"
            for rule in (report.rules[one] for one in report.counts)
            if rule.severity is not Severity.NOTE
        ]
        lines.append(f"| `{file}` | {report.verdict} | {'<br>'.join(told)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(page(Path(sys.argv[1])), "utf-8")
