"""What a check found: findings, counts and a verdict, whatever kind of archive it was."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.webarchive.rules import RULES, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.core.canonical import Json
    from holdfast.webarchive.rules import Rule

KEPT = 1000
"""Findings that are told one by one; the rest are counted by rule."""
_DETAIL = 300

VALID, DEVIATES, INVALID = "valid", "deviates", "invalid"
"""No sentence broken; only recommendations left aside; a sentence with `shall` or MUST broken."""


@dataclass(frozen=True)
class Finding:
    """One sentence, broken at one place."""

    rule: Rule
    detail: str
    offset: int | None = None
    """First byte of the record in the file; for a compressed one, of its gzip member."""
    record: str = ""
    """The WARC-Record-ID, or the part of a WACZ."""

    def as_json(self) -> dict[str, Json]:
        """Return the finding as reports hold it."""
        return {
            "detail": self.detail,
            "offset": self.offset,
            "record": self.record or None,
            "rule": self.rule.name,
            "section": self.rule.section,
            "sentence": self.rule.sentence,
            "severity": self.rule.severity.value,
        }


@dataclass
class Report:
    """Everything about one archive."""

    kind: str
    """`warc`, `arc`, `wacz`, or `unknown`."""
    rules: Mapping[str, Rule] = field(default_factory=lambda: RULES)
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """Findings by rule, also those that are not told one by one."""
    facts: dict[str, Json] = field(default_factory=dict)

    def find(self, rule: str, detail: str, offset: int | None = None, record: str = "") -> None:
        """Note that a sentence is broken; each rule keeps its first places when there are many."""
        self.counts[rule] += 1
        if len(self.findings) < KEPT or self.counts[rule] == 1:
            shown = detail if len(detail) <= _DETAIL else detail[:_DETAIL] + "..."
            self.findings.append(Finding(self.rules[rule], shown, offset, record[:_DETAIL]))

    @property
    def verdict(self) -> str:
        """Return `valid`, `deviates` or `invalid`."""
        severities = {self.rules[name].severity for name in self.counts}
        if Severity.ERROR in severities:
            return INVALID
        return DEVIATES if Severity.DEVIATION in severities else VALID

    def as_json(self) -> dict[str, Json]:
        """Return the whole report."""
        report: dict[str, Json] = {
            "counts": dict(self.counts),
            "facts": self.facts,
            "findings": [one.as_json() for one in self.findings],
            "kind": self.kind,
            "verdict": self.verdict,
        }
        return {name: _storable(value) for name, value in report.items()}


def _storable(value: Json) -> Json:
    """Return `value` with text that UTF-8 can hold: JSON out of an archive may have "
    "half letters."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {name: _storable(one) for name, one in value.items()}
    return [_storable(one) for one in value] if isinstance(value, list) else value
