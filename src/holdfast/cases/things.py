"""Physical exhibits: what the log says of each, and what may be done with it next.

Whoever holds a thing acts on it; it goes on to another only when that one has accepted it. What is
under seal is not imaged. Decided here on rows; the acts are in `acts/seizing.py` and its siblings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import seized

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json

IMAGE, COPY, PHOTOGRAPH, DOCUMENT = "image", "copy", "photograph", "document"
KINDS = (IMAGE, COPY, PHOTOGRAPH, DOCUMENT)
"""What an item can be to a physical exhibit."""
_OPENS = frozenset({IMAGE, COPY})
"""Kinds that can't be made while the thing is under seal."""
GONE = frozenset({seized.RETURNED, seized.DESTROYED})


@dataclass(frozen=True)
class Thing:
    """A physical exhibit as the log has it now."""

    case: str
    number: int
    label: str
    entry: int
    """The entry of its seizure."""
    state: str
    """`held`, `offered` (until it is accepted), `out`, `returned` or `destroyed`."""
    holder: str
    """The operator who answers for it; empty where it is with somebody outside, or gone."""
    seals: tuple[str, ...]
    """Numbers of the seals that are on it."""
    offered_to: str | None = None
    former: tuple[str, ...] = ()

    def check_there(self) -> None:
        """Raise where the unit has it no more.

        Raises:
            InputError: returned or destroyed.
        """
        if self.state in GONE:
            raise InputError(f"{self.label} was {self.state}", "see `holdfast exhibit show`")

    def check_held(self, name: str) -> None:
        """Raise unless `name` holds it, and has not offered it to somebody.

        Raises:
            InputError: the unit has it no more.
            DeniedError: it is not with them.
        """
        self.check_there()
        if self.state == seized.OFFERED:
            raise DeniedError(
                f"{self.label} is on its way to {self.offered_to}, who has not accepted it yet",
                "wait for it, or end the hand-over: `holdfast exhibit decline`",
            )
        if self.holder != name:
            where = f"{self.holder} holds {self.label}" if self.holder else f"{self.label} is out"
            raise DeniedError(
                f"{where}, not {name}", "have it handed over first: `holdfast exhibit hand`"
            )

    def check_seals(self, wanted: Iterable[str]) -> None:
        """Raise unless each of `wanted` is a seal on it.

        Raises:
            InputError: one is not.
        """
        for seal in wanted:
            if seal not in self.seals:
                raise InputError(
                    f"{self.label} has no seal {seal!r} on it",
                    f"it has: {', '.join(self.seals) or 'none'}",
                )

    def facts(self) -> dict[str, Json]:
        """Return what an entry about it names it by."""
        return {"label": self.label, "number": self.number}

    def as_json(self) -> dict[str, Json]:
        """Return it as `exhibit list --json` prints it."""
        return {
            "case": self.case,
            "entry": self.entry,
            "exhibit": self.label,
            "former": [*self.former],
            "holder": self.holder or None,
            "offered_to": self.offered_to,
            "seals": [*self.seals],
            "state": self.state,
        }


@dataclass(frozen=True)
class Made:
    """What an item is to which physical exhibit."""

    source: str
    """The exhibit's number, as people write it."""
    kind: str = IMAGE

    def facts(self) -> dict[str, Json]:
        """Return it as a request in the log has it."""
        return {"from": self.source, "made": self.kind}

    def check(self) -> None:
        """Raise unless the kind is one.

        Raises:
            InputError: it is none.
        """
        if self.kind not in KINDS:
            raise InputError(f"{self.kind!r} can't be made", f"choose from {', '.join(KINDS)}")


def every(connection: Connection, case: str) -> list[Thing]:
    """Return the case's physical exhibits, by number."""
    table = seized.seized
    query = select(table).where(table.c.case == case).order_by(table.c.number)
    on: dict[int, list[str]] = {}
    for row in _rows(connection, seized.seals, case):
        if row.off is None:
            on.setdefault(row.number, []).append(row.seal)
    offered = {
        row.number: row.receiver
        for row in _rows(connection, seized.transfers, case)
        if row.state == seized.WAITING
    }
    former: dict[int, list[str]] = {}
    for row in _rows(connection, seized.labels, case):
        if row.ended is not None:
            former.setdefault(row.number, []).append(row.label)
    return [
        Thing(
            case, row.number, row.exhibit, row.entry, row.state, row.holder,
            tuple(on.get(row.number, ())), offered.get(row.number),
            tuple(former.get(row.number, ())),
        )
        for row in connection.execute(query).all()
    ]  # fmt: skip


def _rows(connection: Connection, table: Any, case: str) -> list[Any]:
    query = select(table).where(table.c.case == case).order_by(*table.primary_key.columns)
    return list(connection.execute(query).all())


def find(connection: Connection, case: str, wanted: str) -> Thing:
    """Return the physical exhibit that `wanted` names, by its present or a former number.

    Raises:
        InputError: the case has none of that number.
    """
    for one in every(connection, case):
        if wanted == one.label or wanted in one.former:
            return one
    raise InputError(
        f"case {case} has no physical exhibit {wanted!r}", "see `holdfast exhibit list`"
    )


def source(connection: Connection, case: str, made: Made) -> Thing:
    """Return the exhibit from which an item is made, if it can be made now.

    Raises:
        InputError: no such exhibit or kind; the thing is gone, or under seal.
    """
    made.check()
    thing = find(connection, case, made.source)
    if made.kind in _OPENS:
        thing.check_there()
        if thing.seals:
            raise InputError(
                f"{thing.label} is under seal {', '.join(thing.seals)}: it can't have been read so",
                "enter first who broke the seal and why: `holdfast exhibit unseal`",
            )
    return thing


def sources(connection: Connection, case: str, number: int) -> list[int]:
    """Return the numbers of the physical exhibits from which item `number` was made, the nearest
    first, and so on: a copy's parent, and that one's.
    """
    table, found, waiting = seized.made_from, list[int](), [number]
    while waiting:
        query = select(table.c.source).where(table.c.case == case, table.c.number == waiting.pop())
        for one in connection.scalars(query.order_by(table.c.source)):
            if one not in found:
                found.append(int(one))
                waiting.append(int(one))
    return found


def check_seal_numbers(connection: Connection, case: str, given: Iterable[str]) -> list[str]:
    """Return seal numbers that were never used in the case, each once.

    Raises:
        InputError: empty, said twice, or used before.
    """
    wanted = [one.strip() for one in given]
    if len(set(wanted)) != len(wanted) or not all(wanted):
        raise InputError("each seal has a number of its own", "give each number once: --seal N")
    table = seized.seals
    for one in wanted:
        query = select(table.c.on).where(table.c.case == case, table.c.seal == one)
        used = connection.scalar(query)
        if used is not None:
            raise InputError(
                f"seal {one} was used in this case before (entry {used})",
                "a broken seal is not put on again: take a new one",
            )
    return wanted
