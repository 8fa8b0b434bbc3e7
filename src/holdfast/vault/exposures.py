"""Who looked at abuse material, when and for how long: what its entries give in rows.

The rows say how much, never at what: that stands in the entries, for those who read the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Index, String, Table, select, update

from holdfast.core import clock
from holdfast.vault import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from holdfast.vault.entry import Entry

viewers = Table(
    "viewers",
    tables.projection,
    Column("case", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("since", BigInteger, primary_key=True, autoincrement=False),
    Column("until", BigInteger, comment="the entry that ended it"),
    comment="Who may look at abuse material in which case.",
)

sittings = Table(
    "sittings",
    tables.projection,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("case", String, nullable=False),
    Column("name", String, nullable=False),
    Column("begun", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("ended", BigInteger, comment="microseconds since the epoch"),
    Column("views", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False, comment="of the last view, microseconds"),
    Index("sittings_name", "name", "begun"),
    comment="Each time that somebody looked at abuse material.",
)

TABLES = (viewers, sittings)


class Exposures:
    """Folds who may look, and who looked."""

    _inserts: dict[Table, list[dict[str, Any]]]
    _later: list[Callable[[Connection], object]]

    def viewer_named(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exposure.allow`."""
        said = fields["viewer"]
        self._inserts[viewers].append(
            {"case": fields["case"], "name": said["name"], "since": entry.index, "until": None}
        )

    def viewer_ended(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exposure.disallow`."""
        change = update(viewers).where(viewers.c.case == fields["case"])
        change = change.where(viewers.c.name == fields["viewer"]["name"])
        change = change.where(viewers.c.until.is_(None), viewers.c.since < entry.index)
        self._later.append(lambda c: c.execute(change.values(until=entry.index)))

    def sat_down(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`exposure.begin`."""
        begun = clock.from_text(fields["time"])
        self._inserts[sittings].append(
            {
                "entry": entry.index,
                "case": fields["case"],
                "name": fields["actor"]["name"],
                "begun": begun,
                "ended": None,
                "views": 0,
                "last": begun,
            }
        )

    def looked(self, _entry: Entry, fields: dict[str, Any]) -> None:
        """`view`, where it is of abuse material: then it names its sitting."""
        if "sitting" not in fields:
            return
        table, time = sittings, clock.from_text(fields["time"])
        change = update(table).where(table.c.entry == fields["sitting"])
        values = {"views": table.c.views + 1, "last": time}
        self._later.append(lambda c: c.execute(change.values(values)))

    def stood_up(self, _entry: Entry, fields: dict[str, Any]) -> None:
        """`exposure.end`."""
        change = update(sittings).where(sittings.c.entry == fields["sitting"])
        time = clock.from_text(fields["time"])
        self._later.append(lambda c: c.execute(change.values(ended=time)))


FOLDS = {
    "exposure.allow": Exposures.viewer_named,
    "exposure.begin": Exposures.sat_down,
    "exposure.disallow": Exposures.viewer_ended,
    "exposure.end": Exposures.stood_up,
    "view": Exposures.looked,
}


def may_look(connection: Connection, case: str, name: str) -> bool:
    """Say whether `name` may look at abuse material in `case`."""
    query = select(viewers.c.since).where(viewers.c.case == case, viewers.c.name == name)
    return connection.scalar(query.where(viewers.c.until.is_(None))) is not None


def named(connection: Connection, case: str) -> list[str]:
    """Return who may look at abuse material in `case`."""
    query = select(viewers.c.name).where(viewers.c.case == case, viewers.c.until.is_(None))
    return [str(name) for name in connection.scalars(query.distinct().order_by(viewers.c.name))]
