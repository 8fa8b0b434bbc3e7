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
)
"""What one can be in a case."""

_WORKS = frozenset({"lead", "examiner", "trainer", "trainee"})
_READS = _WORKS | {"supervisor", "prosecutor"}
_DECIDES = frozenset({"lead", "supervisor"})
_ANSWERS = _DECIDES | {"prosecutor"}
_OVERSEES = _READS | {"auditor"}

ALLOWED: dict[str, frozenset[str]] = {
    "account.request": _WORKS,
    "bundle": _ANSWERS,
    "campaigns": _READS,
    "case.close": _DECIDES,
    "case.role": _DECIDES,
    "case.show": _OVERSEES | {"defence"},
    "case.team": _OVERSEES,
    "clock.list": _READS,
    "clock.remove": _WORKS,
    "clock.set": _WORKS,
    "collect.archive": _WORKS,
    "collect.diff": _WORKS,
    "collect.files": _WORKS,
    "collect.url": _WORKS,
    "collect.web": _WORKS,
    "custody": _OVERSEES,
    "disagreements": _READS,
    "erase.request": _ANSWERS,
    "examine": _WORKS,
    "examine.compare": _READS,
    "hold.set": _ANSWERS,
    "indicators": _READS,
    "item.release": _DECIDES,
    "item.withdraw": _DECIDES,
    "items": _READS,
    "ledger": _OVERSEES,
    "links": _READS,
    "marks": _READS,
    "matches": _READS,
    "profile.request": _WORKS,
    "restricted": _READS,
    "schedule.add": _WORKS,
    "search": _READS,
    "search.save": _READS,
    "searches": _READS,
    "statement": _OVERSEES,
    "timeline": _READS,
    "timeline.counts": _READS,
    "web.check": _READS,
    "web.redact": _ANSWERS | _WORKS,
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
