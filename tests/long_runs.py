"""Keep how the long suites went: `./dev soak` and `./dev corpus` write docs/reference/long-runs.md.

A pytest plugin; with `--keep-as NAME` it counts per module what passed, failed and was skipped.
Each module's line says when it ran and of which commit, so a suite of hours can be run in parts; a
module that was run in part, or broken off, keeps its old line. The page is made from
`tests/long_runs.json`, never by hand.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import machine

if TYPE_CHECKING:
    import pytest

KEPT = Path(__file__).with_suffix(".json")
ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "long-runs.md"
SUITES = {
    "soak": "Faults by the hundred: a command stopped at every durable write, kills and pauses at "
    "random moments, every odd argument, a sparse file of 10 GB.",
    "corpus": "Every parser on foreign files that none of us wrote.",
}


COUNTED = ("passed", "failed", "skipped")


class Keeper:
    """Counts one run."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._modules: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test, or its failing set-up."""
        module = self._modules[report.nodeid.partition("::")[0]]
        module["seconds"] += report.duration
        if report.when == "call" or report.outcome != "passed":
            module[report.outcome] += 1

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Keep the counts and write the page."""
        option = session.config.option
        if exitstatus > 1 or option.keyword or any("::" in one for one in session.config.args):
            return
        head, dirty = machine.commit()
        ran = {
            "commit": head[:12] + (" and changes that were not committed" if dirty else ""),
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "machine": ", ".join(
                f"{what}: {value}" for what, value in machine.describe(KEPT.parent).items()
            ),
        }
        kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
        modules = kept.setdefault(self._name, {})
        for module, counts in self._modules.items():
            if any(counts.get(what) for what in COUNTED):
                modules[module] = {**ran, **counts}
        # A module that is no more has nothing to say.
        for gone in [module for module in modules if not (ROOT / module).exists()]:
            del modules[gone]
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
        lines += ["", f"## ./dev {name}", "", about, ""]
        modules = kept.get(name)
        if not modules:
            lines.append("Not run yet.")
            continue
        lines += [
            "| module | passed | failed | skipped | seconds | when | commit |",
            "|---|---|---|---|---|---|---|",
        ]
        for module, ran in sorted(modules.items()):
            counts = " | ".join(f"{ran.get(what, 0):.0f}" for what in COUNTED)
            last = f"{ran['seconds']:.0f} | {ran['date']} | {ran['commit']}"
            lines.append(f"| `{module}` | {counts} | {last} |")
        lines += ["", *sorted({f"{ran['machine']}." for ran in modules.values()})]
    return "\n".join([*lines, ""])
