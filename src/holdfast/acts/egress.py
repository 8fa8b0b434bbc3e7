"""The act of saying whether, and how, captures record the public address they were made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.cases.web_scope import Place
from holdfast.collect.web.egress import SETTING, Egress, checked_address
from holdfast.core.errors import InputError
from holdfast.vault import settings

if TYPE_CHECKING:
    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class SetEgress:
    """The unit's address, or who is asked for it; neither: it is recorded no more."""

    address: str | None = None
    ask: str | None = None
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"address": self.address, "ask": self.ask}


@act("egress.set", Needs.NOTHING)
def set_egress(session: Session, request: SetEgress) -> Egress | None:
    """Change what captures record of the public address; return it.

    Raises:
        InputError: both are given, or one is malformed.
    """
    if request.address is not None and request.ask is not None:
        raise InputError("either the address is given or somebody is asked", "name one of them")
    chosen = None
    if request.address is not None:
        chosen = Egress(address=checked_address(request.address))
    elif request.ask is not None:
        Place.parse(request.ask)
        chosen = Egress(ask=request.ask)
    session.custody.enter(settings.change(SETTING, None if chosen is None else chosen.facts()))
    return chosen


def egress(session: Session) -> Egress | None:
    """Return what captures record of the public address; None for nothing."""
    return Egress.of(session.look_up(lambda connection: settings.read(connection, SETTING)))
