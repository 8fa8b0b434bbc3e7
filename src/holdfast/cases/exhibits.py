"""Exhibits: what the case holds, under the numbers that people say in court."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.core.errors import InputError
from holdfast.vault import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection
    from sqlalchemy.engine import RowMapping

    from holdfast.core.canonical import Json


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

    def as_json(self) -> dict[str, Json]:
        """Return the exhibit as `items --json` prints it."""
        return {
            "case": self.case,
            "changed_while_read": self.changed,
            "collected": self.collected,
            "entry": self.entry,
            "erased": self.erased,
            "exhibit": self.label,
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
    for row in connection.execution_options(yield_per=1000).execute(query).mappings():
        yield _from_row(row)


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


def entered(connection: Connection, objects: list[str]) -> set[str]:
    """Return which of the stored `objects` the log has an entry for."""
    table, found = tables.exhibits, set[str]()
    for at in range(0, len(objects), 500):
        query = select(table.c.object).where(table.c.object.in_(objects[at : at + 500]))
        found.update(connection.scalars(query))
    return found


def _from_row(row: RowMapping) -> Exhibit:
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
        hits = [w for w in (exhibit.label, exhibit.item) if w in wishes]
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
