"""Holds SigmaHQ's regression data against the finder: rule, event log, expected number of hits.

`python -m holdfast.testing.sigma_regression DATA RULES TABLE` writes the outcome as a table. DATA
is a checkout's `regression_data`, RULES a folder with the rules; neither is part of this project.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.examine.block import Block
from holdfast.examine.file import evidence_from
from holdfast.examine.finders import sigma as finder
from holdfast.examine.parsers import evtx
from holdfast.examine.records import DatasetWriter, untimed
from holdfast.examine.sigma import compile_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class Outcome:
    """What became of one test of a rule."""

    rule: str
    title: str
    wanted: int | None
    """Hits that info.yml states; None where it states none, and one is enough."""
    hits: int
    cause: str
    """Why it is not as it should be; empty where it is."""


def regression(data: Path, rules: Path) -> Iterator[Outcome]:
    """Yield the outcome of every test in `data` that comes with an event log."""
    import yaml  # noqa: PLC0415 - with pySigma, for this alone

    files = {
        found[1].decode(): path
        for path in sorted(rules.rglob("*.yml"))
        if (found := re.search(rb"^id:\s*['\"]?([0-9a-f-]{36})", path.read_bytes(), re.MULTILINE))
    }
    for info in sorted(data.rglob("info.yml")):
        facts = yaml.safe_load(info.read_text("utf-8"))
        rule = facts["rule_metadata"][0]
        for test in facts.get("regression_tests_info") or []:
            wanted = test.get("match_count")
            log = info.parent / Path(test["path"]).name
            path = files.get(str(rule["id"]))
            rows, cause = _run(log, path)
            hits = len(rows)
            if not cause and (hits != wanted if wanted is not None else hits == 0):
                numbers = ", ".join(map(str, rows))
                cause = f"records {numbers} of the log fit" if rows else "no record fits"
            yield Outcome(str(rule["id"]), str(rule["title"]), wanted, hits, cause)


def _run(log: Path, path: Path | None) -> tuple[list[int | None], str]:
    if path is None:
        return [], "the rule is not among the rules supplied"
    try:
        rule = compile_rule(path.read_bytes())
    except ValueError as error:
        return [], str(error)
    if rule is None:
        return [], "the rule's log source is none that is mapped"
    given: list[Json] = [rule]
    prepared = finder.prepare(given)
    hits = [hit.row for rows in event_rows(log) for _, hit in finder.search(rows, prepared)]
    return hits, ""


def event_rows(log: Path) -> Iterator[pa.RecordBatch]:
    """Yield the event records of a log as the engine hands them to record finders."""
    writer = DatasetWriter(Path(), evtx.WindowsEvent, item="0" * 64, parser="evtx", version=1)
    for one in evtx.parse(evidence_from(log)):
        if isinstance(one, Block):
            for part in one.parts:
                yield untimed(writer.placed("", 0, part, writer.prepare(part)))


def main(data: Path, rules: Path, table: Path) -> int:
    """Write the table; return 1 where a rule does not fire as it should."""
    outcomes = list(regression(data, rules))
    good = sum(not one.cause for one in outcomes)
    lines = [
        "# Sigma rules against their own regression data",
        "",
        f"{good} of {len(outcomes)} rules fire as SigmaHQ's regression data states. Written by",
        "`python -m holdfast.testing.sigma_regression`, which runs each rule over the event log",
        "that comes with it.",
        "",
        "| rule | title | hits | expected | cause of a difference |",
        "|---|---|---:|---:|---|",
    ]
    for one in outcomes:
        wanted = "at least 1" if one.wanted is None else str(one.wanted)
        title = one.title.replace("|", "\\|")
        lines.append(f"| {one.rule} | {title} | {one.hits} | {wanted} | {one.cause} |")
    table.write_text("\n".join(lines) + "\n", "utf-8")
    sys.stdout.write(f"{good}/{len(outcomes)}\n")
    return 0 if good == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:4])))
