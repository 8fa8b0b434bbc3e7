"""Saved searches: a name for a question, so that it is asked again word for word.

They are entries of the case, so whoever discloses it can show what was looked for, and when it
was first thought of. The newest of a name is meant; the older ones stay in the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from holdfast.acts.act import Needs, Session, act
from holdfast.core.errors import InputError
from holdfast.examine import search
from holdfast.vault import tables
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.acts.cases import OneCase
    from holdfast.core.canonical import Json

SAVE = "search.save"
_LONGEST = 64


@dataclass(frozen=True)
class SavedSearch:
    """A search and its name."""

    case: str
    name: str
    query: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"name": self.name, "query": self.query}


@dataclass(frozen=True)
class Saved:
    """A saved search as the log has it."""

    name: str
    query: str
    entry: int
    time: str
    by: str

    def as_json(self) -> dict[str, Json]:
        """Return what `searches --json` prints."""
        return dict(vars(self))


@act(SAVE, Needs.AUTHORITY)
def save(session: Session, request: SavedSearch) -> None:
    """Enter a search under its name; it is not asked by that.

    Raises:
        InputError: no name that can be one, or nothing to look for.
    """
    name = request.name
    if not name.strip() or len(name) > _LONGEST or not name.isprintable() or name != name.strip():
        raise InputError(
            f"{name!r} can't be the name of a search",
            f"use up to {_LONGEST} letters, digits and signs",
        )
    search.parse(request.query)
    session.custody.enter(Draft(SAVE, request.case, {"request": request.facts()}))


@act("searches", Needs.CASE, reads=True)
def searches(session: Session, request: OneCase) -> Iterator[Saved]:
    """Yield the case's saved searches by name, the newest of each."""
    session.vault.current()
    yield from sorted(_newest(session, request.case).values(), key=lambda one: one.name)


def find(session: Session, case: str, name: str) -> str:
    """Return the query that was saved in `case` as `name`.

    Raises:
        InputError: there is none.
    """
    session.vault.current()
    saved = _newest(session, case).get(name)
    if saved is None:
        raise InputError(
            f"case {case} has no saved search {name!r}", f"see `holdfast searches --case {case}`"
        )
    return saved.query


def _newest(session: Session, case: str) -> dict[str, Saved]:
    table = tables.entries
    query = select(table.c.index).where(table.c.case == case, table.c.act == SAVE)
    indexes = session.look_up(lambda c: c.scalars(query.order_by(table.c.index)).all())
    found: dict[str, Saved] = {}
    for index in indexes:
        (entry,) = session.vault.log.entries(index, index + 1)
        fields: dict[str, Any] = entry.fields
        asked = fields.get("request")
        if isinstance(asked, dict):  # erased by order: the entry stays, what it says is gone
            name, text = str(asked["name"]), str(asked["query"])
            actor = fields.get("actor") or {}
            who = str(actor.get("name", "(erased)"))
            found[name] = Saved(name, text, index, str(fields.get("time", "(erased)")), who)
    return found
