"""The act of auditing: who read, what left, what was refused, and how much; without what it says.

It reads the log's own columns: names of acts and people, times, numbers of cases. Search words,
paths, titles and reasons are not among them. That somebody audited is an entry, too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from holdfast.acts.act import Needs, Session, act
from holdfast.core import canonical, clock
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import DeniedError
from holdfast.vault import roles, tables
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from holdfast.core.canonical import Json

AUDITOR = "auditor"
READS = frozenset(
    {
        *("campaigns", "collect.diff", "disagreements", "examine.compare", "indicators", "links"),
        *("marks", "matches", "play", "privilege.review", "search", "timeline", "timeline.counts"),
        *("view", "view.list", "web.check"),
    }
)
"""Entries that say that somebody read evidence."""
EXPORTS = frozenset(
    {"bundle", "item.get", "report", "statement", "vault.backup", "vault.copy", "web.redact"}
)
"""Entries that say that something left."""


@dataclass(frozen=True)
class Audit:
    """Of which time, by whom, of which case; empty for all that who asks may audit."""

    start: str = ""
    end: str = ""
    by: str = ""
    of: str = ""
    """The case's number."""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"by": self.by, "from": self.start, "of": self.of, "to": self.end}


@dataclass(frozen=True)
class Read:
    """How often somebody read evidence of a case in one way."""

    by: str
    case: str | None
    act: str
    times: int
    first: str
    last: str


@dataclass(frozen=True)
class Left:
    """Something that left the house."""

    entry: int
    time: str
    by: str
    case: str | None
    act: str
    signed: bool
    recipient: str
    """To whom, as the entry says; empty where it does not."""


@dataclass(frozen=True)
class Refused:
    """An act that was refused."""

    entry: int
    time: str
    by: str
    case: str | None
    act: str


@dataclass(frozen=True)
class Audited:
    """What an auditor sees."""

    entry: int
    """The entry of this audit."""
    entries: int
    people: int
    unsigned: int
    """Entries that nobody signed."""
    reads: tuple[Read, ...]
    exports: tuple[Left, ...]
    denials: tuple[Refused, ...]
    acts: tuple[tuple[str, int], ...]
    """How often each act, the most frequent first."""

    def as_json(self) -> dict[str, Json]:
        """Return what `audit --json` prints."""
        return {
            "acts": dict(self.acts),
            "denials": [asdict(one) for one in self.denials],
            "entries": self.entries,
            "entry": self.entry,
            "exports": [asdict(one) for one in self.exports],
            "people": self.people,
            "reads": [asdict(one) for one in self.reads],
            "unsigned": self.unsigned,
        }


@act("audit", Needs.NOTHING)
def audit(session: Session, request: Audit) -> Audited:
    """Return who read, what left and what was refused; its own entry comes before it is shown.

    An auditor of the unit sees the whole log, an auditor of a case the entries of that case.

    Raises:
        InputError: a time can't be read.
        DeniedError: who asks is no auditor, or not of that case.
    """
    start = clock.to_text(clock.from_text(request.start)) if request.start else ""
    end = clock.to_text(clock.end_of(request.end)) if request.end else "~"
    session.vault.current()
    rows = [
        row
        for row in session.look_up(lambda c: _rows(c, session.operator, request))
        if start <= row.time <= end
    ]
    reads: dict[tuple[str, str | None, str], list[str]] = {}
    for row in rows:
        if row.act in READS:
            reads.setdefault((row.actor, row.case, row.act), []).append(row.time)
    told: dict[str, Any] = {
        "entries": len(rows),
        "people": len({row.actor for row in rows}),
        "unsigned": sum(not row.signed for row in rows),
        "reads": tuple(
            Read(by, case, name, len(times), min(times), max(times))
            for (by, case, name), times in sorted(
                reads.items(), key=lambda one: (one[0][0], one[0][1] or "", one[0][2])
            )
        ),
        "exports": tuple(_left(session, row) for row in rows if row.act in EXPORTS),
        "denials": tuple(_refused(session, row) for row in rows if row.act == "denied"),
        "acts": tuple(Counter(row.act for row in rows).most_common()),
    }
    digest = sha256_hex(canonical.dumps(Audited(entry=0, **told).as_json()))
    fields: dict[str, Json] = {
        "request": request.facts(),
        "result": {"entries": len(rows), "sha256": digest},
    }
    (entered,) = session.custody.enter(Draft("audit", None, fields))
    return Audited(entry=entered.index, **told)


def may(session: Session) -> bool:
    """Say whether who asks is an auditor, of the unit or of any case."""

    def read(connection: Connection) -> bool:
        held = tables.team
        own = select(held.c.case).where(held.c.name == session.operator, held.c.role == AUDITOR)
        of_case = connection.scalar(own.where(held.c.until.is_(None)).limit(1)) is not None
        return of_case or AUDITOR in roles.held(connection, session.operator)

    session.vault.current()
    return session.look_up(read)


def _rows(connection: Connection, name: str, request: Audit) -> list[Any]:
    """Return the entries that `name` may audit.

    Raises:
        DeniedError: none.
    """
    table, held = tables.entries, tables.team
    query = select(table).order_by(table.c.index)
    if AUDITOR not in roles.held(connection, name):
        own = select(held.c.case).where(held.c.name == name, held.c.role == AUDITOR)
        mine = set(connection.scalars(own.where(held.c.until.is_(None))))
        if not mine or (request.of and request.of not in mine):
            raise DeniedError(
                f"{name} is no auditor of {'case ' + request.of if request.of else 'this unit'}",
                "have the role given: `holdfast case role … --add auditor`",
            )
        query = query.where(table.c.case.in_(mine))
    if request.of:
        query = query.where(table.c.case == request.of)
    if request.by:
        query = query.where(table.c.actor == request.by)
    return list(connection.execute(query).all())


def _left(session: Session, row: Any) -> Left:
    (entry,) = session.vault.log.entries(row.index, row.index + 1)
    handed = entry.fields.get("handover")
    recipient = str(handed.get("for", "")) if isinstance(handed, dict) else ""
    return Left(row.index, row.time, row.actor, row.case, row.act, bool(row.signed), recipient)


def _refused(session: Session, row: Any) -> Refused:
    (entry,) = session.vault.log.entries(row.index, row.index + 1)
    refused = str(entry.fields.get("refused", "(erased)"))
    return Refused(row.index, row.time, row.actor, row.case, refused)
