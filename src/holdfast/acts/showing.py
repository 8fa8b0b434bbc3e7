"""Acts that show what was done, without touching evidence: items, the custody log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from holdfast.acts.act import Needs, Session, act
from holdfast.cases import exhibits
from holdfast.vault import delegates, tables
from holdfast.vault.database import guarded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.acts.cases import OneCase
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.vault.entry import Entry


@act("items", Needs.CASE, reads=True)
def items(session: Session, request: OneCase) -> Iterator[Exhibit]:
    """Yield the case's exhibits by number."""
    with guarded(session.vault.engine), session.vault.engine.connect() as connection:
        yield from exhibits.of_case(connection, request.case, erased=True)


@dataclass(frozen=True)
class Trail:
    """Which entries: of a case, of an item (digest or its start, or exhibit), or all."""

    case: str | None = None
    item: str = ""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"item": self.item}


@act("custody", Needs.CASE, reads=True)
def custody(session: Session, request: Trail) -> Iterator[Entry]:
    """Yield the log's entries in order, each checked against its commitments.

    Each says by what kind of key it is signed.

    Raises:
        IntegrityError: a body is not what the log committed to.
    """
    session.vault.current()
    kinds = lent(session)
    for entry in _entries(session, request):
        yield _signed(entry, kinds)


def signed(session: Session, entry: Entry) -> Entry:
    """Return an entry that says by what kind of key it is signed."""
    return _signed(entry, lent(session))


def _signed(entry: Entry, kinds: dict[str, str]) -> Entry:
    key = (entry.fields.get("actor") or {}).get("key")
    return replace(entry, signed_by=None if key is None else kinds.get(key, "own"))


def _entries(session: Session, request: Trail) -> Iterator[Entry]:
    vault = session.vault
    if request.case is None and not request.item:
        yield from vault.log.entries(0, vault.log.head().size)
        return
    for index in _indexes(session, request):
        yield from vault.log.entries(index, index + 1)


def lent(session: Session) -> dict[str, str]:
    """Return the keys of sessions and tokens, by ID: `session` or `token`.

    What such a key signed reads 'signed in a session of NAME', which is less than 'signed by NAME'.
    """
    return {key: one.kind for key, one in session.look_up(delegates.every).items()}


def _indexes(session: Session, request: Trail) -> Iterator[int]:
    entries = tables.entries
    query = select(entries.c.index).order_by(entries.c.index)
    if request.case is not None:
        query = query.where(entries.c.case == request.case)
    if request.item:
        about = session.look_up(lambda c: exhibits.line(c, request.case, request.item))
        named = [entries.c.item.startswith(request.item, autoescape=True)]
        named += [entries.c.index.in_(about[at : at + 500]) for at in range(0, len(about), 500)]
        query = query.where(or_(*named))
    with guarded(session.vault.engine), session.vault.engine.connect() as connection:
        yield from connection.execution_options(yield_per=1000).scalars(query)
