"""Acts on physical exhibits: seize, seal, unseal, move, return to the owner.

Each is an entry. What people wrote (what it is, where, from whom, why) are fields of their own, so
that an order can erase one; the rest keeps the chain together. docs/formats/exhibits.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.holding import check_hold
from holdfast.cases import case as cases
from holdfast.cases import numbered, things
from holdfast.cases.numbering import check_label
from holdfast.core import clock
from holdfast.core.errors import InputError
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from holdfast.cases.things import Thing
    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class Seize:
    """What was taken, where, from whom, when and by whom, under which seals."""

    case: str
    what: str
    where: str
    person: str = ""
    """From whom; empty where nobody was there."""
    when: str = ""
    """RFC 3339; now, if left out."""
    by: str = ""
    """Who took it, if that is not who enters it."""
    seals: tuple[str, ...] = ()
    place: str = ""
    """Where it is kept."""
    label: str = ""
    """Its number, if it has one already; else the next of the case."""
    part_of: str = ""
    """The physical exhibit in which it was found: its number is then one of that one's parts."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"label": self.label, "part_of": self.part_of, "seals": [*self.seals]}


@act("exhibit.seize", Needs.AUTHORITY)
def seize(session: Session, request: Seize) -> Thing:
    """Enter a seizure; the exhibit gets its number here.

    Raises:
        InputError: something that must be said is missing, a number or seal was used before.
        DeniedError: the authority did not cover that time.
    """
    _said(request.what, "what was seized", "--what TEXT")
    _said(request.where, "where it was seized", "--where TEXT")
    now = clock.now()
    when = clock.from_text(request.when) if request.when else now
    if when > now:
        raise InputError(
            f"{clock.to_text(when)} has not come yet", "give the time of the seizure: --when TIME"
        )
    number = 0

    def build(connection: Connection) -> Sequence[Draft]:
        nonlocal number
        case = cases.find(connection, request.case)
        case.check_open()
        case.authority.check_time(case.id, when)
        exhibit: dict[str, Json] = {}
        if request.part_of:
            parent = things.find(connection, case.id, request.part_of)
            exhibit["parent"] = parent.label
            (label,) = numbered.parts(connection, case.id, parent.label, 1)
        else:
            (label,) = numbered.wholes(connection, case.id, request.by or session.operator, 1)
        if request.label:
            label = check_label(request.label)
            numbered.check_free(connection, case.id, label)
        number = case.exhibits + 1
        seals: list[Json] = [*things.check_seal_numbers(connection, case.id, request.seals)]
        exhibit |= {"label": label, "number": number, "seals": seals}
        fields: dict[str, Json] = {
            "exhibit": exhibit,
            "seizure": {"by": request.by or session.operator, "time": clock.to_text(when)},
            "what": request.what,
            "where": request.where,
        }
        fields |= {"person": request.person} if request.person else {}
        fields |= {"place": request.place} if request.place else {}
        return [Draft("exhibit.seize", case.id, fields)]

    session.custody.decide(build)
    return _now(session, request.case, number)


def _now(session: Session, case: str, number: int) -> Thing:
    every = session.look_up(lambda connection: things.every(connection, case))
    return next(one for one in every if one.number == number)


def _said(text: str, what: str, option: str) -> None:
    if not text.strip():
        raise InputError(f"it must be said {what}", option)


@dataclass(frozen=True)
class Seal:
    """Which seals are put on which exhibit."""

    case: str
    exhibit: str
    seals: tuple[str, ...]
    reason: str = ""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [self.exhibit], "seals": [*self.seals]}


@act("exhibit.seal", Needs.CASE)
def seal(session: Session, request: Seal) -> Thing:
    """Enter that seals were put on.

    Raises:
        InputError: no such exhibit, or a seal that was used before.
        DeniedError: another holds it.
    """
    if not request.seals:
        raise InputError("no seal is named", "name its number: --seal N")

    def draft(connection: Connection, thing: Thing) -> Draft:
        seals: list[Json] = [*things.check_seal_numbers(connection, thing.case, request.seals)]
        return _draft("exhibit.seal", thing, {"seals": seals}, {"reason": request.reason})

    return change(session, request.case, request.exhibit, draft)


@dataclass(frozen=True)
class Unseal:
    """Which seals were broken, why, and how they were found before."""

    case: str
    exhibit: str
    seals: tuple[str, ...]
    reason: str
    damaged: bool = False
    """Whether a seal was found broken or altered, and not by who enters it."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [self.exhibit], "seals": [*self.seals]}


@act("exhibit.unseal", Needs.CASE)
def unseal(session: Session, request: Unseal) -> Thing:
    """Enter that seals were broken.

    Raises:
        InputError: no such exhibit, a seal that is not on it, or no reason.
        DeniedError: another holds it.
    """
    _said(request.reason, "why a seal is broken", "--reason TEXT")
    if not request.seals:
        raise InputError("no seal is named", "name its number: --seal N")

    def draft(_connection: Connection, thing: Thing) -> Draft:
        thing.check_seals(request.seals)
        seals: list[Json] = [*request.seals]
        said: dict[str, Json] = {"found": "damaged" if request.damaged else "intact"}
        return _draft("exhibit.unseal", thing, {"seals": seals, **said}, {"reason": request.reason})

    return change(session, request.case, request.exhibit, draft)


@dataclass(frozen=True)
class Move:
    """To which place an exhibit was brought, and why."""

    case: str
    exhibit: str
    place: str
    reason: str = ""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [self.exhibit]}


@act("exhibit.move", Needs.CASE)
def move(session: Session, request: Move) -> Thing:
    """Enter that an exhibit was brought to another place.

    Raises:
        InputError: no such exhibit, or no place.
        DeniedError: another holds it.
    """
    _said(request.place, "where it is brought", "--to TEXT")
    texts = {"place": request.place, "reason": request.reason}

    def draft(_connection: Connection, thing: Thing) -> Draft:
        return _draft("exhibit.move", thing, {}, texts)

    return change(session, request.case, request.exhibit, draft)


@dataclass(frozen=True)
class Return:
    """To whom an exhibit was given back, and by whose order."""

    case: str
    exhibit: str
    person: str
    order: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [self.exhibit]}


@act("exhibit.return", Needs.CASE)
def give_back(session: Session, request: Return) -> Thing:
    """Enter that an exhibit was given back: the unit has it no more.

    Raises:
        InputError: no such exhibit, no person or no order.
        DeniedError: another holds it, or a legal hold does.
    """
    _said(request.person, "to whom it is given back", "--person TEXT")
    _said(request.order, "by whose order", "--order TEXT")
    texts = {"order": request.order, "person": request.person}

    def draft(connection: Connection, thing: Thing) -> Draft:
        check_hold(connection, thing.case, set())
        return _draft("exhibit.return", thing, {}, texts)

    return change(session, request.case, request.exhibit, draft)


def change(
    session: Session,
    case: str,
    wanted: str,
    draft: Callable[[Connection, Thing], Draft],
    *,
    held: bool = True,
) -> Thing:
    """Enter what `draft` makes of an exhibit that who acts must hold; return it as it is then.

    Raises:
        InputError: no such exhibit.
        DeniedError: another holds it.
    """
    number = 0

    def build(connection: Connection) -> Sequence[Draft]:
        nonlocal number
        thing = things.find(connection, case, wanted)
        number = thing.number
        if held:
            thing.check_held(session.operator)
        return [draft(connection, thing)]

    session.custody.decide(build)
    return _now(session, case, number)


def _draft(name: str, thing: Thing, said: dict[str, Json], texts: dict[str, str]) -> Draft:
    exhibit: dict[str, Json] = {**thing.facts(), **said}
    fields: dict[str, Json] = {"exhibit": exhibit}
    return Draft(name, thing.case, {**fields, **{k: v for k, v in texts.items() if v.strip()}})
