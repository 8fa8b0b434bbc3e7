"""Follow people's keys through a log: who holds which, where it ended, what its counter says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.vault import signing

if TYPE_CHECKING:
    from holdfast.vault.entry import Entry
    from holdfast.vault.report import Report
    from holdfast.vault.signing import PersonKey


class PeopleCheck:
    """What the entries so far say of people's keys."""

    def __init__(self, report: Report) -> None:
        self.keys: dict[str, PersonKey] = {}
        """By key ID."""
        self.ended: dict[str, int] = {}
        """Key IDs that were rotated or revoked: the last entry that each could sign."""
        self._counters: dict[str, int] = {}
        self._report = report

    def hear(self, one: Entry) -> None:
        """Take the next entry."""
        if one.act == "operator.add":
            facts = one.fields["operator"]
            self.keys[facts["key_id"]] = signing.parse(facts["vkey"])
        if "ended" in one.fields and one.act in {"operator.revoke", "operator.rotate"}:
            self.ended[one.fields["ended"]["key_id"]] = one.index
        signature = one.fields.get("signature") or {}
        if "client" in signature:
            self._count(one.index, str(signature["key"]), signing.counter(signature))

    def _count(self, index: int, key: str, count: int) -> None:
        last = self._counters.get(key, 0)
        if signing.backwards(last, count):
            name = self.keys[key].name if key in self.keys else "nobody"
            self._report.marked.append(
                f"entry {index}: the counter of {name}'s passkey {key} is {count} and was {last} "
                "already: there may be a copy of it"
            )
        self._counters[key] = max(last, count)
