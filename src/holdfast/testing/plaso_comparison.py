"""Write docs/reference/plaso-comparison.md: what these parsers find where plaso's tests count.

    python -m holdfast.testing.plaso_comparison CORPUS > docs/reference/plaso-comparison.md

CORPUS is a folder that holds plaso's `test_data` as `plaso`. The numbers are those that plaso's own
tests assert (`number_of_event_data`, at the commit below), not those of a run.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.examine.block import each
from holdfast.examine.file import evidence_from
from holdfast.examine.interfaces import name_of, parsers

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMIT = "4ea03ef9a48dad5284c371ac9b537a184b3eea9c"
COUNTS = {
    "chrome/History": ("chrome_27_history", 71),
    "chrome/History-57.0.2987.133": ("chrome_27_history", 2),
    "chrome/History-58.0.3029.96": ("chrome_27_history", 2),
    "chrome/History-59_added-fake-column": ("chrome_27_history", 2),
    "firefox/downloads.sqlite": ("firefox_downloads", 1),
    "firefox/places.sqlite": ("firefox_history", 103),
    "iis/iis10.log": ("winiis", 1),
    "iis/iis6.log": ("winiis", 12),
    "iis/iis7_owa.log": ("winiis", 3),
    "iis/iis7_sqli.log": ("winiis", 2),
    "iis/iis_without_date.log": ("winiis", 11),
    "plist/Downloads.plist": ("safari_downloads", 4),
    "plist/History.plist": ("safari_history", 18),
    "safari/History.db": ("safari_historydb", 25),
    "syslog/syslog_chromeos": ("syslog", 8),
    "syslog/syslog_cron.log": ("syslog", 9),
    "syslog/syslog_rsyslog": ("syslog", 5),
    "syslog/syslog_rsyslog_SyslogProtocol23Format": ("syslog", 9),
    "syslog/syslog_rsyslog_SysklogdFileFormat": ("syslog_traditional", 9),
    "syslog/syslog_rsyslog_traditional": ("syslog_traditional", 8),
}
"""File to plaso's parser or plugin and the event data that its test counts."""
WHY = {
    "chrome/History": "search terms are records of their own",
    "firefox/places.sqlite": "annotations of folders, which plaso loses in a join with pages",
}


@dataclass(frozen=True)
class Line:
    """One file under both."""

    path: str
    plugin: str
    theirs: int
    parser: str
    kinds: dict[str, int]
    failures: int

    @property
    def ours(self) -> int:
        """Records, failures not counted."""
        return sum(self.kinds.values())


def lines(corpus: Path) -> Iterator[Line]:
    """Yield a line for each file that is there."""
    for path, (plugin, theirs) in COUNTS.items():
        file = corpus / "plaso" / path
        if not file.is_file():
            continue
        with tempfile.TemporaryDirectory() as scratch:
            one = evidence_from(file, Path(scratch))
            taken = [parser for parser in parsers() if parser.match(one)]
            kinds = Counter(record.KIND for p in taken for record in each(p.parse(one)))
        failures = kinds.pop("failure", 0)
        names = ", ".join(map(name_of, taken)) or "none"
        yield Line(path, plugin, theirs, names, dict(sorted(kinds.items())), failures)


def page(corpus: Path) -> str:
    """Return the page."""
    rows = [
        "# Beside plaso, file by file",
        "",
        "Written by `python -m holdfast.testing.plaso_comparison CORPUS`. Files of plaso's",
        f"`test_data`; its numbers are those that its tests assert at commit `{COMMIT[:12]}`",
        "(`number_of_event_data`). Failures are lines without a time of their own: the rest of a",
        "message that was written over several lines, which plaso joins or passes over.",
        "",
        "| file | plaso | counts | Holdfast | records | failures | difference |",
        "|---|---|---|---|---|---|---|",
    ]
    for line in lines(corpus):
        kinds = ", ".join(f"{count} `{kind}`" for kind, count in line.kinds.items())
        more = line.ours - line.theirs
        why = f"{more:+d}: {WHY.get(line.path, 'not explained')}" if more else ""
        rows.append(
            f"| {line.path} | {line.plugin} | {line.theirs} | {line.parser} | {kinds} "
            f"| {line.failures or ''} | {why} |"
        )
    return "\n".join([*rows, ""])


def main() -> int:
    """Print the page; return 0."""
    if len(sys.argv) != 2:
        print("usage: python -m holdfast.testing.plaso_comparison CORPUS", file=sys.stderr)
        return 2
    sys.stdout.write(page(Path(sys.argv[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
