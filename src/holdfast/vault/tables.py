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
    Column("vkey", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("key_id", String, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("ended", BigInteger, comment="the entry that ended this key: rotated or revoked"),
    Index("operators_name", "name"),
    comment="People's public keys; a name has one after the other.",
)

roles = Table(
    "roles",
    projection,
    Column("name", String, primary_key=True),
    Column("role", String, primary_key=True),
    Column("since", BigInteger, primary_key=True, autoincrement=False),
    Column("until", BigInteger, comment="the entry that took it away"),
    comment="Who held which role from which entry to which.",
)

team = Table(
    "team",
    projection,
    Column("case", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("role", String, primary_key=True),
    Column("since", BigInteger, primary_key=True, autoincrement=False),
    Column("until", BigInteger, comment="the entry that took it away"),
    Index("team_name", "name"),
    comment="Who held which role in which case, from which entry to which.",
)

requests = Table(
    "requests",
    projection,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("case", String),
    Column("name", String, nullable=False),
    Column("key", String, nullable=False),
    Column("account", String, nullable=False),
    Column("time", String, nullable=False),
    Column("expires", String, nullable=False),
    Column("state", String, nullable=False, comment="waiting, done, refused or withdrawn"),
    Column("settled", BigInteger, comment="the entry that ended the waiting"),
    comment="Acts that wait, or waited, for another person.",
)

approvals = Table(
    "approvals",
    projection,
    Column("request", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String, nullable=False),
    Column("key", String, nullable=False),
    Column("account", String, nullable=False),
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
    Column("review", BigInteger, nullable=False, comment="microseconds since the epoch"),
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
    Column("erased", BigInteger, comment="the entry that erased it by order"),
    Index("exhibits_entry", "entry"),
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

schedules = Table(
    "schedules",
    projection,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("case", String, nullable=False),
    Column("every", BigInteger, nullable=False, comment="seconds"),
    Column("until", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("pages", Integer, nullable=False),
    Column("removed", BigInteger, comment="the entry that removed it"),
    Index("schedules_case", "case"),
    comment="Pages that are captured again and again; their addresses are in the entry.",
)

recaptures = Table(
    "recaptures",
    projection,
    Column("schedule", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="of the page, from 0"),
    Column("begun", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("item", String(64), comment="the last capture"),
    Column("done", BigInteger, comment="the entry that says what came of it"),
    comment="When each page of a schedule was last captured.",
)

orders = Table(
    "orders",
    projection,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("act", String, nullable=False),
    Column("case", String, nullable=False),
    Column("time", String, nullable=False),
    Column("order", Text, nullable=False),
    Column("request", BigInteger, nullable=False),
    Column("items", Integer, nullable=False),
    Column("entries", Integer, nullable=False, comment="entries that lost fields"),
    Column("bytes", BigInteger, nullable=False),
    comment="Erasures: one row an entry that erases.",
)

erasures = Table(
    "erasures",
    projection,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("field", String, primary_key=True),
    Column("erased", BigInteger, nullable=False, comment="the entry that erases it"),
    Index("erasures_erased", "erased"),
    comment="Fields of entries that an order took out of their bodies.",
)

destroyed = Table(
    "destroyed",
    projection,
    Column("erased", BigInteger, primary_key=True, autoincrement=False),
    Column("object", String(64), primary_key=True),
    Column("item", String(64), primary_key=True),
    comment="Objects and items that an order took; another case may hold the item still.",
)

holds = Table(
    "holds",
    projection,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("item", String, primary_key=True, comment="an item's SHA-256; empty: the whole case"),
    Column("case", String, nullable=False),
    Column("order", Text, nullable=False),
    Column("time", String, nullable=False),
    Column("lifted", BigInteger, comment="the entry that lifted it"),
    Index("holds_case", "case"),
)

seen = Table(
    "seen",
    state,
    Column("origin", String, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    comment="The largest checkpoint this database has seen; survives a rebuild of the projection.",
)
