"""Questions that are kept under a name, as entries of the case: the newest of a name is meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from holdfast.core.errors import InputError
from holdfast.vault import tables

if TYPE_CHECKING:
    from holdfast.acts.act import Session
    from holdfast.core.canonical import Json

_LONGEST = 64


@dataclass(frozen=True)
class Kept:
    """A question as the log has it."""

    name: str
    query: str
    entry: int
    time: str
    by: str

    def as_json(self) -> dict[str, Json]:
        """Return what a list of them prints with `--json`."""
        return dict(vars(self))


def check_name(name: str, what: str) -> None:
    """Raise unless `name` can be the name of `what` ("a search").

    Raises:
        InputError: it can't.
    """
    if not name.strip() or len(name) > _LONGEST or not name.isprintable() or name != name.strip():
        raise InputError(
            f"{name!r} can't be the name of {what}",
            f"use up to {_LONGEST} letters, digits and signs",
        )


def newest(session: Session, case: str, act: str) -> dict[str, Kept]:
    """Return the newest question of each name that entries of `act` keep, by name."""
    session.vault.current()
    table = tables.entries
    query = select(table.c.index).where(table.c.case == case, table.c.act == act)
    indexes = session.look_up(lambda c: c.scalars(query.order_by(table.c.index)).all())
    found: dict[str, Kept] = {}
    for index in indexes:
        (entry,) = session.vault.log.entries(index, index + 1)
        fields: dict[str, Any] = entry.fields
        asked = fields.get("request")
        if isinstance(asked, dict):  # erased by order: the entry stays, what it says is gone
            name, text = str(asked["name"]), str(asked["query"])
            actor = fields.get("actor") or {}
            who = str(actor.get("name", "(erased)"))
            found[name] = Kept(name, text, index, str(fields.get("time", "(erased)")), who)
    return dict(sorted(found.items()))
