"""What entries on schedules give in rows: a part of the projection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, update

from holdfast.core import clock
from holdfast.vault import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Table

    from holdfast.vault.entry import Entry


class Schedules:
    """Folds schedules, their turns and what came of them."""

    _inserts: dict[Table, list[dict[str, Any]]]
    _later: list[Callable[[Connection], object]]

    def scheduled(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`schedule.add`: pages that are to be captured again and again."""
        facts = fields["schedule"]
        self._inserts[tables.schedules].append(
            {
                "entry": entry.index,
                "case": fields["case"],
                "every": facts["every_s"],
                "until": clock.from_text(facts["until"]),
                "pages": facts["pages"],
            }
        )

    def unscheduled(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`schedule.remove`."""
        table = tables.schedules
        change = update(table).where(table.c.entry == fields["schedule"]["entry"])
        self._later.append(lambda c: c.execute(change.values(removed=entry.index)))

    def recapture_begun(self, _entry: Entry, fields: dict[str, Any]) -> None:
        """`schedule.begin`: a page's turn has come."""
        key = {"schedule": fields["schedule"]["entry"], "number": fields["schedule"]["number"]}
        begun = clock.from_text(fields["time"])

        def change(connection: Connection) -> None:
            if _change_recapture(connection, key, begun=begun) == 0:
                connection.execute(insert(tables.recaptures).values(**key, begun=begun))

        self._later.append(change)

    def recaptured(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`schedule.done`: what came of it; a failure leaves the last capture in its place."""
        key = {"schedule": fields["schedule"]["entry"], "number": fields["schedule"]["number"]}
        values = {"done": entry.index, **({"item": fields["item"]} if "item" in fields else {})}
        self._later.append(lambda connection: _change_recapture(connection, key, **values))


def _change_recapture(connection: Connection, key: dict[str, Any], **values: Any) -> int:
    """Change a page's row; return how many there were, none or one."""
    table = tables.recaptures
    change = update(table).where(table.c.schedule == key["schedule"])
    change = change.where(table.c.number == key["number"]).values(**values)
    return int(connection.execute(change).rowcount)
