"""Acts that show physical exhibits: which there are, and the chain of one from its seizure on.

The chain of an item begins with the thing from which it was made. Only the log is read for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from holdfast.acts.act import Needs, Session, act
from holdfast.cases import case as cases
from holdfast.cases import exhibits, things
from holdfast.core.errors import InputError
from holdfast.vault import seized, tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from holdfast.acts.cases import OneCase
    from holdfast.cases.exhibits import Exhibit
    from holdfast.cases.things import Thing
    from holdfast.core.canonical import Json
    from holdfast.vault.entry import Entry

ERASED = "(erased)"
_TEXTS = (
    *("what", "where", "person", "seizure", "place", "reason", "order", "method"),
    *("receipt", "note", "how"),
)
"""What people wrote: each a field of its own, which an order can erase."""


@dataclass(frozen=True)
class Link:
    """One entry of a chain."""

    entry: int
    time: str
    actor: str
    signed: bool
    act: str
    exhibit: str
    """The number that the exhibit had then."""
    said: dict[str, Any]
    """What the entry says: texts by their fields, and of `exhibit` what is more than its name."""

    def as_json(self) -> dict[str, Json]:
        """Return it as `exhibit show --json` prints it."""
        return dict(vars(self))


@dataclass(frozen=True)
class Shown:
    """A physical exhibit and what was said of it."""

    thing: Thing
    what: str
    where: str
    person: str
    taken: str
    """When it was seized: RFC 3339."""
    by: str
    place: str
    """Where it was brought last; empty where nobody said."""
    items: tuple[tuple[str, str, str], ...] = ()
    """Label, digest and kind of each item that was made from it, or shows it."""

    def as_json(self) -> dict[str, Json]:
        """Return it as `exhibit list --json` prints it."""
        items: list[Json] = [
            {"exhibit": label, "item": item, "kind": kind} for label, item, kind in self.items
        ]
        texts = {k: v for k, v in vars(self).items() if k not in {"thing", "items"}}
        return {**self.thing.as_json(), **texts, "items": items}


@dataclass(frozen=True)
class Chain:
    """What became of an exhibit, from the seizure on."""

    case: str
    title: str
    exhibit: str
    shown: Shown | None
    """The thing; None for an item."""
    item: Exhibit | None
    sources: tuple[Shown, ...]
    """The things from which the item was made, the nearest first."""
    links: tuple[Link, ...]

    def as_json(self) -> dict[str, Json]:
        """Return it as `exhibit show --json` prints it."""
        return {
            "case": self.case,
            "exhibit": self.exhibit,
            "item": None if self.item is None else self.item.as_json(),
            "links": [one.as_json() for one in self.links],
            "made_from": [one.as_json() for one in self.sources],
            "thing": None if self.shown is None else self.shown.as_json(),
            "title": self.title,
        }


@act("exhibit.list", Needs.CASE, reads=True)
def listed(session: Session, request: OneCase) -> list[Shown]:
    """Return the case's physical exhibits, by number."""
    every = session.look_up(lambda connection: things.every(connection, request.case))
    return [_shown(session, one) for one in every]


@dataclass(frozen=True)
class OneExhibit:
    """Which exhibit: a physical one or an item, by its number or a digest."""

    case: str
    exhibit: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [self.exhibit]}


@act("exhibit.show", Needs.CASE, reads=True)
def chain(session: Session, request: OneExhibit) -> Chain:
    """Return an exhibit and its chain.

    Raises:
        InputError: the case has no such exhibit.
    """
    case = session.look_up(lambda connection: cases.find(connection, request.case))
    every = session.look_up(lambda connection: things.every(connection, request.case))
    by_number = {one.number: one for one in every}
    named = (o for o in every if request.exhibit == o.label or request.exhibit in o.former)
    thing = next(named, None)
    if thing is not None:
        number = thing.number
        made = session.look_up(lambda c: _made_of(c, case.id, number))
        links = _links(session, case.id, [number], [one.entry for one in made])
        return Chain(case.id, case.title, thing.label, _shown(session, thing), None, (), links)
    held = session.look_up(lambda c: list(exhibits.of_case(c, case.id, erased=True)))
    found = list(exhibits.choose(held, [request.exhibit]))
    if len(found) > 1:
        raise InputError(
            f"{request.exhibit!r} names {len(found)} exhibits", "name one by its number"
        )
    (item,) = found
    numbers = session.look_up(lambda c: things.sources(c, case.id, item.number))
    links = _links(session, case.id, [*numbers, item.number], [item.entry])
    sources = tuple(_shown(session, by_number[one]) for one in numbers if one in by_number)
    return Chain(case.id, case.title, item.label, None, item, sources, links)


def _links(session: Session, case: str, numbers: list[int], more: list[int]) -> tuple[Link, ...]:
    steps = seized.exhibit_steps
    query = select(steps.c.entry).where(steps.c.case == case, steps.c.number.in_(numbers))
    indexes = session.look_up(lambda c: c.scalars(query).all())
    return tuple(_link(_entry(session, one)) for one in sorted({*indexes, *more}))


def _entry(session: Session, index: int) -> Entry:
    (entry,) = session.vault.log.entries(index, index + 1)
    return entry


def _link(entry: Entry) -> Link:
    fields = entry.fields
    actor, exhibit = fields.get("actor") or {}, fields.get("exhibit") or {}
    said = {name: fields[name] for name in _TEXTS if name in fields}
    said |= dict.fromkeys(_erased(entry), ERASED)
    more = {k: v for k, v in exhibit.items() if k not in {"label", "number"} and v not in ([], "")}
    if entry.act == "collect.item":
        said["item"], said["path"] = fields["item"], fields.get("path", {}).get("text", ERASED)
    return Link(
        entry.index,
        str(fields.get("time", ERASED)),
        str(actor.get("name", ERASED)),
        actor.get("key") is not None,
        entry.act,
        str(exhibit.get("label", "")),
        {**said, **more},
    )


def _erased(entry: Entry) -> list[str]:
    return [name for name in _TEXTS if name in entry.commitments and name not in entry.disclosures]


def _made_of(connection: Connection, case: str, number: int) -> list[Any]:
    """Return rows (exhibit, item, kind, entry) of the items made from a physical exhibit."""
    made, held = seized.made_from, tables.exhibits
    query = select(held.c.exhibit, held.c.item, made.c.kind, made.c.entry)
    query = query.join(made, (made.c.case == held.c.case) & (made.c.number == held.c.number))
    query = query.where(made.c.case == case, made.c.source == number).order_by(held.c.number)
    return list(connection.execute(query).all())


def _shown(session: Session, thing: Thing) -> Shown:
    first = _entry(session, thing.entry)
    fields = first.fields
    lost = dict.fromkeys(_erased(first), ERASED)
    steps, entries = seized.exhibit_steps, tables.entries
    query = select(steps.c.entry).join(entries, entries.c.index == steps.c.entry)
    query = query.where(steps.c.case == thing.case, steps.c.number == thing.number)
    query = query.where(entries.c.act.in_(("exhibit.move", "exhibit.accept")))
    place = str(fields.get("place", lost.get("place", "")))
    for index in session.look_up(lambda c: c.scalars(query.order_by(steps.c.entry.desc())).all()):
        later = _entry(session, index)
        if "place" in later.commitments:
            place = str(later.fields.get("place", ERASED))
            break
    seizure = fields.get("seizure") or {}
    made = session.look_up(lambda c: _made_of(c, thing.case, thing.number))
    return Shown(
        thing,
        what=str(fields.get("what", ERASED)),
        where=str(fields.get("where", ERASED)),
        person=str(fields.get("person", lost.get("person", ""))),
        taken=str(seizure.get("time", ERASED)),
        by=str(seizure.get("by", ERASED)),
        place=place,
        items=tuple((row.exhibit, row.item, row.kind) for row in made),
    )
