"""Acts on accounts that a capture may sign in with: asked for, approved by another person, used.

To see what an account sees is another power than to see what everybody sees. So an account is named
for a case, with the order that covers it and the hosts it is for; somebody with another name, key
and account of the system approves; and both are entries before the account is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from holdfast.acts import two_person
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.two_person import Asked, Kind
from holdfast.cases import case as cases
from holdfast.cases.web_scope import WebScope
from holdfast.core import clock
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import tables
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class RequestAccount:
    """Which account is to be used, where, and by whose order."""

    case: str
    account: str
    """What the account is called, in the operator's words: `jane.doe at social.example`."""
    hosts: tuple[str, ...]
    """Where its cookies may go, as a scope has it: `social.example`, `domain:social.example`."""
    order: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"account": self.account, "hosts": [*self.hosts], "order": self.order}


@act("account.request", Needs.AUTHORITY)
def request_account(session: Session, request: RequestAccount) -> Asked:
    """Ask that captures of a case may sign in with an account; another person approves.

    Raises:
        InputError: no account, no order, or no host.
    """
    for what in ("account", "order"):
        if not getattr(request, what).strip():
            raise InputError(f"that needs an {what}", f"name it: --{what} TEXT")
    hosts = WebScope.of(request.case, request.hosts)
    if not request.hosts or len(hosts.entries) != len(request.hosts):
        raise InputError("an account is for hosts", "name them: --host social.example")

    def build(_connection: Connection) -> tuple[dict[str, Json], dict[str, Json]]:
        return request.facts(), {}

    number = two_person.ask(session, "account", request.case, build)
    return session.look_up(lambda connection: two_person.find(session, connection, number))


def _perform(connection: Connection, asked: Asked, names: tuple[str, ...]) -> Sequence[Draft]:
    case = cases.find(connection, str(asked.case))
    case.check_open()
    case.authority.check_time(case.id, clock.now())
    by: list[Json] = [*names]
    facts: dict[str, Json] = {**asked.asked, "approved_by": by, "request": asked.entry}
    return [Draft("account.allowed", asked.case, {"allowed": facts})]


KIND = Kind("account", lambda _connection, _asked: 1, _perform)


@dataclass(frozen=True)
class Allowed:
    """An account that a case's captures may use."""

    entry: int
    account: str
    hosts: tuple[str, ...]
    order: str
    approved_by: tuple[str, ...]

    def as_json(self) -> dict[str, Json]:
        """Return it as an item has it."""
        return {
            "account": self.account,
            "approved_by": [*self.approved_by],
            "entry": self.entry,
            "hosts": [*self.hosts],
            "order": self.order,
        }


def find(session: Session, case: str, account: str) -> Allowed:
    """Return the newest approval of an account for a case.

    Raises:
        DeniedError: there is none.
    """
    table = tables.entries
    query = select(table.c.index).where(table.c.act == "account.allowed", table.c.case == case)
    rows: Any = session.look_up(lambda c: c.scalars(query.order_by(table.c.index.desc())).all())
    for index in rows:
        (entry,) = session.vault.log.entries(index, index + 1)
        said = entry.fields.get("allowed", {})
        if said.get("account") == account:
            return Allowed(
                index, account, tuple(said["hosts"]), said["order"], tuple(said["approved_by"])
            )
    raise DeniedError(
        f"nobody has approved that case {case} uses the account {account!r}",
        "ask for it: `holdfast collect account --help`",
    )
