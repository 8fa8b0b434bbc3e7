"""Saved views: a name for a filter of the timeline, as saved searches have one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts import kept
from holdfast.acts.act import Needs, Session, act
from holdfast.core.errors import InputError
from holdfast.examine import filters
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.acts.cases import OneCase
    from holdfast.acts.kept import Kept
    from holdfast.core.canonical import Json

SAVE = "view.save"


@dataclass(frozen=True)
class SavedView:
    """A filter and its name."""

    case: str
    name: str
    filter: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"name": self.name, "query": self.filter}


@act(SAVE, Needs.AUTHORITY)
def save(session: Session, request: SavedView) -> None:
    """Enter a view under its name, its filter in canonical form.

    Raises:
        InputError: no name that can be one, or a filter that can't be read.
    """
    kept.check_name(request.name, "a view")
    canonical = SavedView(request.case, request.name, filters.parse(request.filter).text)
    session.custody.enter(Draft(SAVE, request.case, {"request": canonical.facts()}))


@act("views", Needs.CASE, reads=True)
def views(session: Session, request: OneCase) -> Iterator[Kept]:
    """Yield the case's saved views by name, the newest of each."""
    yield from kept.newest(session, request.case, SAVE).values()


def find(session: Session, case: str, name: str) -> str:
    """Return the filter that was saved in `case` as `name`.

    Raises:
        InputError: there is none.
    """
    saved = kept.newest(session, case, SAVE).get(name)
    if saved is None:
        raise InputError(
            f"case {case} has no saved view {name!r}", f"see `holdfast views --case {case}`"
        )
    return saved.query
