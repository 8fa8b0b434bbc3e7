"""The database's tables, in two schemas.

`projection` is folded from the log: it can be dropped, rebuilt to the same rows, and is compared
by `verify`. `state` is the short list of what the log does not hold. On SQLite, which has no
schemas, the tables stand side by side; their names are unique across both.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

projection = MetaData(schema="projection")
state = MetaData(schema="state")

head = Table(
    "head",
    projection,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    comment="Up to which entry the projection is folded: one row.",
)

chains = Table(
    "chains",
    projection,
    Column("chain", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
    comment="Entries per case, and of the vault itself (empty name): the last sequence number.",
)

entries = Table(
    "entries",
    projection,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("time", String, nullable=False),
    Column("act", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("case", String),
    Column("sequence", BigInteger, nullable=False),
    Column("item", String),
    Column("signed", Integer, nullable=False),
    Index("entries_case", "case", "sequence"),
    Index("entries_item", "item"),
)

operators = Table(
    "operators",
    projection,
    Column("name", String, primary_key=True),
    Column("key_id", String, nullable=False),
    Column("vkey", String, nullable=False),
    Column("entry", BigInteger, nullable=False),
)

cases = Table(
    "cases",
    projection,
    Column("case", String, primary_key=True),
    Column("title", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("lead", Text, nullable=False),
    Column("scope", Text, nullable=False, comment="JSON list"),
    Column("valid_from", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("valid_until", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("opened", String, nullable=False),
    Column("closed", String),
    Column("closed_why", Text),
    Column("recipient", String, comment="age recipient of the case, sealed vaults"),
    Column("exhibits", Integer, nullable=False, comment="exhibit numbers given so far"),
)

exhibits = Table(
    "exhibits",
    projection,
    Column("case", String, ForeignKey("projection.cases.case"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("exhibit", String, nullable=False),
    Column("item", String(64), nullable=False, comment="SHA-256 of the original"),
    Column("object", String(64), nullable=False, comment="SHA-256 of the stored bytes"),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("collected", String, nullable=False),
    Column("changed", Integer, nullable=False, comment="1: the source changed while it was read"),
    Column("wrapped", Text, comment="the item's key, wrapped to the case (base64 age file)"),
    Column("entry", BigInteger, nullable=False),
    Index("exhibits_item", "item"),
    Index("exhibits_object", "object"),
)

settings = Table(
    "settings",
    projection,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False, comment="JSON"),
    Column("entry", BigInteger, nullable=False),
    comment="What was last set for the whole vault: its witnesses, its time authorities …",
)

seen = Table(
    "seen",
    state,
    Column("origin", String, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    comment="The largest checkpoint this database has seen; survives a rebuild of the projection.",
)
