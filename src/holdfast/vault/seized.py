"""Numbers of exhibits and physical exhibits: what their entries give in rows.

No text about people stands in a row: what was seized, where and from whom is read from the entries,
from which it can be erased by order. docs/formats/exhibits.md.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    delete,
    insert,
    update,
)

from holdfast.vault import tables

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

    from holdfast.vault.entry import Entry

HELD, OFFERED, OUT, RETURNED, DESTROYED = "held", "offered", "out", "returned", "destroyed"
"""What can be true of a physical exhibit: with an operator, on its way to one, with an outsider."""
WAITING, ACCEPTED, DECLINED = "waiting", "accepted", "declined"

numbering = Table(
    "numbering",
    tables.projection,
    Column("case", String, primary_key=True),
    Column("whole", String, nullable=False),
    Column("part", String, nullable=False),
    Column("entry", BigInteger, nullable=False),
    comment="How exhibit numbers of a case read, where it has a pattern of its own.",
)

labels = Table(
    "labels",
    tables.projection,
    Column("case", String, primary_key=True),
    Column("label", String, primary_key=True),
    Column("number", Integer, nullable=False, comment="of the exhibit, see exhibits and seized"),
    Column("entry", BigInteger, nullable=False),
    Column("parent", String, comment="the exhibit of which this is a part"),
    Column("ended", BigInteger, comment="the entry that gave another in its place"),
    Index("labels_number", "case", "number"),
    comment="Numbers of physical exhibits, of parts, and those that were given later or replaced.",
)

seized = Table(
    "seized",
    tables.projection,
    Column("case", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("exhibit", String, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("holder", String, nullable=False, comment="an operator; empty: somebody outside"),
    comment="Physical exhibits.",
)

exhibit_steps = Table(
    "exhibit_steps",
    tables.projection,
    Column("case", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    comment="The entries that are about an exhibit as a thing: its chain.",
)

seals = Table(
    "seals",
    tables.projection,
    Column("case", String, primary_key=True),
    Column("seal", String, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("on", BigInteger, nullable=False, comment="the entry that put it on"),
    Column("off", BigInteger, comment="the entry that says it was broken"),
    comment="Seals on physical exhibits; no number is used twice in a case.",
)

transfers = Table(
    "transfers",
    tables.projection,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("case", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("giver", String, nullable=False),
    Column("receiver", String, nullable=False, comment="an operator; empty: somebody outside"),
    Column("state", String, nullable=False, comment="waiting, accepted or declined"),
    Column("settled", BigInteger, comment="the entry that ended the waiting"),
    Column("time", String, nullable=False),
    Index("transfers_case", "case"),
    comment="Hand-overs of physical exhibits.",
)

made_from = Table(
    "made_from",
    tables.projection,
    Column("case", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="of the item"),
    Column("source", Integer, primary_key=True, autoincrement=False, comment="the exhibit's"),
    Column("kind", String, nullable=False, comment="image, copy, photograph or document"),
    Column("entry", BigInteger, nullable=False),
    comment="Which items were made from, or show, which physical exhibit.",
)

TABLES = (numbering, labels, seized, exhibit_steps, seals, transfers, made_from)


class Seized:
    """Folds exhibit numbers and physical exhibits."""

    _inserts: dict[Table, list[dict[str, Any]]]
    _later: list[Callable[[Connection], object]]
    _exhibits: Counter[str]

    def pattern_set(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exhibit.pattern`: how the case's numbers read from now on."""
        case, table = fields["case"], numbering
        row = {"case": case, **fields["pattern"], "entry": entry.index}
        self._later.append(lambda c: c.execute(delete(table).where(table.c.case == case)))
        self._later.append(lambda c: c.execute(insert(table), [row]))

    def labelled(self, entry: Entry, fields: dict[str, Any]) -> None:
        """Of a part: `collect.item` that says from which exhibit the item was made."""
        said = fields["exhibit"]
        made = said["made"]
        self._label(entry, fields, made["label"])
        self._made(entry, fields, said["number"], made["from"], made["kind"])

    def renumbered(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exhibit.number`: another number for an exhibit; the former one stays taken."""
        case, said = fields["case"], fields["exhibit"]
        former = {"case": case, "label": said["former"], "number": said["number"]}
        self._later.append(partial(_renumber, row=former, label=said["label"], entry=entry.index))
        self._step(entry, fields)

    def seizure(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exhibit.seize`: a thing that somebody took, and its seals."""
        case, said = fields["case"], fields["exhibit"]
        self._exhibits[case] += 1
        self._inserts[seized].append(
            {
                "case": case,
                "number": said["number"],
                "exhibit": said["label"],
                "entry": entry.index,
                "state": HELD,
                "holder": fields["actor"]["name"],
            }
        )
        self._label(entry, fields, said.get("parent"))
        self._seal(entry, case, said["number"], said["seals"])
        self._step(entry, fields)

    def sealed(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exhibit.seal`: seals put on."""
        said = fields["exhibit"]
        self._seal(entry, fields["case"], said["number"], said["seals"])
        self._step(entry, fields)

    def unsealed(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exhibit.unseal`: seals broken."""
        broken = update(seals).where(seals.c.case == fields["case"])
        broken = broken.where(seals.c.seal.in_(fields["exhibit"]["seals"]))
        self._later.append(lambda c: c.execute(broken.values(off=entry.index)))
        self._step(entry, fields)

    def moved(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exhibit.move`: to another place; the entry says which."""
        self._step(entry, fields)

    def handed(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exhibit.hand`: to an operator, who has to accept it, or to somebody outside."""
        said = fields["exhibit"]
        outside = "to" not in said
        self._inserts[transfers].append(
            {
                "entry": entry.index,
                "case": fields["case"],
                "number": said["number"],
                "giver": fields["actor"]["name"],
                "receiver": said.get("to", ""),
                "state": ACCEPTED if outside else WAITING,
                "time": fields["time"],
                "settled": entry.index if outside else None,
            }
        )
        state = {"state": OUT, "holder": ""} if outside else {"state": OFFERED}
        self._change(fields, state)
        self._step(entry, fields)

    def accepted(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exhibit.accept`: by the receiver; or taken back from somebody outside."""
        self._transferred(entry, fields, ACCEPTED)
        self._change(fields, {"state": HELD, "holder": fields["actor"]["name"]})
        self._step(entry, fields)

    def declined(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exhibit.decline`: by the receiver, or taken back by who offered it."""
        self._transferred(entry, fields, DECLINED)
        self._change(fields, {"state": HELD})
        self._step(entry, fields)

    def ended(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exhibit.return`, `exhibit.destroyed`: the unit has it no more."""
        state = RETURNED if fields["act"] == "exhibit.return" else DESTROYED
        self._change(fields, {"state": state, "holder": ""})
        self._step(entry, fields)

    def made(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exhibit.made`: an item of the case shows, or was made from, a physical exhibit."""
        said = fields["exhibit"]
        self._made(entry, fields, said["made"], said["number"], said["kind"])
        self._step(entry, fields)

    def _label(self, entry: Entry, fields: dict[str, Any], parent: str | None) -> None:
        said = fields["exhibit"]
        self._inserts[labels].append(
            {
                "case": fields["case"],
                "label": said["label"],
                "number": said["number"],
                "entry": entry.index,
                "parent": parent,
                "ended": None,
            }
        )

    def _made(
        self, entry: Entry, fields: dict[str, Any], item: int, source: int, kind: str
    ) -> None:
        self._inserts[made_from].append(
            {
                "case": fields["case"],
                "number": item,
                "source": source,
                "kind": kind,
                "entry": entry.index,
            }
        )

    def _seal(self, entry: Entry, case: str, number: int, given: Iterable[str]) -> None:
        self._inserts[seals] += [
            {"case": case, "seal": one, "number": number, "on": entry.index, "off": None}
            for one in given
        ]

    def _step(self, entry: Entry, fields: dict[str, Any]) -> None:
        self._inserts[exhibit_steps].append(
            {
                "case": fields["case"],
                "number": fields["exhibit"]["number"],
                "entry": entry.index,
            }
        )

    def _change(self, fields: dict[str, Any], values: dict[str, Any]) -> None:
        change = update(seized).where(seized.c.case == fields["case"])
        change = change.where(seized.c.number == fields["exhibit"]["number"])
        self._later.append(lambda c: c.execute(change.values(values)))

    def _transferred(self, entry: Entry, fields: dict[str, Any], state: str) -> None:
        change = update(transfers).where(transfers.c.case == fields["case"])
        change = change.where(transfers.c.number == fields["exhibit"]["number"])
        change = change.where(transfers.c.state == WAITING, transfers.c.entry < entry.index)
        change = change.values(state=state, settled=entry.index)
        self._later.append(lambda c: c.execute(change))


def _renumber(connection: Connection, *, row: dict[str, Any], label: str, entry: int) -> None:
    """Put `label` in the place of the one that `row` names."""
    case, number = row["case"], row["number"]
    known = labels.c.case == case, labels.c.label == row["label"]
    ended = connection.execute(update(labels).where(*known).values(ended=entry))
    if ended.rowcount == 0:
        first = {**row, "entry": entry, "parent": None, "ended": entry}
        connection.execute(insert(labels), [first])
    fresh = {**row, "label": label, "entry": entry, "parent": None, "ended": None}
    connection.execute(insert(labels), [fresh])
    for table in (tables.exhibits, seized):
        of = table.c.case == case, table.c.number == number
        connection.execute(update(table).where(*of).values(exhibit=label))


FOLDS = {
    "exhibit.accept": Seized.accepted,
    "exhibit.decline": Seized.declined,
    "exhibit.destroyed": Seized.ended,
    "exhibit.hand": Seized.handed,
    "exhibit.made": Seized.made,
    "exhibit.move": Seized.moved,
    "exhibit.number": Seized.renumbered,
    "exhibit.pattern": Seized.pattern_set,
    "exhibit.return": Seized.ended,
    "exhibit.seal": Seized.sealed,
    "exhibit.seize": Seized.seizure,
    "exhibit.unseal": Seized.unsealed,
}
