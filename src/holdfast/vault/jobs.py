"""The table of long acts that a server does on its own, in the database's state."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from holdfast.vault.tables import state

jobs = Table(
    "jobs",
    state,
    Column("job", String(32), primary_key=True),
    Column("who", String, nullable=False),
    Column("act", String, nullable=False),
    Column("case", String),
    Column("state", String, nullable=False, comment="waiting, running, done, failed or cut short"),
    Column("owner", String(32), nullable=False, comment="the process that does it"),
    Column("made", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("changed", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("done", BigInteger, nullable=False, comment="units so far: bytes or files"),
    Column("total", BigInteger, comment="of so many, where that is known"),
    Column("what", Text, nullable=False, comment="what is at work now"),
    Column("count", BigInteger, comment="lines of the result"),
    Column("sha256", String(64), comment="of the result's lines"),
    Column("problem", Text, comment="JSON: why it failed"),
    Index("jobs_owner", "owner"),
    Index("jobs_who", "who", "made"),
    comment="Long acts that programs asked for, and how far each is; for a week.",
)
