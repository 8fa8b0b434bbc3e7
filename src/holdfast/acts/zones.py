"""The act of stating a case's time zone: people read times by it, records keep theirs in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.cases import case as cases
from holdfast.core.errors import InputError
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.cases.case import Case
    from holdfast.core.canonical import Json


@cache
def names() -> frozenset[str]:
    """Return the zones that there are.

    The list of the package that comes with us, not the machine's folder: that has `localtime` and
    the like, which mean another zone elsewhere.
    """
    listed = resources.files("tzdata").joinpath("zones").read_text("utf-8")
    return frozenset(listed.split())


@dataclass(frozen=True)
class SetZone:
    """Which zone, by its name in the tz database."""

    case: str
    zone: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"zone": self.zone}


@act("case.zone", Needs.OPEN)
def set_zone(session: Session, request: SetZone) -> Case:
    """State the zone; the same one again enters nothing.

    Raises:
        InputError: the tz database has no such zone.
    """
    name = request.zone.strip()
    if name not in names():
        raise InputError(
            f"there is no time zone {request.zone!r}", "give one such as Africa/Nairobi or UTC"
        )

    def build(connection: Connection) -> Sequence[Draft]:
        found = cases.find(connection, request.case)
        found.check_open()
        if found.zone == name:
            return []
        return [Draft("case.zone", request.case, {"zone": {"name": name}})]

    session.custody.decide(build)
    return session.look_up(lambda connection: cases.find(connection, request.case))
