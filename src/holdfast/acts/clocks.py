"""Acts on clocks: state by how much a source's clock was wrong, take that back, list.

Records keep the times that their sources wrote. A statement is an entry, and is applied when a
question is asked (`asking`), which shows both times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.examining import by_item
from holdfast.cases import clocks
from holdfast.cases.clocks import Clocks, Offset, Source
from holdfast.core.errors import InputError
from holdfast.vault import tables
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json

_LONGEST = 1000


@dataclass(frozen=True)
class SetClock:
    """By how much a source's clock was wrong, and how that is known."""

    case: str
    ahead: str
    """Seconds that it was ahead of true time; negative where it was behind."""
    basis: str
    item: str = ""
    """An exhibit or digest."""
    host: str = ""
    within: str = "0"
    """Seconds by which `ahead` may be wrong, either way."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "ahead": self.ahead, "basis": self.basis, "host": self.host, "item": self.item,
            "within": self.within,
        }  # fmt: skip


@act("clock.set", Needs.AUTHORITY)
def set_clock(session: Session, request: SetClock) -> Offset:
    """State an offset; it takes the place of an earlier one of the same source.

    Raises:
        InputError: no source, no basis, or no number of seconds.
    """
    if not request.basis.strip():
        raise InputError("that needs a basis", "say how it is known: --basis TEXT")
    ahead, within = (
        clocks.micros(request.ahead, "--ahead"),
        clocks.micros(request.within, "--within"),
    )
    if within < 0:
        raise InputError("--within is negative", "give how far off the offset may be, either way")
    source = _source(session, request.case, request.item, request.host)
    facts: dict[str, Json] = {
        "ahead": ahead, "basis": request.basis.strip()[:_LONGEST], "host": source.host or None,
        "item": source.item or None, "within": within,
    }  # fmt: skip
    session.custody.enter(Draft(clocks.ACT, request.case, {"clock": facts}))
    return next(one for one in in_force(session, request.case).offsets if one.source == source)


@dataclass(frozen=True)
class RemoveClock:
    """Whose offset is taken back, and why."""

    case: str
    reason: str
    item: str = ""
    host: str = ""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"host": self.host, "item": self.item, "reason": self.reason}


@act("clock.remove", Needs.AUTHORITY)
def remove_clock(session: Session, request: RemoveClock) -> Clocks:
    """Take an offset back; return those that are left.

    Raises:
        InputError: no source, no reason, or the source has no offset.
    """
    if not request.reason.strip():
        raise InputError("that needs a reason", "give it: --reason TEXT")
    source = _source(session, request.case, request.item, request.host)
    if not any(one.source == source for one in in_force(session, request.case).offsets):
        raise InputError("no offset is stated for that source", "see `holdfast clock list`")
    facts: dict[str, Json] = {
        "host": source.host or None, "item": source.item or None,
        "reason": request.reason.strip()[:_LONGEST],
    }  # fmt: skip
    session.custody.enter(Draft(clocks.REMOVE, request.case, {"clock": facts}))
    return in_force(session, request.case)


@dataclass(frozen=True)
class ListClocks:
    """Of which case."""

    case: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {}


@act("clock.list", Needs.CASE, reads=True)
def list_clocks(session: Session, request: ListClocks) -> Clocks:
    """Return the offsets in force."""
    return in_force(session, request.case)


def in_force(session: Session, case: str) -> Clocks:
    """Read the offsets in force for a case from its entries."""
    table = tables.entries
    query = select(table.c.index).where(
        table.c.act.in_((clocks.ACT, clocks.REMOVE)), table.c.case == case
    )
    rows: Any = session.look_up(lambda c: c.scalars(query.order_by(table.c.index)).all())

    def stated() -> Iterator[tuple[int, str, str, dict[str, Any]]]:
        for index in rows:
            (entry,) = session.vault.log.entries(index, index + 1)
            facts = entry.fields.get("clock")
            if facts is not None:  # not erased by order
                by = entry.fields.get("actor", {}).get("name", "")
                yield index, str(entry.fields["act"]), by, facts

    return clocks.in_force(stated())


def _source(session: Session, case: str, item: str, host: str) -> Source:
    """Return the source that an exhibit, digest or host names.

    Raises:
        InputError: none is named, or there is no such item.
    """
    name = " ".join(host.split()).lower()[:_LONGEST]
    if not item and not name:
        raise InputError("no source is named", "give --item EXHIBIT, --host NAME or both")
    if not item:
        return Source("", name)
    hits = {
        digest for digest, exhibit in by_item(session, case).items()
        if exhibit.label == item or (len(item) >= 8 and digest.startswith(item))
    }  # fmt: skip
    if len(hits) != 1:
        raise InputError(f"the case has no exhibit or item {item!r}", "see `holdfast items`")
    return Source(hits.pop(), name)
