"""Keep how the long suites went: `./dev soak` and `./dev corpus` write docs/reference/long-runs.md.

A pytest plugin; with `--keep-as NAME` it counts per module what passed, failed and was skipped, and
writes the suite's section anew. The page is made from `tests/long_runs.json`, never by hand.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import machine

if TYPE_CHECKING:
    import pytest

KEPT = Path(__file__).with_suffix(".json")
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "long-runs.md"
SUITES = {
    "soak": "Faults by the hundred: a command stopped at every durable write, kills and pauses at "
    "random moments, every odd argument, a sparse file of 10 GB.",
    "corpus": "Every parser on foreign files that none of us wrote.",
}


class Keeper:
    """Counts one run."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = time.monotonic()
        self._modules: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test, or its failing set-up."""
        module = self._modules[report.nodeid.partition("::")[0]]
        module["seconds"] += report.duration
        if report.when == "call" or report.outcome != "passed":
            module[report.outcome] += 1

    def pytest_sessionfinish(self) -> None:
        """Keep the counts and write the page."""
        head, dirty = machine.commit()
        kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
        kept[self._name] = {
            "commit": head + (" (and changes that were not committed)" if dirty else ""),
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "machine": machine.describe(KEPT.parent),
            "modules": self._modules,
            "seconds": time.monotonic() - self._began,
        }
        KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
        PAGE.write_text(page(kept), "utf-8")


def page(kept: dict[str, Any]) -> str:
    """Return the page that tells of the suites kept."""
    lines = [
        "# The long suites: how they last went",
        "",
        "Written by `./dev soak` and `./dev corpus`; `./dev test` runs their short forms.",
    ]
    for name, about in SUITES.items():
        lines += ["", f"## ./dev {name}", "", about]
        one = kept.get(name)
        if one is None:
            lines += ["", "Not run yet."]
            continue
        facts = ", ".join(f"{what}: {value}" for what, value in one["machine"].items())
        lines += [
            "",
            f"{one['date']}, commit {one['commit']}; {one['seconds']:.0f} s. {facts}.",
            "",
            "| module | passed | failed | skipped | seconds |",
            "|---|---|---|---|---|",
        ]
        for module, counts in sorted(one["modules"].items()):
            if any(counts.get(what) for what in ("passed", "failed", "skipped")):
                cells = [f"{counts.get(what, 0):.0f}" for what in ("passed", "failed", "skipped")]
                lines.append(f"| `{module}` | {' | '.join(cells)} | {counts['seconds']:.0f} |")
    return "\n".join([*lines, ""])
