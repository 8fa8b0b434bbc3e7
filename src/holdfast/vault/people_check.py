"""Follow people's keys through a log: who holds which, where it ended, what its counter says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.vault import delegates, signing
from holdfast.vault.passkey import Passkey

if TYPE_CHECKING:
    from holdfast.vault.entry import Entry
    from holdfast.vault.report import Report
    from holdfast.vault.signing import PersonKey


ENDS = delegates.ENDS | {"operator.drop", "operator.revoke", "operator.rotate"}
"""Acts that end a key."""


class PeopleCheck:
    """What the entries so far say of people's keys."""

    def __init__(self, report: Report) -> None:
        self.keys: dict[str, PersonKey] = {}
        """By key ID."""
        self.ended: dict[str, int] = {}
        """Key IDs that were rotated or revoked: the last entry that each could sign."""
        self._names: dict[str, str] = {}
        """Whose each key is, by key ID."""
        self._delegates: dict[str, tuple[str, str, tuple[str, ...]]] = {}
        """Of sessions and tokens, by key ID: the kind, its end, its cases."""
        self._counters: dict[str, int] = {}
        self._report = report

    def hear(self, one: Entry) -> None:
        """Take the next entry."""
        if one.act == "operator.add":
            facts = one.fields["operator"]
            self.keys[facts["key_id"]] = signing.parse(facts["vkey"])
            self._names[facts["key_id"]] = facts["name"]
        if one.act in delegates.BEGINS:
            facts = one.fields["delegate"]
            self.keys[facts["key_id"]] = signing.parse(facts["vkey"])
            self._names[facts["key_id"]] = facts["name"]
            kind = delegates.BEGINS[one.act]
            self._delegates[facts["key_id"]] = kind, facts["until"], tuple(facts["cases"])
        if "ended" in one.fields and one.act in ENDS:
            self.ended[one.fields["ended"]["key_id"]] = one.index
        signature = one.fields.get("signature") or {}
        if "client" in signature:
            self._count(one.index, str(signature["key"]), signing.counter(signature))
        self._served(one)

    def _served(self, one: Entry) -> None:
        """Hold an entry to what the key of a session or a token may sign."""
        key, login = one.fields["actor"]["key"], str(one.fields.get("context", {}).get("login", ""))
        delegate = self._delegates.get(key)
        name = one.fields["actor"]["name"]
        why = None
        if delegate is not None:
            kind, until, cases = delegate
            why = delegates.fault(kind, one.act, one.fields["time"], until)
            if cases and one.case is not None and one.case not in cases:
                why = "is signed by the key of a token that is not for its case"
        if (delegate is not None) != (login in {delegates.WEB + name, delegates.API + name}):
            own = self.keys.get(key)
            if delegate is not None:
                why = f"is signed in a session or by a token, and says the account {login!r}"
            elif not isinstance(own, Passkey):
                why = f"says the account {login!r}, and is signed by no passkey, session or token"
        if self._names.get(key, name) != name:
            why = f"is said to be {name}'s, and its key is {self._names[key]}'s"
        if why is not None:
            self._report.problems.append(f"entry {one.index}: {why}")

    def _count(self, index: int, key: str, count: int) -> None:
        last = self._counters.get(key, 0)
        if signing.backwards(last, count):
            name = self.keys[key].name if key in self.keys else "nobody"
            self._report.marked.append(
                f"entry {index}: the counter of {name}'s passkey {key} is {count} and was {last} "
                "already: there may be a copy of it"
            )
        self._counters[key] = max(last, count)
