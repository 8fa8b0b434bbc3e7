"""What entries on requests and their approvals give in rows: a part of the projection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from holdfast.vault import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Table

    from holdfast.vault.entry import Entry


class Approvals:
    """Folds acts that wait for another person, and what became of them."""

    _inserts: dict[Table, list[dict[str, Any]]]
    _later: list[Callable[[Connection], object]]

    def requested(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`….request`: an act that waits for another person."""
        self._inserts[tables.requests].append(
            {
                "entry": entry.index,
                "kind": fields["act"].removesuffix(".request"),
                "case": fields.get("case"),
                **_who(fields),
                "time": fields["time"],
                "expires": fields["expires"],
                "state": "waiting",
            }
        )

    def approved(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`request.approve`: by another person; the last one needed settles the request."""
        answer = fields["answer"]
        self._inserts[tables.approvals].append(
            {"request": answer["request"], "entry": entry.index, **_who(fields)}
        )
        if answer["settles"]:
            self._settle(entry, answer["request"], "done")

    def refused(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`request.refuse`."""
        self._settle(entry, fields["answer"]["request"], "refused")

    def withdrawn(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`request.withdraw`."""
        self._settle(entry, fields["answer"]["request"], "withdrawn")

    def _settle(self, entry: Entry, request: int, state: str) -> None:
        table = tables.requests
        change = update(table).where(table.c.entry == request)
        change = change.values(state=state, settled=entry.index)
        self._later.append(lambda connection: connection.execute(change))


def _who(fields: dict[str, Any]) -> dict[str, str]:
    """Return who acted: name, key and the account of the operating system."""
    actor, context = fields["actor"], fields["context"]
    return {"name": actor["name"], "key": actor["key"] or "", "account": context["login"]}
