"""What came of holding a capture to the wire: verdicts, and the table of them."""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import urlsplit

from holdfast.core.errors import printable


class Verdict(enum.IntEnum):
    """From good to bad."""

    exact = 0
    explained = 1
    MISSING = 2
    WRONG = 3


@dataclass(frozen=True)
class Row:
    """One message, and how the capture has it."""

    verdict: Verdict
    what: str
    """`request`, `response`, `interim 1`, `tunnel sent`, `frames received`, `connection` …"""
    method: str
    url: str
    detail: str = ""

    @property
    def situation(self) -> str:
        """The first part of the URL's path; the host where a certificate is the matter."""
        parts = urlsplit(self.url)
        return parts.path.strip("/").split("/")[0] or (parts.hostname or self.url)


@dataclass(frozen=True)
class Comparison:
    """All rows."""

    rows: tuple[Row, ...]

    @property
    def good(self) -> bool:
        """Nothing is missing and nothing is wrong."""
        return all(row.verdict <= Verdict.explained for row in self.rows)

    def count(self, verdict: Verdict) -> int:
        """Return how many rows have this verdict."""
        return sum(row.verdict is verdict for row in self.rows)

    def summary(self) -> str:
        """Return the counts in one line."""
        counts = ", ".join(f"{self.count(one)} {one.name}" for one in Verdict)
        return f"{len(self.rows)} messages: {counts}"

    def table(self, *, everything: bool = False) -> str:
        """Return a line a situation, and one for each row that is not exact; or all rows."""
        groups: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            groups[row.situation].append(row)
        lines = [f"{'situation':<22} {'messages':>8}  verdict"]
        for name, rows in sorted(groups.items()):
            worst = max(row.verdict for row in rows)
            lines.append(f"{printable(name):<22} {len(rows):>8}  {worst.name}")
            lines += [
                f"{'':22} {row.verdict.name:>10} {row.what} of {row.method} "
                f"{printable(row.url)}{': ' if row.detail else ''}{printable(row.detail)}"
                for row in rows
                if everything or row.verdict is not Verdict.exact
            ]
        return "\n".join([*lines, self.summary()])
