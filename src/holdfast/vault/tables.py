"""The database's tables, in two schemas.

`projection` is folded from the log: it can be dropped, rebuilt to the same rows, and is compared
by `verify`. `state` is the short list of what the log does not hold. On SQLite, which has no
schemas, the tables stand side by side; their names are unique across both.
"""

from __future__ import annotations

import hashlib
from functools import cache

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
    Column("counter", BigInteger, nullable=False, comment="of a passkey: its largest so far"),
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
    Column("zone", String, nullable=False, comment="its time zone, of the tz database"),
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
    Index("exhibits_label", "case", "exhibit"),
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

hash_sets = Table(
    "hash_sets",
    projection,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("set", String(64), nullable=False, comment="SHA-256 of its set.json"),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False, comment="known-good, known-bad or abuse"),
    Column("tables", Text, nullable=False, comment="JSON: how many digests of what"),
    Column("removed", BigInteger, comment="the entry that removed it"),
    comment="Lists of known files and values; they belong to no case.",
)

restrictions = Table(
    "restrictions",
    projection,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("set", String(64), primary_key=True),
    Column("item", String(64), nullable=False),
    Column("case", String, nullable=False, comment="in which it was found"),
    Index("restrictions_item", "item"),
    comment="Items with files that are on a list of abuse material, whichever case holds them.",
)

releases = Table(
    "releases",
    projection,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("item", String(64), nullable=False),
    Column("case", String, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("sealed_to", Text, nullable=False, comment="JSON list of age recipients"),
    Column("withdrawn", BigInteger, comment="the entry that withdrew it"),
    Index("releases_item", "item"),
    comment="To whom a restricted item may be handed over.",
)

seen = Table(
    "seen",
    state,
    Column("origin", String, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    comment="The largest checkpoint this database has seen; survives a rebuild of the projection.",
)

leases = Table(
    "leases",
    state,
    Column("case", String, primary_key=True),
    Column("item", String(64), primary_key=True),
    Column(
        "aim", String(64), primary_key=True, comment="SHA-256 over the keys of what is to be made"
    ),
    Column("owner", String, nullable=False, comment="the examination that has it; empty: none"),
    Column("until", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("tries", Integer, nullable=False, comment="machines lost while they were at it"),
    Column("result", String(64), comment="SHA-256 of what was put in force"),
    comment="Items that are examined on other machines; gone when the examination is.",
)

shape = Table(
    "shape",
    state,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    comment="Of the projection's tables as they were made: one row.",
)


@cache
def projection_shape() -> str:
    """Return a digest of the projection's tables, columns and indices, in hex."""
    lines = []
    for table in projection.sorted_tables:
        for column in table.columns:
            facts = column.name, column.type, column.nullable, column.primary_key
            lines.append("\t".join(map(str, (table.name, *facts))))
        lines += [
            "\t".join((str(index.name), *(column.name for column in index.columns)))
            for index in table.indexes
        ]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
