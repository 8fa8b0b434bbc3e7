"""Exhibits: what the case holds, under the numbers that people say in court."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.cases import things
from holdfast.core.errors import InputError
from holdfast.vault import seized, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, Table
    from sqlalchemy.engine import RowMapping

    from holdfast.core.canonical import Json


_SHORTEST = 8
"""Digits of a digest that are enough to name an item."""


@dataclass(frozen=True)
class Exhibit:
    """One item as this case holds it."""

    case: str
    number: int
    label: str
    item: str
    object: str
    path: str
    size: int
    collected: str
    changed: bool
    wrapped: str | None
    entry: int
    erased: int | None = None
    """The entry that erased it by order; then there is no original."""
    former: tuple[str, ...] = ()
    """Numbers that it had before: they still name it."""

    def as_json(self) -> dict[str, Json]:
        """Return the exhibit as `items --json` prints it."""
        return {
            "case": self.case,
            "changed_while_read": self.changed,
            "collected": self.collected,
            "entry": self.entry,
            "erased": self.erased,
            "exhibit": self.label,
            "former": [*self.former],
            "item": self.item,
            "object": self.object,
            "path": self.path,
            "size": self.size,
        }


def of_case(connection: Connection, case: str, *, erased: bool = False) -> Iterator[Exhibit]:
    """Yield the case's exhibits by number, streaming; with `erased`, also those it had."""
    table = tables.exhibits
    query = select(table).where(table.c.case == case).order_by(table.c.number)
    if not erased:
        query = query.where(table.c.erased.is_(None))
    before = former(connection, case)
    for row in connection.execution_options(yield_per=1000).execute(query).mappings():
        yield _from_row(row, tuple(before.get(row["number"], ())))


def former(connection: Connection, case: str) -> dict[int, list[str]]:
    """Return the labels that exhibits of `case` had before others took their place."""
    table = seized.labels
    query = select(table.c.number, table.c.label).where(table.c.case == case)
    found: dict[int, list[str]] = {}
    for number, label in connection.execute(
        query.where(table.c.ended.is_not(None)).order_by(table.c.ended)
    ):
        found.setdefault(int(number), []).append(str(label))
    return found


def holding(connection: Connection, items: Iterable[str]) -> dict[str, list[Exhibit]]:
    """Return which exhibits, of any case, hold each of `items`; erased ones hold nothing."""
    wanted, table = list(items), tables.exhibits
    found: dict[str, list[Exhibit]] = {}
    for at in range(0, len(wanted), 500):
        some = wanted[at : at + 500]
        query = select(table).where(table.c.item.in_(some), table.c.erased.is_(None))
        for row in connection.execute(query).mappings():
            found.setdefault(row["item"], []).append(_from_row(row))
    return found


def line(connection: Connection, case: str | None, wanted: str) -> list[int]:
    """Return the entries about what `wanted` names by an exhibit's number or an item's digest.

    From the seizure of the thing that an item was made from, over its making, and on. Without a
    case, those of every case that has such a number.
    """
    held, labels, steps = tables.exhibits, seized.labels, seized.exhibit_steps
    named = set(_numbers(connection, labels, labels.c.label == wanted))
    named |= set(_numbers(connection, held, held.c.exhibit == wanted))
    if len(wanted) >= _SHORTEST:
        named |= set(_numbers(connection, held, held.c.item.startswith(wanted, autoescape=True)))
    found: set[int] = set()
    for of_case, number in named:
        if case not in {None, of_case}:
            continue
        row = held.c.case == of_case, held.c.number == number
        for item, entry in connection.execute(select(held.c.item, held.c.entry).where(*row)):
            found.add(int(entry))
            about = tables.entries
            query = select(about.c.index).where(about.c.case == of_case, about.c.item == item)
            found.update(connection.scalars(query.where(about.c.act != "collect.item")))
        made = seized.made_from
        query = select(made.c.entry).where(made.c.case == of_case, made.c.source == number)
        found.update(connection.scalars(query))
        chain = [number, *things.sources(connection, of_case, number)]
        query = select(steps.c.entry).where(steps.c.case == of_case, steps.c.number.in_(chain))
        found.update(connection.scalars(query))
    return sorted(found)


def _numbers(connection: Connection, table: Table, named: ColumnElement[bool]) -> list[Any]:
    return [
        tuple(row) for row in connection.execute(select(table.c.case, table.c.number).where(named))
    ]


def entered(connection: Connection, objects: list[str]) -> set[str]:
    """Return which of the stored `objects` the log has an entry for."""
    table, found = tables.exhibits, set[str]()
    for at in range(0, len(objects), 500):
        query = select(table.c.object).where(table.c.object.in_(objects[at : at + 500]))
        found.update(connection.scalars(query))
    return found


def _from_row(row: RowMapping, former: tuple[str, ...] = ()) -> Exhibit:
    return Exhibit(
        case=row["case"],
        number=row["number"],
        label=row["exhibit"],
        item=row["item"],
        object=row["object"],
        path=row["path"],
        size=row["size"],
        collected=row["collected"],
        changed=bool(row["changed"]),
        wrapped=row["wrapped"],
        entry=row["entry"],
        erased=row["erased"],
        former=former,
    )


def choose(exhibits: Iterable[Exhibit], wanted: Iterable[str]) -> Iterator[Exhibit]:
    """Yield the exhibits that `wanted` names by label, digest or a digest's first 8+ digits.

    Without any wish, all of them.

    Raises:
        InputError: a wish names nothing.
    """
    wishes = dict.fromkeys(wanted, False)
    starts = [wish for wish in wishes if 8 <= len(wish) < 64]
    for exhibit in exhibits:
        hits = [w for w in (exhibit.label, *exhibit.former, exhibit.item) if w in wishes]
        hits += [w for w in starts if exhibit.item.startswith(w)]
        for wish in hits:
            wishes[wish] = True
        if hits or not wishes:
            yield exhibit
    missing = [wish for wish, met in wishes.items() if not met]
    if missing:
        raise InputError(
            f"the case has no exhibit or item {missing[0]!r}", "see `holdfast items --case CASE`"
        )


def initials(operator: str) -> str:
    """Return what an operator's exhibits start with: `Jane Doe` gives JD, `alice` gives AL."""
    words = [word for word in operator.replace(".", " ").replace("-", " ").split() if word]
    letters = "".join(word[0] for word in words) if len(words) > 1 else "".join(words)[:2]
    kept = "".join(c for c in letters if c.isalnum())
    return kept.upper() or "EX"
