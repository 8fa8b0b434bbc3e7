"""Write the page of verdicts on foreign web archives, from a folder of them.

    python -m holdfast.testing.archive_verdicts CORPUS docs/reference/web-archives.md

A test (`./dev corpus`) holds the page against what this writes. The usual checkers, warcio's and
FastWARC's, are run beside ours: they come with the development tools.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.collect.archive_check import read_roots
from holdfast.webarchive.judge import judge
from holdfast.webarchive.rules import Severity
from holdfast.webarchive.signature import Trust, load_roots

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


CHECKERS = ("warcio", "fastwarc")


def accepted(checker: str, file: Path) -> bool:
    """Say whether one of the usual checkers has nothing against a WARC."""
    program = Path(sys.executable).with_name(checker)
    done = subprocess.run([program, "check", file], capture_output=True, check=False)
    return done.returncode == 0


def figures(corpus: Path, judged: Sequence[tuple[str, Report]]) -> str:
    """Return how many of the files get the verdict that their names say."""
    said: Counter[tuple[str, str]] = Counter()
    without, warcs = [], []
    for name, report in judged:
        named = name.partition("/")[2].partition("-")[0].partition("_")[0]
        said[named, report.verdict] += 1
        if named == "invalid":
            broken = [report.rules[one] for one in report.counts]
            if not any(one.severity is not Severity.NOTE and one.sentence for one in broken):
                without.append(name)
            if name.endswith(".warc"):
                warcs.append(corpus / name)

    def total(named: str) -> int:
        return sum(count for (which, _), count in said.items() if which == named)

    bad, good = total("invalid"), total("valid")
    others = [
        f"`{checker} check` accepts {sum(accepted(checker, one) for one in warcs)} of the "
        f"{len(warcs)} WARCs among them"
        for checker in CHECKERS
    ]
    return (
        f"Of {bad} files that are called invalid, {said['invalid', 'invalid']} are judged invalid, "
        f"{said['invalid', 'deviates']} deviates from what is merely recommended, and "
        f"{said['invalid', 'valid']} are taken for valid; for {bad - len(without)} of {bad} the "
        f"broken sentence stands below. {', '.join(others)}. Of {good} that are called valid, "
        f"{said['valid', 'invalid']} are judged invalid."
    )


def page(corpus: Path) -> str:
    """Return the page: each file, its verdict, and the sentences it breaks."""
    judged = list(verdicts(corpus))
    lines = [
        "# Web archives that others made, judged",
        "",
        "Written by `python -m holdfast.testing.archive_verdicts`; `./dev corpus` holds it against "
        "the files. They are test files of py-wacz, warcio and JHOVE, whose names say which their "
        "makers hold to be valid. Only broken sentences stand here, in our words, each once; notes "
        "are left out. The signatures are held to the public web authorities of Debian.",
        "",
        figures(corpus, judged),
    ]
    before = ""
    for name, report in judged:
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
