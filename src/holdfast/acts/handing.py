"""Hand-over of a physical exhibit: signed by who gives, and again by who accepts.

Until it is accepted, who gave it answers for it. To somebody who is no operator it goes against a
receipt, and comes back by an acceptance. docs/formats/exhibits.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.seizing import change
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import roles, seized
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from holdfast.cases.things import Thing
    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class Hand:
    """To whom an exhibit is given, and for what."""

    case: str
    exhibit: str
    to: str
    """An operator of this vault; else whoever signs the receipt."""
    reason: str
    receipt: str = ""
    """What the receipt of somebody outside is filed as; empty for an operator."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [self.exhibit]}


@act("exhibit.hand", Needs.CASE)
def hand(session: Session, request: Hand) -> Thing:
    """Give an exhibit to somebody; an operator has to accept it before they hold it.

    Raises:
        InputError: no such exhibit, no purpose, or no receipt of somebody outside.
        DeniedError: another holds it, or the act is not signed.
    """
    if not request.reason.strip() or not request.to.strip():
        raise InputError("a hand-over says to whom and for what", "--to NAME --reason TEXT")
    _check_signs(session)

    def draft(connection: Connection, thing: Thing) -> Draft:
        seals: list[Json] = [*thing.seals]
        exhibit: dict[str, Json] = {**thing.facts(), "seals": seals}
        if request.receipt.strip():
            texts: dict[str, Json] = {"person": request.to, "receipt": request.receipt}
        elif request.to == session.operator:
            raise InputError(f"{request.to} holds {thing.label} already", "name another: --to NAME")
        elif roles.known(connection, request.to):
            exhibit["to"] = request.to
            texts = {}
        else:
            raise InputError(
                f"{request.to!r} is no operator of this vault, so can't accept it here",
                "say under what their receipt is filed: --receipt TEXT",
            )
        fields: dict[str, Json] = {"exhibit": exhibit, "reason": request.reason, **texts}
        return Draft("exhibit.hand", thing.case, fields)

    return change(session, request.case, request.exhibit, draft)


@dataclass(frozen=True)
class Accept:
    """Which exhibit is accepted, how its seals were found, and where it is kept now."""

    case: str
    exhibit: str
    seals: tuple[str, ...] = ()
    """The seals that the receiver saw on it, intact."""
    place: str = ""
    note: str = ""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [self.exhibit], "seals": [*self.seals]}


@act("exhibit.accept", Needs.CASE)
def accept(session: Session, request: Accept) -> Thing:
    """Accept an exhibit: from here on who accepts answers for it.

    A difference between the seals that were seen and those that the log has is entered, not hidden.

    Raises:
        InputError: no such exhibit.
        DeniedError: it was offered to another, or the act is not signed.
    """
    _check_signs(session)

    def draft(connection: Connection, thing: Thing) -> Draft:
        thing.check_there()
        _check_receiver(connection, thing, session.operator)
        seen: list[Json] = [*sorted(set(request.seals))]
        missing: list[Json] = [*sorted(set(thing.seals) - set(request.seals))]
        strange: list[Json] = [*sorted(set(request.seals) - set(thing.seals))]
        exhibit: dict[str, Json] = {**thing.facts(), "seals": seen}
        exhibit |= {"missing": missing} if missing else {}
        exhibit |= {"strange": strange} if strange else {}
        fields: dict[str, Json] = {"exhibit": exhibit}
        fields |= {"place": request.place} if request.place.strip() else {}
        fields |= {"note": request.note} if request.note.strip() else {}
        return Draft("exhibit.accept", thing.case, fields)

    return change(session, request.case, request.exhibit, draft, held=False)


def _check_receiver(connection: Connection, thing: Thing, name: str) -> None:
    if thing.state == seized.OFFERED and thing.offered_to != name:
        raise DeniedError(
            f"{thing.label} was handed to {thing.offered_to}, not to {name}",
            "have the hand-over ended, and the exhibit handed to you: `holdfast exhibit decline`",
        )
    left = thing.state == seized.HELD and not roles.known(connection, thing.holder)
    if thing.state == seized.HELD and not left:
        raise DeniedError(
            f"{thing.holder} holds {thing.label} and has not handed it over",
            "have it handed to you: `holdfast exhibit hand`",
        )


@dataclass(frozen=True)
class Decline:
    """Which hand-over ends without being accepted, and why."""

    case: str
    exhibit: str
    reason: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [self.exhibit]}


@act("exhibit.decline", Needs.CASE)
def decline(session: Session, request: Decline) -> Thing:
    """End a hand-over that waits: who gave it holds it still.

    Raises:
        InputError: no such exhibit, nothing waits, or no reason.
        DeniedError: who acts neither gave nor was given it.
    """
    if not request.reason.strip():
        raise InputError("why a hand-over ends must be said", "--reason TEXT")

    def draft(_connection: Connection, thing: Thing) -> Draft:
        if thing.state != seized.OFFERED:
            raise InputError(f"no hand-over of {thing.label} waits", "see `holdfast exhibit show`")
        if session.operator not in {thing.holder, thing.offered_to}:
            raise DeniedError(
                f"the hand-over of {thing.label} is between {thing.holder} and {thing.offered_to}",
                "one of them ends it",
            )
        fields: dict[str, Json] = {"exhibit": thing.facts(), "reason": request.reason}
        return Draft("exhibit.decline", thing.case, fields)

    return change(session, request.case, request.exhibit, draft, held=False)


def _check_signs(session: Session) -> None:
    """Raise where who acts has no key.

    Raises:
        DeniedError: so; a hand-over that nobody signed proves nothing.
    """
    if session.custody.key is None:
        raise DeniedError(
            f"{session.operator} has no signing key here, and a hand-over must be signed",
            "name your key: --key FILE",
        )
