"""`examine --sigma`: from a sealed event log and a folder of rules to hits in the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.event_log import Event, event_log

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

RULE = """\
title: Audit log cleared
id: 00000000-0000-4000-8000-000000000002
level: high
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 1102}
  condition: selection
"""


def test_rules_are_recorded_and_hits_stand_in_the_timeline(line: Line, tmp_path: Path) -> None:
    source, rules = tmp_path / "in", tmp_path / "rules"
    source.mkdir()
    rules.mkdir()
    events = [
        Event(number=1, time="2026-03-03T08:00:00Z", event_id=4624, channel="Security"),
        Event(number=2, time="2026-03-03T08:00:01Z", event_id=1102, channel="Security"),
    ]
    (source / "Security.evtx").write_bytes(event_log([events]))
    (rules / "cleared.yml").write_text(RULE, "utf-8")
    (rules / "broken.yml").write_text("title: [", "utf-8")
    line.collect(source)

    done = line.must("examine", "--case", line.case, "--jobs", 1, "--sigma", rules)
    assert "a Sigma rule can't be used: broken.yml" in done.err
    hits = line.must("timeline", "--case", line.case, "--kind", "sigma.hit", "--json").rows
    assert [(hit["time"], hit["row"]) for hit in hits] == [("2026-03-03T08:00:01Z", 2)]
    assert hits[0]["message"].startswith("Audit log cleared (high): ")

    started = next(row for row in line.entries() if row["act"] == "examine.start")
    assert started["sigma"]["rules"] == 1
    assert started["sigma"]["unusable"] == 1
    ledger = line.must("ledger", "--case", line.case, "--json").rows
    assert [(row["role"], row["records"]) for row in ledger if row["parser"] == "sigma"] == [
        ("record-finder", 1)
    ]


def test_a_folder_without_rules_is_refused(line: Line, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    failed = line("examine", "--case", line.case, "--sigma", tmp_path / "none")
    assert failed.code == 3
    assert "no rule" in failed.err
