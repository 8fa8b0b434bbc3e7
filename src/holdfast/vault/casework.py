"""What people write while they work on a case: notes, tasks, findings. Their entries as rows.

A piece of work is begun by one entry, said anew by others (versions), and gone on with by others
still (steps: a review, an answer). All have the field `work`: which piece, and how it stands then.
Every other field is a person's word; each is a row of its own, so that erasing it by order is
removing that row. docs/formats/casework.md.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, delete, func, select
from sqlalchemy import update as sql_update

from holdfast.core.errors import InputError
from holdfast.vault.tables import projection as metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from holdfast.vault.entry import Entry

work = Table(
    "work",
    metadata,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("case", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("number", Integer, nullable=False, comment="among those of its kind in the case"),
    Column("state", String, nullable=False),
    Column("latest", BigInteger, nullable=False, comment="the entry that says it newest"),
    Index("work_case", "case", "kind", "number"),
    comment="Notes, decisions, tasks, questions, people and devices, findings, hand-overs.",
)

work_steps = Table(
    "work_steps",
    metadata,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("case", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("act", String, nullable=False),
    Column("name", String, nullable=False),
    Column("key", String, comment="the key's ID; none where the actor has none"),
    Column("time", String, nullable=False),
    Column("state", String, nullable=False, comment="how the piece stood from here on"),
    Index("work_steps_case", "case", "kind", "number"),
    comment="Every entry on a piece of work, the one that began it first.",
)

words = Table(
    "words",
    metadata,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("field", String, primary_key=True),
    Column("case", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("text", Text, nullable=False, comment="JSON"),
    Index("words_case", "case", "kind"),
    comment="What people wrote in those entries; a field that was erased has no row.",
)

TABLES = (work, work_steps, words)

BEGINS = (
    "case.document", "decision.add", "entity.add", "entity.link", "finding.add", "handover.give",
    "note.add", "question.ask", "task.add",
)  # fmt: skip
VERSIONS = ("entity.change", "finding.revise", "task.change")
STEPS = (
    "entity.release", "entity.unlink", "finding.review", "finding.withdraw", "handover.settle",
    "question.answer",
)  # fmt: skip
WITHDRAWN = "withdrawn"
"""How a link stands that was taken back."""
PLAIN = frozenset({"act", "actor", "case", "context", "signature", "time", "work"})
"""Fields that no piece is made of."""


class Casework:
    """Folds pieces of work."""

    _inserts: dict[Table, list[dict[str, Any]]]
    _later: list[Callable[[Connection], object]]

    def work_begun(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`note.add` and the like: a piece of work."""
        facts = {**fields["work"], "entry": entry.index, "case": fields["case"]}
        self._inserts[work].append({**facts, "latest": entry.index})
        self.work_went_on(entry, fields)

    def work_changed(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`finding.revise` and the like: it is said anew."""
        self._stands(fields, latest=entry.index)
        self.work_went_on(entry, fields)

    def work_went_on(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`finding.review` and the like: somebody did something with it."""
        about, actor = fields["work"], fields["actor"]
        facts = {"entry": entry.index, "case": fields["case"]}
        self._inserts[work_steps].append(
            {
                **about,
                **facts,
                "act": fields["act"],
                "time": fields["time"],
                "name": actor["name"],
                "key": actor["key"],
            }
        )
        self._inserts[words] += [
            {
                **facts, "kind": about["kind"], "field": name,
                "text": json.dumps(value, ensure_ascii=False, sort_keys=True),
            }
            for name, value in sorted(fields.items()) if name not in PLAIN
        ]  # fmt: skip
        if fields["act"] in STEPS:
            self._stands(fields)

    def _stands(self, fields: dict[str, Any], **more: int) -> None:
        about = fields["work"]
        change = (
            sql_update(work)
            .where(work.c.case == fields["case"], work.c.kind == about["kind"])
            .where(work.c.number == about["number"])
            .values(state=about["state"], **more)
        )
        self._later.append(lambda connection: connection.execute(change))


FOLDS: dict[str, Callable[[Casework, Entry, dict[str, Any]], None]] = {
    **dict.fromkeys(BEGINS, Casework.work_begun),
    **dict.fromkeys(VERSIONS, Casework.work_changed),
    **dict.fromkeys(STEPS, Casework.work_went_on),
}


def blank(connection: Connection, names: dict[str, list[int]]) -> None:
    """Remove what an order took of people's words: which entries, by field."""
    for name, entries in names.items():
        for at in range(0, len(entries), 500):
            some = entries[at : at + 500]
            gone = delete(words).where(words.c.entry.in_(some), words.c.field == name)
            connection.execute(gone)


@dataclass(frozen=True)
class Step:
    """One entry on a piece of work."""

    entry: int
    act: str
    name: str
    """Who did it."""
    key: str | None
    """Whose key, by its ID; None for one who has none."""
    time: str
    state: str
    words: dict[str, Any]
    """What they wrote, by field; without what was erased."""


@dataclass(frozen=True)
class Piece:
    """A piece of work as it stands."""

    entry: int
    case: str
    kind: str
    number: int
    state: str
    latest: int
    steps: tuple[Step, ...] = field(repr=False)
    """Of all its entries, the oldest first."""

    @property
    def words(self) -> dict[str, Any]:
        """What its newest version says, by field; without what was erased."""
        return next(step.words for step in self.steps if step.entry == self.latest)

    @property
    def begun(self) -> Step:
        """The entry that began it."""
        return self.steps[0]

    @property
    def authors(self) -> tuple[Step, ...]:
        """The entries of those who worded it: the first, and every version."""
        return tuple(one for one in self.steps if one.act in {*BEGINS, *VERSIONS})

    def as_json(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        first = self.begun
        return {
            self.kind: self.number,
            **self.words,  # of a decision, its words stand under `decision`
            "by": first.name,
            "case": self.case,
            "entry": self.entry,
            "number": self.number,
            "state": self.state,
            "steps": [
                {"act": one.act, "by": one.name, "entry": one.entry, "state": one.state,
                 "time": one.time, **({} if one.entry == self.latest else {"said": one.words})}
                for one in self.steps
            ],
            "time": first.time,
        }  # fmt: skip


def pieces(
    connection: Connection, case: str, kind: str, numbers: Iterable[int] | None = None
) -> list[Piece]:
    """Return the pieces of a kind in a case, by number; of some numbers, where they are given."""
    wanted = None if numbers is None else sorted({one for one in numbers if 0 < one < 2**31})
    said = _words(connection, case, kind)
    steps: dict[int, list[Step]] = defaultdict(list)
    for row in _rows(connection, work_steps, case, kind, wanted):
        steps[row.number].append(
            Step(row.entry, row.act, row.name, row.key, row.time, row.state, said[row.entry])
        )
    return [
        Piece(
            row.entry, row.case, row.kind, row.number, row.state, row.latest,
            tuple(steps[row.number]),
        )
        for row in _rows(connection, work, case, kind, wanted)
    ]  # fmt: skip


def find(connection: Connection, case: str, kind: str, number: int) -> Piece:
    """Return one piece.

    Raises:
        InputError: the case has none of that number.
    """
    found = pieces(connection, case, kind, [number])
    if not found:
        raise InputError(f"case {case} has no {kind} {number}", f"see `holdfast {kind} list`")
    return found[0]


def next_number(connection: Connection, case: str, kind: str) -> int:
    """Return the number that the next piece of a kind gets."""
    query = select(func.max(work.c.number)).where(work.c.case == case, work.c.kind == kind)
    return int(connection.scalar(query) or 0) + 1


def _rows(
    connection: Connection, table: Table, case: str, kind: str, numbers: list[int] | None
) -> Sequence[Any]:
    query = select(table).where(table.c.case == case, table.c.kind == kind)
    if numbers is not None:
        query = query.where(table.c.number.in_(numbers))
    return connection.execute(query.order_by(table.c.number, table.c.entry)).all()


def _words(connection: Connection, case: str, kind: str) -> dict[int, dict[str, Any]]:
    query = select(words.c.entry, words.c.field, words.c.text)
    query = query.where(words.c.case == case, words.c.kind == kind)
    said: dict[int, dict[str, Any]] = defaultdict(dict)
    for entry, name, text in connection.execute(query):
        said[entry][name] = json.loads(text)
    return said
