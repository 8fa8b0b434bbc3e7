"""Settings of the whole vault that can change: each is an entry of the log, the last one counts.

What can't change (the log's key, plain or sealed, what the policy demands) is in entry 0.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.vault import tables
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from holdfast.core.canonical import Json

ACT = "vault.set"


def change(name: str, value: Json) -> Draft:
    """Return the entry that sets `name` to `value`."""
    return Draft(ACT, None, {"setting": {"name": name, "value": value}})


def read(connection: Connection, name: str) -> Json:
    """Return what `name` was last set to; None where it never was."""
    table = tables.settings
    found = connection.scalar(select(table.c.value).where(table.c.name == name))
    value: Json = None if found is None else json.loads(found)
    return value
