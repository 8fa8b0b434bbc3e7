"""Acts that show which items a case has, as people look for them: facets, words, badges.

They tell what the log and the examination say of items, and read no evidence.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.acts.act import Needs, Session, act
from holdfast.cases import exhibits
from holdfast.core.errors import InputError
from holdfast.examine import results
from holdfast.vault import restrictions, tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json

PAGE = 100
STATES = ("examined", "not examined", "incomplete", "changed", "restricted", "erased")
"""What may be said of an item: `incomplete` is one of which something could not be read."""
CHECK = "item.check"


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Which items."""

    case: str
    words: str = ""
    """All of them are in its path, exhibit or digest; case doesn't matter."""
    type: str = ""
    state: str = ""
    after: int = 0
    """The exhibit's number that the page begins behind."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"state": self.state, "type": self.type, "words": self.words}


@dataclass(frozen=True)
class Row:
    """An exhibit, and what is known of it."""

    exhibit: Exhibit
    type: str
    """A guess from its first bytes; empty where it was not examined."""
    states: tuple[str, ...]
    """Some of `STATES`."""
    files: int | None = None
    """Files in it, itself among them; None where it was not examined."""

    def as_json(self) -> dict[str, Json]:
        """Return what is printed of it."""
        states: list[Json] = [*self.states]
        return {**self.exhibit.as_json(), "files": self.files, "states": states, "type": self.type}


@dataclass(frozen=True)
class Found:
    """A page of items, and counts over all that match but for the facet itself."""

    rows: tuple[Row, ...]
    count: int
    types: tuple[tuple[str, int], ...]
    states: tuple[tuple[str, int], ...]
    next: int | None
    """What `after` is for the next page; None where this is the last."""

    def as_json(self) -> dict[str, Json]:
        """Return what `item list --json` prints."""
        return {
            "count": self.count,
            "items": [row.as_json() for row in self.rows],
            "next": self.next,
            "states": dict(self.states),
            "types": dict(self.types),
        }


@act("items.find", Needs.CASE, reads=True)
def catalogue(session: Session, request: Catalogue) -> Found:
    """Return a page of the case's items, with facets that follow each other.

    Raises:
        InputError: there is no such state.
    """
    if request.state and request.state not in STATES:
        raise InputError(f"{request.state!r} is no state of items", f"one of {', '.join(STATES)}")
    words = request.words.casefold().split()
    types = Counter[str]()
    states = Counter[str]()
    hits: list[Row] = []
    count = 0
    for row in _rows(session, request.case):
        if not all(word in _text(row) for word in words):
            continue
        of_type = not request.type or row.type == request.type
        of_state = not request.state or request.state in row.states
        if of_state and row.type:
            types[row.type] += 1
        if of_type:
            states.update(row.states)
        if of_type and of_state:
            count += 1
            if row.exhibit.number > request.after and len(hits) <= PAGE:
                hits.append(row)
    following = hits[PAGE - 1].exhibit.number if len(hits) > PAGE else None
    ordered = tuple((name, states[name]) for name in STATES if states[name])
    return Found(tuple(hits[:PAGE]), count, tuple(types.most_common(20)), ordered, following)


def _text(row: Row) -> str:
    one = row.exhibit
    return f"{one.path} {one.label} {one.item}".casefold()


def _rows(session: Session, case: str) -> Iterator[Row]:
    restricted = session.look_up(restrictions.restricted)
    derived = session.vault.derived
    for exhibit in session.look_up(lambda c: list(exhibits.of_case(c, case, erased=True))):
        yield _row(derived, exhibit, restricted=exhibit.item in restricted)


def _row(derived: Path, exhibit: Exhibit, *, restricted: bool) -> Row:
    marks = ("changed",) * exhibit.changed + ("restricted",) * restricted
    if exhibit.erased is not None:
        return Row(exhibit, "", (*marks, "erased"))
    now = results.current(derived, exhibit.item)
    if now is None:
        return Row(exhibit, "", ("not examined", *marks))
    failures = sum(one.total("failures") for one in now.every().values())
    first = next(results.seen(derived, now), {})
    states = ("examined", *(("incomplete",) if failures else ()), *marks)
    return Row(exhibit, str(first.get("type", "")), states, now.enumeration.total("files"))


@dataclass(frozen=True)
class OneItem:
    """Which exhibit: its label, digest, or the digest's first 8 or more digits."""

    case: str
    item: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"item": self.item}


@dataclass(frozen=True)
class LastCheck:
    """What the log says of the newest check of an item."""

    entry: int
    time: str
    by: str
    states: tuple[tuple[str, str], ...]
    """Step and state, in their order; empty where an order erased them."""

    @property
    def state(self) -> str:
        """`good`, `bad`, or `partly`: good as far as there is proof."""
        found = {state for _, state in self.states}
        return "bad" if "bad" in found else "good" if found == {"good"} else "partly"


@dataclass(frozen=True)
class ItemFacts:
    """An item as the log has it."""

    row: Row
    labels: tuple[str, ...]
    """All exhibits of the case that hold it."""
    check: LastCheck | None

    def as_json(self) -> dict[str, Json]:
        """Return what `item show --json` prints."""
        last = self.check
        check: Json = None
        if last is not None:
            check = {"by": last.by, "entry": last.entry, "state": last.state,
                     "steps": dict(last.states), "time": last.time}  # fmt: skip
        return {**self.row.as_json(), "check": check, "exhibits": [*self.labels]}


@act("item.show", Needs.CASE, reads=True)
def show_item(session: Session, request: OneItem) -> ItemFacts:
    """Return what the log and the examination say of one item.

    Raises:
        InputError: the case has no such exhibit.
    """
    session.vault.current()
    held = session.look_up(lambda c: list(exhibits.of_case(c, request.case, erased=True)))
    chosen = list(exhibits.choose(held, [request.item]))
    exhibit = chosen[0]
    restricted = exhibit.item in session.look_up(restrictions.restricted)
    row = _row(session.vault.derived, exhibit, restricted=restricted)
    labels = tuple(one.label for one in held if one.item == exhibit.item)
    return ItemFacts(row, labels, _last_check(session, exhibit))


def _last_check(session: Session, exhibit: Exhibit) -> LastCheck | None:
    table = tables.entries
    query = select(table.c.index).where(
        table.c.act == CHECK, table.c.item == exhibit.item, table.c.case == exhibit.case
    )
    index = session.look_up(lambda c: c.scalar(query.order_by(table.c.index.desc()).limit(1)))
    if index is None:
        return None
    (entry,) = session.vault.log.entries(index, index + 1)
    result = entry.fields.get("result") or {}
    states = tuple(sorted(dict(result.get("states", {})).items()))
    actor = entry.fields.get("actor") or {}
    return LastCheck(index, str(entry.fields.get("time", "")), str(actor.get("name", "")), states)
