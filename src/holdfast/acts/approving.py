"""Acts on requests: see what waits, approve, refuse, withdraw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts import accounts, destroying, erasing, holding, log_keys, profiling, two_person
from holdfast.acts.act import Needs, Session, act

if TYPE_CHECKING:
    from holdfast.acts.two_person import Asked
    from holdfast.core.canonical import Json

KINDS = {
    kind.name: kind
    for kind in (
        accounts.KIND,
        destroying.KIND,
        erasing.KIND,
        erasing.LIMITS_KIND,
        holding.KIND,
        log_keys.KIND,
        profiling.KIND,
    )
}


@dataclass(frozen=True)
class Answer:
    """Which request, by its entry's number, and why."""

    request: int
    reason: str = ""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"reason": self.reason, "request": self.request}


@dataclass(frozen=True)
class Approval:
    """What an approval came to."""

    asked: Asked
    missing: int
    """Approvals it still needs; 0: it is done."""


@act("request.approve", Needs.NOTHING)
def approve(session: Session, request: Answer) -> Approval:
    """Approve what another person asked; with the last approval that it needs it is done.

    Raises:
        DeniedError: this person, key or account may not, or it waits no more.
    """
    return Approval(*two_person.approve(session, KINDS, request.request))


@act("request.refuse", Needs.NOTHING)
def refuse(session: Session, request: Answer) -> None:
    """Refuse what another person asked.

    Raises:
        DeniedError: this person may not, or it waits no more.
    """
    two_person.refuse(session, request.request, request.reason)


@act("request.withdraw", Needs.NOTHING)
def withdraw(session: Session, request: Answer) -> None:
    """Take back what one asked oneself.

    Raises:
        DeniedError: another asked it, or it waits no more.
    """
    two_person.withdraw(session, request.request, request.reason)


def requests(session: Session) -> list[Asked]:
    """Return the requests that wait for somebody, oldest first."""
    session.vault.current()
    return session.look_up(lambda connection: two_person.waiting(session, connection))
