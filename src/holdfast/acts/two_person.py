"""Acts that one person alone can't do: somebody asks, others approve, only then it happens.

Each step is an entry. Whoever approves is another person than the one who asked and than the
others who approved: another name, another key, another account of the operating system; holds
the role for it; and signs. The last approval and the act itself are one commit.

What this can't show: the name of an account is what this host says. Whoever is `root` on it can
take on every account, and reads every key that lies in a file on it. The key is what proves a
person; keep it where that person alone can use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from holdfast.core import clock
from holdfast.core.errors import DeniedError, InputError, RemoteError
from holdfast.vault import roles, tables
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from sqlalchemy import Row

    from holdfast.acts.act import Session
    from holdfast.core.canonical import Json

DAY = 86_400_000_000
EXPIRES = 14
"""Days that a request waits, unless it says otherwise."""
_ERASED = "erased by order"
"""The state of a request of which nobody can read any more what was asked."""


@dataclass(frozen=True)
class Asked:
    """A request as the log has it."""

    entry: int
    kind: str
    case: str | None
    name: str
    key: str
    account: str
    time: str
    expires: str
    state: str
    asked: dict[str, Any]
    """What is asked for, in the kind's own words."""
    approvals: tuple[tuple[str, str, str], ...]
    """(name, key, account) of those who have approved."""

    def waits(self, now: int) -> bool:
        """Say whether it can still be approved."""
        return self.state == "waiting" and now <= clock.from_text(self.expires)

    def as_json(self) -> dict[str, Json]:
        """Return what `requests --json` prints."""
        return {
            "approved_by": [name for name, _, _ in self.approvals],
            "asked": self.asked,
            "by": self.name,
            "case": self.case,
            "expires": self.expires,
            "kind": self.kind,
            "request": self.entry,
            "time": self.time,
        }


@dataclass(frozen=True)
class Kind:
    """A kind of act that needs others."""

    name: str
    needs: Callable[[Connection, Asked], int]
    """How many must approve, at this very position of the log."""
    perform: Callable[[Connection, Asked, tuple[str, ...]], Sequence[Draft]]
    """The act's own entries, given the names of those who approved; raises to refuse."""
    after: Callable[[Session, Asked], None] = lambda _session, _asked: None
    """What makes the entries true."""


def ask(
    session: Session,
    kind: str,
    case: str | None,
    build: Callable[[Connection], tuple[dict[str, Json], dict[str, Json]]],
    *,
    days: int = EXPIRES,
) -> int:
    """Enter a request; `build` gives what is asked, and further fields. Return its entry's number.

    Raises:
        InputError: it would never or never again expire.
        DeniedError: nobody signs it.
    """
    if not 1 <= days <= 366:
        raise InputError(f"a request can't wait {days} days", "give 1 to 366")
    expires = clock.to_text(clock.now() + days * DAY)

    def drafts(connection: Connection) -> Sequence[Draft]:
        if session.custody.key is None:
            raise DeniedError(
                f"{session.operator} has no signing key here, and a request must be signed",
                "name your key: --key FILE",
            )
        asked, more = build(connection)
        return [Draft(f"{kind}.request", case, {"asked": asked, "expires": expires, **more})]

    return session.custody.decide(drafts)[0].index


def find(session: Session, connection: Connection, entry: int) -> Asked:
    """Return a request by its entry's number.

    Raises:
        InputError: that entry is none.
    """
    table = tables.requests
    row = connection.execute(select(table).where(table.c.entry == entry)).one_or_none()
    if row is None:
        raise InputError(f"entry {entry} is no request", "see `holdfast requests`")
    return _asked(session, connection, row)


def waiting(session: Session, connection: Connection) -> list[Asked]:
    """Return the requests that wait and have not expired, oldest first."""
    table, now = tables.requests, clock.now()
    query = select(table).where(table.c.state == "waiting").order_by(table.c.entry)
    found = [_asked(session, connection, row) for row in connection.execute(query).all()]
    return [one for one in found if one.waits(now)]


def _asked(session: Session, connection: Connection, row: Row[Any]) -> Asked:
    table = tables.approvals
    query = select(table.c.name, table.c.key, table.c.account).where(table.c.request == row.entry)
    given = connection.execute(query.order_by(table.c.entry)).all()
    (entry,) = session.vault.log.entries(row.entry, row.entry + 1)
    return Asked(
        *(row.entry, row.kind, row.case, row.name, row.key, row.account, row.time, row.expires),
        state=row.state if "asked" in entry.fields else _ERASED,
        asked=entry.fields.get("asked", {}),
        approvals=tuple((name, key, account) for name, key, account in given),
    )


def approve(session: Session, kinds: dict[str, Kind], entry: int) -> tuple[Asked, int]:
    """Approve a request, and do the act if that was the last approval it needed.

    Returns the request and how many approvals it still needs.

    Raises:
        DeniedError: this person, key or account may not, or the request waits no more.
        RemoteError: it is entered, and a store does not let it be carried out to its end.
    """
    said: list[tuple[Asked, int]] = []

    def build(connection: Connection) -> Sequence[Draft]:
        asked = find(session, connection, entry)
        _check(session, connection, asked)
        kind = kinds[asked.kind]
        missing = kind.needs(connection, asked) - len(asked.approvals) - 1
        said[:] = [(asked, max(missing, 0))]
        answer: dict[str, Json] = {"request": entry, "settles": missing <= 0}
        draft = Draft("request.approve", asked.case, {"answer": answer})
        if missing > 0:
            return [draft]
        names = (*(name for name, _, _ in asked.approvals), session.operator)
        return [draft, *kind.perform(connection, asked, names)]

    session.custody.decide(build)
    ((asked, missing),) = said
    if not missing:
        try:
            kinds[asked.kind].after(session, asked)
        except DeniedError as refused:
            # The approval stands, and is entered: it is a store that refuses, not we.
            raise RemoteError(
                f"request {entry} is approved and entered, and not carried out to its end: "
                f"{refused.what}",
                f"{refused.remedy}; every command tries again",
            ) from refused
    return asked, missing


def _check(session: Session, connection: Connection, asked: Asked) -> None:
    """Raise unless this person may approve this request now.

    Raises:
        DeniedError: not.
    """
    _check_waits(asked)
    custody = session.custody
    if custody.key is None:
        raise DeniedError(
            f"{session.operator} has no signing key here, and an approval must be signed",
            "name your key: --key FILE",
        )
    mine = (session.operator, custody.key_id, custody.account)
    for name, key, account in ((asked.name, asked.key, asked.account), *asked.approvals):
        for what, own, theirs in zip(
            ("person", "key", "account of the operating system"),
            mine,
            (name, key, account),
            strict=True,
        ):
            if own == theirs:
                raise DeniedError(
                    f"request {asked.entry} needs another {what} than {own!r}, who "
                    f"{'asked' if name == asked.name else 'approved it'} already",
                    "have somebody else approve it, with a key and an account of their own",
                )
    holds = roles.held(connection, session.operator)
    if not set(holds) & set(roles.APPROVING):
        raise DeniedError(
            f"{session.operator} is {', '.join(holds) or 'without a role'}, and request "
            f"{asked.entry} needs {' or '.join(roles.APPROVING)}",
            "have somebody with that role approve it; see `holdfast operator list`",
        )


def _check_waits(asked: Asked) -> None:
    if asked.state != "waiting":
        raise DeniedError(
            f"request {asked.entry} is {asked.state} already", "see `holdfast custody`; ask anew"
        )
    if not asked.waits(clock.now()):
        raise DeniedError(f"request {asked.entry} expired at {asked.expires}", "ask anew")


def refuse(session: Session, entry: int, reason: str) -> None:
    """Refuse a request, for good.

    Raises:
        DeniedError: it waits no more, or the one who refuses has no role for it.
    """

    def build(connection: Connection) -> Sequence[Draft]:
        asked = find(session, connection, entry)
        _check_waits(asked)
        if not set(roles.held(connection, session.operator)) & set(roles.APPROVING):
            raise DeniedError(
                f"{session.operator} may not refuse a request: that needs "
                f"{' or '.join(roles.APPROVING)}",
                "see `holdfast operator list`",
            )
        answer: dict[str, Json] = {"request": entry}
        return [Draft("request.refuse", asked.case, {"answer": answer, "reason": reason})]

    session.custody.decide(build)


def withdraw(session: Session, entry: int, reason: str) -> None:
    """Take back a request of one's own.

    Raises:
        DeniedError: it waits no more, or is another's.
    """

    def build(connection: Connection) -> Sequence[Draft]:
        asked = find(session, connection, entry)
        _check_waits(asked)
        # By any key of theirs: who signed with a passkey takes it back in a session, too.
        if asked.name != session.operator or session.custody.key is None:
            raise DeniedError(
                f"request {entry} is {asked.name}'s", "only who asked can withdraw; refuse it"
            )
        answer: dict[str, Json] = {"request": entry}
        return [Draft("request.withdraw", asked.case, {"answer": answer, "reason": reason})]

    session.custody.decide(build)
