"""Saved searches: a name for a question, so that it is asked again word for word.

They are entries of the case, so whoever discloses it can show what was looked for, and when it
was first thought of. The newest of a name is meant; the older ones stay in the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts import kept
from holdfast.acts.act import Needs, Session, act
from holdfast.core.errors import InputError
from holdfast.examine import search
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.acts.cases import OneCase
    from holdfast.acts.kept import Kept
    from holdfast.core.canonical import Json

SAVE = "search.save"


@dataclass(frozen=True)
class SavedSearch:
    """A search and its name."""

    case: str
    name: str
    query: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"name": self.name, "query": self.query}


@act(SAVE, Needs.AUTHORITY)
def save(session: Session, request: SavedSearch) -> None:
    """Enter a search under its name; it is not asked by that.

    Raises:
        InputError: no name that can be one, or nothing to look for.
    """
    kept.check_name(request.name, "a search")
    search.parse(request.query)
    session.custody.enter(Draft(SAVE, request.case, {"request": request.facts()}))


@act("searches", Needs.CASE, reads=True)
def searches(session: Session, request: OneCase) -> Iterator[Kept]:
    """Yield the case's saved searches by name, the newest of each."""
    yield from kept.newest(session, request.case, SAVE).values()


def find(session: Session, case: str, name: str) -> str:
    """Return the query that was saved in `case` as `name`.

    Raises:
        InputError: there is none.
    """
    saved = kept.newest(session, case, SAVE).get(name)
    if saved is None:
        raise InputError(
            f"case {case} has no saved search {name!r}", f"see `holdfast searches --case {case}`"
        )
    return saved.query
