"""Which exhibit numbers of a case are free: asked of the log's state where an entry is decided."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from holdfast.cases.exhibits import initials
from holdfast.cases.numbering import Facts, Pattern, letter
from holdfast.core.errors import InputError
from holdfast.vault import seized, settings, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

SETTING = "exhibit_numbers"
"""The vault's setting: how numbers read in cases that have no pattern of their own."""
_AT_ONCE = 500
_COLLECTS = ("collect.item", "exhibit.seize")


def pattern(connection: Connection, case: str | None) -> Pattern:
    """Return how the numbers of `case` read; without a case, those of the vault."""
    table = seized.numbering
    query = select(table.c.whole, table.c.part).where(table.c.case == case)
    own = connection.execute(query).one_or_none()
    if own is not None:
        return Pattern(*own)
    said = settings.read(connection, SETTING)
    return Pattern(**said) if isinstance(said, dict) else Pattern()  # type: ignore[arg-type]


def wholes(connection: Connection, case: str, operator: str, count: int) -> list[str]:
    """Return the next `count` numbers that `operator` gives in `case`; none was ever given."""
    chosen = pattern(connection, case)
    cases, labels = tables.cases, seized.labels
    given = connection.scalar(select(cases.c.exhibits).where(cases.c.case == case)) or 0
    parts = connection.scalar(
        select(func.count()).where(labels.c.case == case, labels.c.parent.is_not(None))
    )
    number = given - (parts or 0) + 1
    own, place = 1, 0
    if "{own" in chosen.whole or "{letter" in chosen.whole:
        own, place = _of_person(connection, case, operator)
    facts = Facts(case, initials(operator), letter(place), number, own)
    return list(islice(_free(connection, case, chosen.wholes(facts)), count))


def parts(connection: Connection, case: str, parent: str, count: int) -> list[str]:
    """Return the next `count` numbers of parts of `parent`; none was ever given."""
    labels = seized.labels
    given = connection.scalar(
        select(func.count()).where(labels.c.case == case, labels.c.parent == parent)
    )
    found = pattern(connection, case).parts(parent, given or 0)
    return list(islice(_free(connection, case, found), count))


def check_free(connection: Connection, case: str, label: str) -> None:
    """Raise where `label` is, or was, an exhibit's number in `case`.

    Raises:
        InputError: so.
    """
    if _taken(connection, case, [label]):
        raise InputError(
            f"{label} is, or was, an exhibit's number in case {case}", "numbers are never reused"
        )


def _of_person(connection: Connection, case: str, operator: str) -> tuple[int, int]:
    """Return the person's next number of their own, and their place among who collected."""
    table = tables.entries
    query = select(table.c.actor, func.min(table.c.index), func.count())
    query = query.where(table.c.case == case, table.c.act.in_(_COLLECTS)).group_by(table.c.actor)
    found = sorted(connection.execute(query).all(), key=lambda row: int(row[1]))
    for place, (name, _, count) in enumerate(found):
        if name == operator:
            return int(count) + 1, place
    return 1, len(found)


def _free(connection: Connection, case: str, candidates: Iterator[str]) -> Iterator[str]:
    while True:
        some = list(islice(candidates, _AT_ONCE))
        taken = _taken(connection, case, some)
        yield from (one for one in some if one not in taken)


def _taken(connection: Connection, case: str, wanted: Iterable[str]) -> set[str]:
    some, labels, held = list(wanted), seized.labels, tables.exhibits
    known = select(labels.c.label).where(labels.c.case == case, labels.c.label.in_(some))
    items = select(held.c.exhibit).where(held.c.case == case, held.c.exhibit.in_(some))
    return {*connection.scalars(known), *connection.scalars(items)}
