"""Acts on exhibit numbers: how they read, another for one, and what an item was made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.cases import exhibits, numbered, things
from holdfast.cases.numbering import Pattern, check_label
from holdfast.cases.things import Made
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import roles, settings
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class SetPattern:
    """How numbers read in a case from now on; an empty one stays as it is."""

    case: str
    whole: str = ""
    part: str = ""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"part": self.part, "whole": self.whole}


@act("exhibit.pattern", Needs.CASE)
def set_pattern(session: Session, request: SetPattern) -> Pattern:
    """Set how the case's numbers read; those that were given stay.

    Raises:
        InputError: numbers of such a pattern could not tell exhibits apart.
    """
    chosen = _chosen(session, request.case, request.whole, request.part)
    session.custody.enter(Draft("exhibit.pattern", request.case, {"pattern": chosen.as_json()}))
    return chosen


@dataclass(frozen=True)
class SetDefault:
    """How numbers read in cases that have no pattern of their own."""

    whole: str = ""
    part: str = ""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"part": self.part, "whole": self.whole}


@act("exhibit.pattern.vault", Needs.NOTHING)
def set_default(session: Session, request: SetDefault) -> Pattern:
    """Set how numbers read in the vault; a supervisor of the unit does.

    Raises:
        InputError: numbers of such a pattern could not tell exhibits apart.
        DeniedError: who acts is no supervisor.
    """
    held = session.look_up(lambda connection: roles.held(connection, session.operator))
    if "supervisor" not in held:
        raise DeniedError(f"{session.operator} is no supervisor of this unit", "ask one who is")
    chosen = _chosen(session, None, request.whole, request.part)
    session.custody.enter(settings.change(numbered.SETTING, chosen.as_json()))
    return chosen


def _chosen(session: Session, case: str | None, whole: str, part: str) -> Pattern:
    now = session.look_up(lambda connection: numbered.pattern(connection, case))
    chosen = Pattern(whole or now.whole, part or now.part)
    chosen.check()
    return chosen


def pattern(session: Session, case: str | None) -> Pattern:
    """Return how numbers read in a case, or in the vault."""
    session.vault.current()
    return session.look_up(lambda connection: numbered.pattern(connection, case))


@dataclass(frozen=True)
class Renumber:
    """Which exhibit gets another number; the next of the case, if none is given."""

    case: str
    exhibit: str
    label: str = ""
    reason: str = ""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [self.exhibit], "label": self.label}


@act("exhibit.number", Needs.CASE)
def renumber(session: Session, request: Renumber) -> str:
    """Give an exhibit another number; return it. The former one names it still, and no other.

    Raises:
        InputError: no such exhibit, or a number that was ever given in the case.
    """
    told = ""

    def build(connection: Connection) -> Sequence[Draft]:
        nonlocal told
        number, label, item = _named(connection, request.case, request.exhibit)
        if request.label:
            told = check_label(request.label)
            numbered.check_free(connection, request.case, told)
        else:
            (told,) = numbered.wholes(connection, request.case, session.operator, 1)
        exhibit: dict[str, Json] = {"former": label, "label": told, "number": number}
        fields: dict[str, Json] = {"exhibit": exhibit}
        fields |= {"item": item} if item else {}
        fields |= {"reason": request.reason} if request.reason.strip() else {}
        return [Draft("exhibit.number", request.case, fields)]

    session.custody.decide(build)
    return told


def _named(connection: Connection, case: str, wanted: str) -> tuple[int, str, str]:
    """Return number, label and digest (empty: a physical one) of the one exhibit named."""
    for thing in things.every(connection, case):
        if wanted == thing.label or wanted in thing.former:
            return thing.number, thing.label, ""
    found = list(exhibits.choose(exhibits.of_case(connection, case), [wanted]))
    if len(found) > 1:
        raise InputError(f"{wanted!r} names {len(found)} exhibits", "name one by its number")
    return found[0].number, found[0].label, found[0].item


@dataclass(frozen=True)
class MadeFrom:
    """Which item of the case was made from, or shows, which physical exhibit."""

    case: str
    item: str
    source: str
    kind: str = things.IMAGE
    how: str = ""
    """The tool and the method."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"from": self.source, "items": [self.item], "made": self.kind}


@act("exhibit.made", Needs.AUTHORITY)
def made(session: Session, request: MadeFrom) -> None:
    """Enter that an item, which the case has already, was made from a physical exhibit.

    Raises:
        InputError: no such item or exhibit, or the thing is under seal.
    """

    def build(connection: Connection) -> Sequence[Draft]:
        thing = things.source(connection, request.case, Made(request.source, request.kind))
        held = exhibits.of_case(connection, request.case)
        chosen = list(exhibits.choose(held, [request.item]))
        drafts = []
        for one in chosen:
            if thing.number in things.sources(connection, request.case, one.number):
                raise InputError(
                    f"{one.label} is entered as made from {thing.label} already",
                    "see `holdfast exhibit show`",
                )
            exhibit: dict[str, Json] = {
                **thing.facts(), "item": one.label, "kind": request.kind, "made": one.number
            }  # fmt: skip
            fields: dict[str, Json] = {"exhibit": exhibit, "item": one.item}
            fields |= {"how": request.how} if request.how.strip() else {}
            drafts.append(Draft("exhibit.made", request.case, fields))
        return drafts

    session.custody.decide(build)
