"""Who holds which role in which case: what its entries give in rows, and what the rows say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from holdfast.vault import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection, Table

    from holdfast.vault.entry import Entry

LEAD = "lead"
FILTER = "filter"
"""Reads what may be privileged, and nothing else of the case."""


class Team:
    """Folds the roles that people hold in cases."""

    _inserts: dict[Table, list[dict[str, Any]]]
    _later: list[Callable[[Connection], object]]

    def team_begun(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`case.open`: who opens a case leads it."""
        self._join(entry, fields["case"], fields["actor"]["name"], [LEAD])

    def team_changed(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`case.role`: roles given and taken."""
        change, team = fields["change"], tables.team
        self._join(entry, fields["case"], change["name"], change["added"])
        ended = (
            update(team)
            .where(team.c.case == fields["case"], team.c.name == change["name"])
            .where(team.c.role.in_(change["removed"]))
            .where(team.c.until.is_(None), team.c.since < entry.index)
            .values(until=entry.index)
        )
        self._later.append(lambda connection: connection.execute(ended))

    def _join(self, entry: Entry, case: str, name: str, roles: Iterable[str]) -> None:
        self._inserts[tables.team] += [
            {"case": case, "name": name, "role": role, "since": entry.index} for role in roles
        ]


def held(connection: Connection, case: str, name: str) -> frozenset[str]:
    """Return the roles that `name` holds in `case` now."""
    table = tables.team
    query = select(table.c.role).where(
        table.c.case == case, table.c.name == name, table.c.until.is_(None)
    )
    return frozenset(connection.scalars(query))


def ever(connection: Connection, case: str, name: str) -> frozenset[str]:
    """Return the roles that `name` holds, or once held, in `case`."""
    table = tables.team
    query = select(table.c.role).where(table.c.case == case, table.c.name == name)
    return frozenset(connection.scalars(query))


def of(connection: Connection, case: str) -> list[tuple[str, str, int]]:
    """Return (name, role, the entry that gave it) of all who hold a role in `case`, by name."""
    table = tables.team
    query = select(table.c.name, table.c.role, table.c.since).where(
        table.c.case == case, table.c.until.is_(None)
    )
    rows = connection.execute(query.order_by(table.c.name, table.c.since, table.c.role)).all()
    return [(str(name), str(role), int(since)) for name, role, since in rows]


def cases_of(connection: Connection, name: str) -> frozenset[str]:
    """Return the cases in which `name` holds a role now."""
    table = tables.team
    query = select(table.c.case).where(table.c.name == name, table.c.until.is_(None))
    return frozenset(connection.scalars(query))
