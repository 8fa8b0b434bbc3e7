"""What entries on sets of digests, restricted items and who may have them give in rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from holdfast.vault import tables
from holdfast.vault.schedules import Schedules

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from holdfast.vault.entry import Entry


class Restrictions(Schedules):
    """Folds sets, restrictions and releases."""

    def set_added(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`hashset.add`: a list that files are held against from now on."""
        facts = fields["hashset"]
        self._inserts[tables.hash_sets].append(
            {
                "entry": entry.index,
                **{name: facts[name] for name in ("set", "name", "kind")},
                "tables": json.dumps(facts["counts"], sort_keys=True),
            }
        )

    def set_removed(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`hashset.remove`."""
        table = tables.hash_sets
        change = update(table).where(table.c.set == fields["hashset"]["set"])
        change = change.where(table.c.removed.is_(None)).values(removed=entry.index)
        self._later.append(lambda c: c.execute(change))

    def restricted(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`item.restrict`: a file in the item is on a list of abuse material."""
        self._inserts[tables.restrictions] += [
            {"entry": entry.index, "item": fields["item"], "case": fields["case"], "set": one}
            for one in fields["restriction"]["sets"]
        ]

    def released(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`item.release`: somebody who may be given a restricted item, by name."""
        facts = fields["release"]
        self._inserts[tables.releases].append(
            {
                "entry": entry.index,
                "item": fields["item"],
                "case": fields["case"],
                "recipient": facts["recipient"],
                "sealed_to": json.dumps(facts["sealed_to"]),
            }
        )

    def withdrawn_release(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`item.withdraw`: they may no longer."""
        table = tables.releases
        change = update(table).where(table.c.entry == fields["release"]["entry"])
        self._later.append(lambda c: c.execute(change.values(withdrawn=entry.index)))


def restricted(connection: Connection) -> set[str]:
    """Return every item that may be shown to nobody and leaves for named recipients only."""
    return set(connection.scalars(select(tables.restrictions.c.item).distinct()))
