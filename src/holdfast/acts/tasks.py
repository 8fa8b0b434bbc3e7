"""Acts on tasks: what somebody is to do in the case, until when, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts import citing, pieces
from holdfast.acts.act import Needs, Session, act
from holdfast.core import clock
from holdfast.core.errors import InputError
from holdfast.vault import team

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json
    from holdfast.vault.casework import Piece
    from holdfast.vault.entry import Draft

OPEN, DONE, DROPPED = "open", "done", "dropped"
STATES = (OPEN, DONE, DROPPED)


@dataclass(frozen=True)
class AddTask:
    """A task."""

    case: str
    title: str
    details: str = ""
    assigned: str = ""
    """Who is to do it: an operator with a role in the case; nobody yet, if left out."""
    due: str = ""
    """Its last day, or time."""
    cites: tuple[str, ...] = ()
    """Records that it is about: see `citing`."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"assigned": self.assigned, "due": self.due}


@act("task.add", Needs.OPEN)
def add_task(session: Session, request: AddTask) -> Piece:
    """Set a task.

    Raises:
        InputError: no title, no such day, the one it is given to has no role in the case, or what
            it cites is not there.
    """
    words: dict[str, Json] = {
        "assigned": _member(session, request.case, request.assigned),
        "details": pieces.fitting(request.details, "details"),
        "due": _day(request.due),
        "outcome": "",
        "title": pieces.said(request.title, "a title", "TITLE"),
    }
    if request.cites:
        words["cites"] = citing.resolved(session, request.case, request.cites)
    return pieces.begin(session, "task.add", request.case, kind="task", state=OPEN, words=words)


@dataclass(frozen=True)
class ChangeTask:
    """What of a task is said anew; None leaves it as it is."""

    case: str
    task: int
    title: str | None = None
    details: str | None = None
    assigned: str | None = None
    due: str | None = None
    state: str | None = None
    outcome: str | None = None
    """What came of it."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"assigned": self.assigned, "due": self.due, "state": self.state, "task": self.task}


@act("task.change", Needs.CASE)
def change_task(session: Session, request: ChangeTask) -> Piece:
    """Give a task to somebody else, another day, another text; or settle it, or open it again.

    Raises:
        InputError: no such task or state, or nothing changes.
    """
    given = {
        name: value
        for name in ("title", "details", "assigned", "due", "outcome")
        if (value := getattr(request, name)) is not None
    }
    if request.state not in {None, *STATES}:
        raise InputError(f"{request.state!r} is no state of a task", f"one of {', '.join(STATES)}")
    if not given and request.state is None:
        raise InputError(f"nothing of task {request.task} is said anew", "see --help")
    if "title" in given:
        given["title"] = pieces.said(given["title"], "a title", "--title TEXT")
    if "assigned" in given:
        given["assigned"] = _member(session, request.case, given["assigned"])
    if "due" in given:
        given["due"] = _day(given["due"])
    for name in ("details", "outcome"):
        if name in given:
            given[name] = pieces.fitting(given[name], name)

    def change(
        task: Piece, _connection: Connection
    ) -> tuple[str, Mapping[str, Json], Sequence[Draft]]:
        return request.state or task.state, {**task.words, **given}, ()

    return pieces.go_on(
        session, "task.change", request.case, kind="task", number=request.task, decide=change
    )


def _member(session: Session, case: str, name: str) -> str:
    if name and not session.look_up(lambda c: team.held(c, case, name)):
        raise InputError(
            f"{name} has no role in case {case}", f"give one: `holdfast case role {name}`"
        )
    return name


def _day(text: str) -> str:
    return clock.to_text(clock.end_of(text)) if text else ""
