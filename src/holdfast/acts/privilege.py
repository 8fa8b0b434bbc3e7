"""Acts on legal privilege: set apart, read by the filter team alone, released or kept out by it.

Anybody of the case can set something apart at once, on suspicion; from that entry on nobody of the
case team is shown it. Only the filter team, who hold no other role in the case, read it and decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.acts import restricting, veiling
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.asking import answer, source
from holdfast.acts.examining import by_item
from holdfast.cases import exhibits
from holdfast.core import clock
from holdfast.core.errors import InputError
from holdfast.examine import privileged, records, results
from holdfast.vault import quarantines
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from holdfast.acts.cases import OneCase
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.examine.privileged import Start
    from holdfast.vault.quarantines import Quarantine

_SHORTEST = 3
"""Letters that a term has: one of two stands in nearly every file."""
_MOST = 1000


@dataclass(frozen=True)
class SetApart:
    """What may be privileged: exhibits, or every file with one of some terms in it."""

    case: str
    reason: str
    items: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    """Words, names, addresses, telephone numbers: text as it stands in the evidence."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [*self.items], "terms": [*self.terms]}


@act("privilege.set", Needs.CASE)
def set_apart(session: Session, request: SetApart) -> int:
    """Set something apart; return the number of the entry, which names the quarantine.

    Raises:
        InputError: nothing is named, a term is too short, or no reason.
    """
    if not request.reason.strip():
        raise InputError("why something may be privileged must be said", "--reason TEXT")
    if not request.items and not request.terms:
        raise InputError("nothing is named to be set apart", "name exhibits, or --term TEXT")
    terms = sorted({" ".join(term.split()) for term in request.terms})
    for term in terms:
        if not _SHORTEST <= len(term) <= _MOST:
            raise InputError(
                f"the term {term[:40]!r} has {len(term)} signs",
                f"give one of {_SHORTEST} to {_MOST}",
            )

    def build(connection: Connection) -> Sequence[Draft]:
        held = exhibits.of_case(connection, request.case)
        chosen = exhibits.choose(held, request.items) if request.items else ()
        items: list[Json] = [*sorted({one.item for one in chosen})]
        apart: dict[str, Json] = {"items": items, "terms": [*terms]}
        fields: dict[str, Json] = {"quarantine": apart, "reason": request.reason}
        return [Draft("privilege.set", request.case, fields)]

    return session.custody.decide(build)[0].index


@dataclass(frozen=True)
class SetApartListed:
    """A quarantine as everybody of the case may know it."""

    quarantine: Quarantine
    exhibits: tuple[str, ...]
    """Labels of the case's exhibits of which anything is kept back."""
    files: int
    """Files, with all that lies in them, that it covers now."""
    time: str
    by: str
    reason: str

    def as_json(self) -> dict[str, Json]:
        """Return what `privilege list --json` prints."""
        one = self.quarantine
        return {
            "by": self.by,
            "case": one.case,
            "decided_files": len(one.files),
            "entry": one.entry,
            "exhibits": [*self.exhibits],
            "files": self.files,
            "outcome": one.outcome,
            "reason": self.reason,
            "terms": [*one.terms],
            "time": self.time,
        }


@act("privilege.list", Needs.CASE)
def listed(session: Session, request: OneCase) -> list[SetApartListed]:
    """Return what was set apart in the case, and what was decided of it; nothing of what it says.

    Raises:
        IntegrityError: derived data can't be read, so that it isn't known what is privileged.
    """
    veil = veiling.veil(session, request.case)
    every = session.look_up(lambda c: quarantines.holding(c, request.case))
    held = by_item(session, request.case)
    found = []
    for one in every:
        (entry,) = session.vault.log.entries(one.entry, one.entry + 1)
        starts = veil.found.get(one.entry, {})
        items = starts.keys() if starts else one.items
        labels = tuple(held[item].label for item in sorted(items) if item in held)
        mine = one.case == request.case
        found.append(
            SetApartListed(
                one,
                tuple(sorted(labels)),
                sum(len({start.path for start in some}) for some in starts.values()),
                str(entry.fields.get("time", "(erased)")),
                str((entry.fields.get("actor") or {}).get("name", "(erased)")),
                str(entry.fields.get("reason", "(erased)")) if mine else "",
            )
        )
    return found


@dataclass(frozen=True)
class Review:
    """Which quarantine the filter team reads, and from where on."""

    case: str
    quarantine: int
    items: tuple[str, ...] = ()
    limit: int = 1000

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [*self.items], "limit": self.limit, "quarantine": self.quarantine}


@act(veiling.REVIEW, Needs.AUTHORITY)
def review(session: Session, request: Review) -> Iterator[bytes]:
    """Yield the records that a quarantine keeps from everybody else, by item, file and module.

    Raises:
        InputError: no such quarantine in the case, or an odd limit.
    """
    if not 1 <= request.limit <= 100_000:
        raise InputError("a review shows 1 to 100000 records", "--limit N")
    one = session.look_up(lambda c: _find(c, request.case, request.quarantine))
    held = by_item(session, request.case)
    wanted = set(held) if not request.items else {
        e.item for e in exhibits.choose(held.values(), request.items)
    }  # fmt: skip
    return answer(session, veiling.REVIEW, request, _records(session, request, one, held, wanted))


def _records(
    session: Session, request: Review, one: Quarantine, held: dict[str, Exhibit], wanted: set[str]
) -> Iterator[dict[str, Any]]:
    veil = veiling.veil(session, request.case)
    abuse = restricting.abuse(session, request.case)
    left = request.limit
    for item, starts in sorted(veil.found.get(one.entry, {}).items()):
        if item not in wanted:
            continue
        for dataset in results.datasets(session.vault.derived, [item]):
            for row in records.read(dataset.path):
                path = str(row.get("path") or "")
                offset = row.get("offset")
                start = _start(starts, path, offset if isinstance(offset, int) else None)
                if start is None or not left:
                    continue
                left -= 1
                file = path if privileged.within(path, start.path) else start.path
                hidden = abuse(item, path, dataset.kind)
                yield {**_row(held, row, hidden=hidden), "file": file,
                       "ruled": one.files.get((item, file))}  # fmt: skip
        if not left:
            return


def _start(starts: list[Start], path: str, offset: int | None) -> Start | None:
    """Return what a record belongs to; None where it is none of what is kept back."""
    return next((one for one in starts if one.has(path, offset)), None)


def _row(held: dict[str, Exhibit], row: dict[str, Any], *, hidden: bool) -> dict[str, Any]:
    item, path = str(row["item"]), str(row.get("path") or "")
    shown = {
        name: value
        for name, value in row.items()
        if not (value is None or name in {"item", "path", "time"} or isinstance(value, bytes))
    }
    if hidden:
        shown = {"kind": row["kind"], "message": restricting.WITHHELD}
    time = row.get("time")
    told = {"time": clock.to_text(time)} if isinstance(time, int) else {}
    return {**shown, **told, **source(held, item, path)}


def _find(connection: Connection, case: str, entry: int) -> Quarantine:
    """Return a quarantine that was set in the case.

    Raises:
        InputError: that entry set none there.
    """
    for one in quarantines.holding(connection, case, everywhere=False):
        if one.entry == entry:
            return one
    raise InputError(
        f"entry {entry} set nothing apart in case {case}", "see `holdfast privilege list`"
    )


@dataclass(frozen=True)
class Rule:
    """What the filter team decides: of a whole quarantine, or of single files of it."""

    case: str
    quarantine: int
    outcome: str
    """`release` or `keep-out`."""
    reason: str
    files: tuple[tuple[str, str], ...] = ()
    """(exhibit or digest, path inside); none: all that is not decided one by one."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"outcome": self.outcome, "quarantine": self.quarantine}


@act("privilege.rule", Needs.CASE)
def rule(session: Session, request: Rule) -> int:
    """Enter what the filter team decided; the last decision on a thing counts.

    Raises:
        InputError: no such quarantine, outcome or item, or no reason.
    """
    if request.outcome not in quarantines.OUTCOMES:
        raise InputError(
            f"{request.outcome!r} is no outcome", f"choose from {', '.join(quarantines.OUTCOMES)}"
        )
    if not request.reason.strip():
        raise InputError("why it is decided so must be said", "--reason TEXT")

    def build(connection: Connection) -> Sequence[Draft]:
        _find(connection, request.case, request.quarantine)
        held = list(exhibits.of_case(connection, request.case))
        files: list[Json] = [
            {"item": next(iter(exhibits.choose(held, [item]))).item, "path": path}
            for item, path in request.files
        ]
        ruling: dict[str, Json] = {
            "files": files, "outcome": request.outcome, "quarantine": request.quarantine
        }  # fmt: skip
        fields: dict[str, Json] = {"reason": request.reason, "ruling": ruling}
        return [Draft("privilege.rule", request.case, fields)]

    return session.custody.decide(build)[0].index
