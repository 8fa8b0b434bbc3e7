"""The table of requests that bear a key of their own, in the database's state."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table, Text

from holdfast.vault.tables import state

requested = Table(
    "requested",
    state,
    Column("who", String, primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("time", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("answer", Text, comment="what came of it; none yet: it is under way, or was cut short"),
    comment="Requests that are done once however often they are sent; for a day.",
)
