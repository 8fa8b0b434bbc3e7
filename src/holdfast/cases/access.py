"""Which roles in a case allow which acts: the written matrix, and the one place that asks it.

Nobody has a role in a case but by an entry: who opens it leads it, and the lead or a supervisor of
the case gives the others theirs. An act that is not in the matrix is allowed to nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import team

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

ROLES = (
    team.LEAD,
    *("examiner", "supervisor", "prosecutor", "defence", "auditor", "trainer", "trainee"),
    team.FILTER,
)
"""What one can be in a case."""

_WORKS = frozenset({"lead", "examiner", "trainer", "trainee"})
_READS = _WORKS | {"supervisor", "prosecutor"}
_DECIDES = frozenset({"lead", "supervisor"})
_ANSWERS = _DECIDES | {"prosecutor"}
_OVERSEES = _READS | {"auditor"}
_HOLDS = _WORKS | {"supervisor"}
"""Who may have a physical exhibit in hand."""

ALLOWED: dict[str, frozenset[str]] = {
    "account.request": _WORKS,
    "bundle": _ANSWERS,
    "campaigns": _READS,
    "case.close": _DECIDES,
    "case.document": _WORKS,
    "case.role": _DECIDES,
    "case.show": _OVERSEES | {team.FILTER, "defence"},
    "case.team": _OVERSEES,
    "case.zone": _WORKS | _DECIDES,
    "chart": _READS,
    "chart.export": _READS,
    "clock.list": _READS,
    "clock.remove": _WORKS,
    "clock.set": _WORKS,
    "collect.archive": _WORKS,
    "collect.diff": _WORKS,
    "collect.files": _WORKS,
    "collect.sent": _WORKS,
    "collect.upload": _WORKS,
    "collect.url": _WORKS,
    "collect.web": _WORKS,
    "coordinates": _READS,
    "custody": _OVERSEES,
    "custody.entry": _OVERSEES,
    "decision.add": _ANSWERS,
    "disagreements": _READS,
    "entities": _READS | {"defence"},
    "entity.add": _WORKS | {"supervisor"},
    "entity.change": _WORKS | {"supervisor"},
    "entity.link": _WORKS | {"supervisor"},
    "entity.release": _DECIDES,
    "entity.unlink": _WORKS | {"supervisor"},
    "erase.request": _ANSWERS,
    "examine": _WORKS,
    "examine.compare": _READS,
    "exhibit.accept": _HOLDS,
    "exhibit.decline": _HOLDS,
    "exhibit.destroy": _HOLDS,
    "exhibit.hand": _HOLDS,
    "exhibit.list": _OVERSEES,
    "exhibit.made": _WORKS,
    "exhibit.move": _HOLDS,
    "exhibit.number": _HOLDS,
    "exhibit.pattern": _DECIDES,
    "exhibit.return": _HOLDS,
    "exhibit.seal": _HOLDS,
    "exhibit.seize": _WORKS,
    "exhibit.show": _OVERSEES,
    "exhibit.unseal": _HOLDS,
    "finding.add": _WORKS,
    "finding.review": _READS - {"trainee"},
    "finding.revise": _WORKS,
    "finding.withdraw": _WORKS,
    "findings": _READS | {"defence"},
    "handover.give": _DECIDES,
    "handover.settle": _READS,
    "exposure.allow": _DECIDES,
    "exposure.begin": _READS,
    "exposure.disallow": _DECIDES,
    "exposure.end": _READS,
    "exposure.show": _OVERSEES,
    "hits": _READS,
    "hold.set": _ANSWERS,
    "indicator.show": _READS,
    "import.take": _WORKS,
    "imports": _READS,
    "imports.show": _READS,
    "indicators": _READS,
    "indicators.find": _READS,
    "item.check": _OVERSEES,
    "item.get": _WORKS | {"prosecutor"},
    "item.release": _DECIDES,
    "item.withdraw": _DECIDES,
    "item.show": _READS,
    "items": _READS,
    "items.find": _READS,
    "ledger": _OVERSEES,
    "links": _READS,
    "marks": _READS,
    "matches": _READS,
    "note.add": _READS,
    "privilege.list": _OVERSEES | {team.FILTER, "defence"},
    "privilege.review": frozenset({team.FILTER}),
    "privilege.rule": frozenset({team.FILTER}),
    "privilege.set": _READS | {team.FILTER, "defence"},
    "profile.request": _WORKS,
    "question.answer": _WORKS | {"supervisor"},
    "question.ask": _WORKS | {"supervisor"},
    "question.material": _READS,
    "report": _WORKS | {"supervisor"},
    "report.choices": _WORKS | {"supervisor"},
    "report.preview": _WORKS | {"supervisor"},
    "record.comment": _READS,
    "record.remarks": _READS,
    "record.tag": _READS,
    "record.untag": _READS,
    "restricted": _READS,
    "schedule.add": _WORKS,
    "search": _READS,
    "search.save": _READS,
    "searches": _READS,
    "statement": _OVERSEES,
    "task.add": _WORKS | {"supervisor"},
    "task.change": _WORKS | {"supervisor"},
    "timeline": _READS,
    "timeline.counts": _READS,
    "view": _READS,
    "view.inside": _READS,
    "view.play": _READS,
    "view.replay": _READS,
    "timeline.window": _READS,
    "view.save": _READS,
    "views": _READS,
    "web.check": _READS,
    "web.redact": _ANSWERS | _WORKS,
    "work": _READS,
}
"""The roles of which one is enough, by act. Acts that touch no case are not here."""


def check_roles(roles: Iterable[str]) -> tuple[str, ...]:
    """Return `roles` in order, each once.

    Raises:
        InputError: one is no role in a case.
    """
    given = set(roles)
    for role in sorted(given - set(ROLES)):
        raise InputError(f"{role!r} is no role in a case", f"choose from {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in given)


def check(connection: Connection, case: str, name: str, act: str) -> None:
    """Raise unless a role that `name` holds in `case` allows `act`.

    Raises:
        DeniedError: none does.
    """
    enough, holds = ALLOWED.get(act, frozenset()), team.held(connection, case, name)
    if holds & enough:
        return
    needed = ", ".join(role for role in ROLES if role in enough) or "a role that does not exist"
    held = ", ".join(role for role in ROLES if role in holds)
    raise DeniedError(
        f"{name} is {held or 'nobody'} in case {case}, and {act} needs one of: {needed}",
        f"have its lead or supervisor give a role: `holdfast case role {name} --case {case} …`",
    )
