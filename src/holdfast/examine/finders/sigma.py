"""Sigma rules over the records of event logs: a hit for each rule that a record fits.

It reads records (`windows.event`), not bytes; `examine.sigma` prepares the rules. A rule is held
only against records of the channels and event ids that its log source means
(`_sigma_sources`), and of those only where a text stands that it can't do without.

A hit cites the rule (id, date, digest of its file) and the record (parser, version, number).
Names of fields are those of EventData and UserData, and `EventID`, `Provider_Name`, `Channel`,
`Computer` and the other parts of System.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import hyperscan
import orjson

from holdfast.examine.finders._sigma_match import Event, Test, compile_tree, literals
from holdfast.examine.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from holdfast.core.canonical import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SigmaHit(Record):
    """A record that fits a rule; time, place and row are the record's."""

    KIND: ClassVar[str] = "sigma.hit"

    rule_id: str
    rule_title: str
    rule_level: str
    rule_status: str
    rule_date: str
    """The day the rule was written; empty where it says none."""
    rule_modified: str
    rule_sha256: str
    """Of the rule's file."""
    rule_tags: list[str]
    cited_kind: str
    cited_parser: str
    cited_parser_version: int
    cited_seq: int


VERSION = 1
DECODERS: tuple[str, ...] = ("orjson", "python")
KINDS: tuple[str, ...] = ("windows.event",)
"""The kinds of records that are read."""
RECORDS: tuple[type[Record], ...] = (SigmaHit,)

_SYSTEM = {
    "EventID": "event_id",
    "Provider_Name": "provider",
    "Channel": "channel",
    "Computer": "computer",
    "Level": "level",
    "Task": "task",
    "Opcode": "opcode",
    "Keywords": "keywords",
    "EventRecordID": "record_id",
    "Security_UserID": "user_sid",
}
_ORIGIN = (
    "parser", "parser_version", "kind", "seq", "time", "time_meaning", "message", "offset",
    "length", "row", "event_data", "user_data",
)  # fmt: skip


@dataclass(frozen=True)
class _Rule:
    number: int
    facts: dict[str, Any]
    test: Test


@dataclass
class Rules:
    """All rules, by the records that they mean."""

    by_id: dict[tuple[str, int], list[_Rule]] = field(default_factory=lambda: defaultdict(list))
    by_channel: dict[str, list[_Rule]] = field(default_factory=lambda: defaultdict(list))
    everywhere: list[_Rule] = field(default_factory=list)
    always: set[int] = field(default_factory=set)
    """Rules that no text can rule out."""
    owners: list[list[int]] = field(default_factory=list)
    """For each literal, the rules that it lets through."""
    database: Any = None

    def of(self, channel: str, event_id: int | None) -> list[_Rule]:
        """Return the rules that mean a record of this channel and event id."""
        found = self.by_channel.get(channel, [])
        if event_id is not None:
            found = [*self.by_id.get((channel, event_id), []), *found]
        return [*found, *self.everywhere] if self.everywhere else found

    def possible(self, text: bytes) -> set[int]:
        """Return the numbers of the rules that a record with this text may fit."""
        seen: set[int] = set()
        if self.database is not None:

            def found(number: int, _start: int, _end: int, _flags: int, _context: object) -> None:
                seen.add(number)

            self.database.scan(text, match_event_handler=found)
        possible = set(self.always)
        for number in seen:
            possible.update(self.owners[number])
        return possible


def prepare(settings: Json) -> Rules:
    """Compile the rules, as `examine.sigma.load` gives them.

    Raises:
        ValueError, KeyError, TypeError: not what it gives.
    """
    rules = Rules()
    owners: dict[str, list[int]] = defaultdict(list)
    given: list[Any] = settings if isinstance(settings, list) else []
    for number, facts in enumerate(given):
        needed = literals(facts["tree"])
        if needed is None:
            rules.always.add(number)
        for text in needed or ():
            owners[text].append(number)
        for channels, ids, names in facts["source"]:
            rule = _Rule(number, facts, compile_tree(facts["tree"], names))
            for channel in channels:
                for one in ids:
                    rules.by_id[channel.lower(), one].append(rule)
                if not ids:
                    rules.by_channel[channel.lower()].append(rule)
            if not channels:
                rules.everywhere.append(rule)
    if owners:
        rules.owners = list(owners.values())
        rules.database = hyperscan.Database()
        rules.database.compile(
            expressions=[text.encode() for text in owners],
            ids=list(range(len(owners))),
            literal=True,
            flags=hyperscan.HS_FLAG_SINGLEMATCH,
        )
    return rules


def search(rows: pa.RecordBatch, prepared: Rules) -> Iterator[tuple[int, Record]]:
    """Yield each hit with the number of its row in `rows`."""
    names = [*_ORIGIN, *_SYSTEM.values()]
    columns = rows.select(names)
    for at, row in enumerate(columns.to_pylist()):
        channel = (row["channel"] or "").lower()
        rules = prepared.of(channel, row["event_id"])
        if not rules:
            continue
        event = _event(row)
        text = "\n".join(one for name in event.values for one in event.low(name))
        possible = prepared.possible(text.encode())
        told: set[int] = set()
        for rule in rules:
            if rule.number in possible and rule.number not in told and rule.test(event):
                told.add(rule.number)
                yield at, _hit(rule.facts, row)


def _event(row: dict[str, Any]) -> Event:
    values: dict[str, tuple[str, ...]] = {}
    for name, column in _SYSTEM.items():
        if row[column] is not None:
            values[name] = (str(row[column]),)
    for column in ("user_data", "event_data"):
        if row[column]:
            _gather(orjson.loads(row[column]), values)
    return Event(values)


def _gather(data: Any, values: dict[str, tuple[str, ...]]) -> None:
    """Add the values of a JSON object by their own names; those of objects in it as well."""
    waiting = [data]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, dict):
            continue
        for name, value in one.items():
            if isinstance(value, dict) and "#text" not in value:
                if name != "#attributes":
                    waiting.append(value)
                continue
            content = value["#text"] if isinstance(value, dict) else value
            found = content if isinstance(content, list) else [content]
            texts = tuple(_text(each) for each in found if each is not None)
            if texts:
                values[name] = texts


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _hit(facts: dict[str, Any], row: dict[str, Any]) -> SigmaHit:
    level = f" ({facts['level']})" if facts["level"] else ""
    time = row["time"]
    return SigmaHit(
        message=f"{facts['title']}{level}: {row['message']}".replace("\n", " "),
        time=time, time_meaning=row["time_meaning"],
        offset=row["offset"], length=row["length"], row=row["row"],
        rule_id=facts["id"], rule_title=facts["title"], rule_level=facts["level"],
        rule_status=facts["status"], rule_date=facts["date"], rule_modified=facts["modified"],
        rule_sha256=facts["sha256"], rule_tags=list(facts["tags"]),
        cited_kind=row["kind"], cited_parser=row["parser"],
        cited_parser_version=row["parser_version"], cited_seq=row["seq"],
    )  # fmt: skip
