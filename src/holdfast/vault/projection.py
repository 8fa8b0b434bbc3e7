"""Fold the log into rows: the same log gives the same rows, whenever and wherever it is folded."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, text, update

from holdfast.core import clock
from holdfast.core.errors import IntegrityError
from holdfast.vault import casework, delegates, eras, exhibited, signing, tables
from holdfast.vault.approvals import Approvals
from holdfast.vault.blanks import ERASED, blank
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.database import guarded
from holdfast.vault.delegates import Delegates
from holdfast.vault.merkle import EMPTY_ROOT
from holdfast.vault.remarks import Remarks, forget, remarks
from holdfast.vault.restrictions import Restrictions
from holdfast.vault.team import Team

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection, Engine, Table, Update

    from holdfast.vault.entry import Entry
    from holdfast.vault.log import Log

GROUP = 4096
"""Entries folded in one transaction."""


class Batch(
    Approvals, Delegates, Remarks, Restrictions, exhibited.Exhibited, Team, casework.Casework
):
    """The rows that a run of entries gives, gathered for one executemany per table."""

    def __init__(self) -> None:
        self._inserts: dict[Table, list[dict[str, Any]]] = defaultdict(list)
        self._exhibits: Counter[str] = Counter()
        self._closed: dict[str, tuple[str, str]] = {}
        self._chains: dict[str, int] = {}
        self._settings: dict[str, dict[str, Any]] = {}
        self._later: list[Callable[[Connection], object]] = []
        """Changes of rows, in the order of their entries."""

    def add(self, entry: Entry) -> None:
        """Fold one entry."""
        fields = entry.fields
        act, case = str(fields.get("act", "")), fields.get("case")
        self._inserts[tables.entries].append(
            {
                "index": entry.index,
                "time": fields.get("time", ""),
                "act": act,
                "actor": fields.get("actor", {}).get("name", ""),
                "case": case,
                "sequence": entry.sequence,
                "item": fields.get("item"),
                "signed": int("signature" in entry.commitments),
            }
        )
        chain = case or ""
        self._chains[chain] = max(self._chains.get(chain, 0), entry.sequence)
        fold = _FOLDS.get(act)
        if fold is not None:
            fold(self, entry, fields)
        count = signing.counter(fields.get("signature") or {})
        if count:
            keys, key = tables.operators, fields["signature"]["key"]
            higher = update(keys).where(keys.c.key_id == key, keys.c.counter < count)
            self._later.append(lambda c: c.execute(higher.values(counter=count)))

    def apply(self, connection: Connection) -> None:
        """Write the rows, parents before children."""
        for table in (
            *(tables.entries, tables.operators, tables.roles, tables.requests, tables.approvals),
            *(tables.cases, tables.exhibits, tables.orders, tables.erasures, tables.destroyed),
            *(tables.holds, tables.schedules, tables.team, delegates.table),
            *(tables.hash_sets, tables.restrictions, tables.releases),
            *exhibited.TABLES,
            *casework.TABLES,
            remarks,
        ):
            self._insert(connection, table)
        if self._settings:
            settings = tables.settings
            connection.execute(delete(settings).where(settings.c.name.in_(self._settings)))
            connection.execute(insert(settings), list(self._settings.values()))
        cases, chains = tables.cases, tables.chains
        for case, count in self._exhibits.items():
            connection.execute(
                update(cases).where(cases.c.case == case).values(exhibits=cases.c.exhibits + count)
            )
        for case, (time, why) in self._closed.items():
            connection.execute(
                update(cases).where(cases.c.case == case).values(closed=time, closed_why=why)
            )
        for chain, count in self._chains.items():
            done = connection.execute(
                update(chains).where(chains.c.chain == chain).values(count=count)
            )
            if done.rowcount == 0:
                connection.execute(insert(chains).values(chain=chain, count=count))
        for change in self._later:
            change(connection)

    def _insert(self, connection: Connection, table: Table) -> None:
        rows = self._inserts.pop(table, [])
        if rows:
            connection.execute(insert(table), rows)

    def operator(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`operator.add`: a person's public key, and the roles they begin with."""
        self._inserts[tables.operators].append(
            {**fields["operator"], "counter": 0, "entry": entry.index}
        )
        self._roles(entry, fields["operator"]["name"], fields.get("roles", []))

    def roles(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`operator.role`: roles given and taken."""
        change, held = fields["change"], tables.roles
        self._roles(entry, change["name"], change["added"])
        ended = (
            update(held)
            .where(held.c.name == change["name"], held.c.role.in_(change["removed"]))
            .where(held.c.until.is_(None), held.c.since < entry.index)
            .values(until=entry.index)
        )
        self._later.append(lambda connection: connection.execute(ended))

    def _roles(self, entry: Entry, name: str, roles: list[str]) -> None:
        self._inserts[tables.roles] += [
            {"name": name, "role": role, "since": entry.index} for role in roles
        ]

    def key_ended(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`operator.rotate`, `operator.revoke`: a key ends here."""
        keys = tables.operators
        ended = update(keys).where(keys.c.vkey == fields["ended"]["vkey"], keys.c.ended.is_(None))
        self._later.append(lambda c: c.execute(ended.values(ended=entry.index)))
        if fields["act"] == "operator.revoke":
            for held in (tables.roles, tables.team):
                lost = update(held).where(held.c.name == fields["ended"]["name"])
                lost = lost.where(held.c.until.is_(None), held.c.since < entry.index)
                self._later.append(partial(_execute, lost.values(until=entry.index)))

    def erased(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`erase`, `erase.mass`: what rows say of erased fields, whether the bodies have them."""
        facts = fields["erasure"]
        self._inserts[tables.orders].append(
            {
                "entry": entry.index,
                **{name: fields[name] for name in ("act", "case", "time")},
                **{name: facts[name] for name in ("order", "request", "bytes")},
                "items": len(facts["items"]),
                "entries": len(facts["fields"]),
            }
        )
        self._inserts[tables.erasures] += [
            {"entry": one["entry"], "field": name, "erased": entry.index}
            for one in facts["fields"]
            for name in one["names"]
        ]
        self._inserts[tables.destroyed] += [
            {"erased": entry.index, "object": one["object"], "item": one["item"]}
            for one in facts["items"]
        ]
        names: dict[str, list[int]] = defaultdict(list)
        for one in facts["fields"]:
            for name in one["names"]:
                names[name].append(one["entry"])
        self._later.append(lambda connection: blank(connection, entry.index, names))
        self._later.append(lambda connection: forget(connection, names))

    def held(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`hold.set`: nothing of this may be erased."""
        facts = fields["hold"]
        self._inserts[tables.holds] += [
            {
                "entry": entry.index,
                "item": item,
                "case": fields["case"],
                "order": facts["order"],
                "time": fields["time"],
            }
            for item in facts["items"] or [""]
        ]

    def lifted(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`hold.lifted`."""
        table = tables.holds
        change = update(table).where(table.c.entry == fields["hold"]["entry"])
        self._later.append(lambda c: c.execute(change.values(lifted=entry.index)))

    def set(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`vault.set`: a setting of the whole vault; the last one counts."""
        self._set(entry, fields["setting"]["name"], fields["setting"]["value"])

    def key_changed(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`log.key`: another key signs the log; the last one counts."""
        self._set(entry, eras.ACT, fields["era"])

    def made(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`vault.init`: of its settings, the store is one that can change later."""
        if "store" in fields["settings"]:
            self._set(entry, "store", fields["settings"]["store"])

    def _set(self, entry: Entry, name: str, value: Any) -> None:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True)
        self._settings[name] = {"name": name, "value": text, "entry": entry.index}

    def case_opened(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`case.open`: authority, scope and validity."""
        self.team_begun(entry, fields)
        facts = fields["opening"]
        self._inserts[tables.cases].append(
            {
                "case": fields["case"],
                "title": fields.get("title", ERASED),
                "basis": facts["basis"],
                "authority": facts["authority"],
                "purpose": facts["purpose"],
                "lead": fields.get("lead", ERASED),
                "scope": json.dumps(fields["scope"], ensure_ascii=False),
                "valid_from": clock.from_text(facts["valid_from"]),
                "valid_until": clock.from_text(facts["valid_until"]),
                "opened": fields["time"],
                "recipient": facts.get("recipient"),
                "exhibits": 0,
                "review": clock.from_text(facts.get("review", facts["valid_until"])),
                "zone": "UTC",
            }
        )

    def zoned(self, _entry: Entry, fields: dict[str, Any]) -> None:
        """`case.zone`: where the case's clocks are read; the last one counts."""
        table = tables.cases
        change = update(table).where(table.c.case == fields["case"])
        self._later.append(partial(_execute, change.values(zone=fields["zone"]["name"])))

    def case_closed(self, _entry: Entry, fields: dict[str, Any]) -> None:
        """`case.close`."""
        self._closed[fields["case"]] = (fields["time"], fields.get("reason", ERASED))

    def collected(self, entry: Entry, fields: dict[str, Any]) -> None:
        """`collect.item`: an item and its exhibit in the case."""
        stored = fields.get("stored", {"object": "", "size": 0})
        self._exhibits[fields["case"]] += 1
        self._inserts[tables.exhibits].append(
            {
                "case": fields["case"],
                "number": fields["exhibit"]["number"],
                "exhibit": fields["exhibit"]["label"],
                "item": fields["item"],
                "object": stored["object"],
                "path": fields.get("path", {}).get("text", ERASED),
                "size": stored["size"],
                "collected": fields["time"],
                "changed": int("changed" in fields.get("record", {})),
                "wrapped": stored.get("wrapped"),
                "entry": entry.index,
            }
        )
        if "made" in fields["exhibit"]:
            self.labelled(entry, fields)


_FOLDS: dict[str, Callable[[Batch, Entry, dict[str, Any]], None]] = {
    "operator.add": Batch.operator,
    "case.open": Batch.case_opened,
    "case.close": Batch.case_closed,
    "case.role": Batch.team_changed,
    "case.zone": Batch.zoned,
    "collect.item": Batch.collected,
    "record.comment": Batch.remarked,
    "record.tag": Batch.remarked,
    "record.untag": Batch.untagged,
    "vault.init": Batch.made,
    "vault.set": Batch.set,
    "operator.role": Batch.roles,
    "operator.drop": Batch.key_ended,
    "operator.rotate": Batch.key_ended,
    "operator.revoke": Batch.key_ended,
    "account.request": Batch.requested,
    "erase.request": Batch.requested,
    "erase.limits.request": Batch.requested,
    "hold.lift.request": Batch.requested,
    "request.approve": Batch.approved,
    "request.refuse": Batch.refused,
    "request.withdraw": Batch.withdrawn,
    "erase": Batch.erased,
    "erase.mass": Batch.erased,
    "hold.set": Batch.held,
    "hold.lifted": Batch.lifted,
    "log.key": Batch.key_changed,
    "profile.request": Batch.requested,
    "schedule.add": Batch.scheduled,
    "schedule.begin": Batch.recapture_begun,
    "schedule.done": Batch.recaptured,
    "schedule.remove": Batch.unscheduled,
    "log.key.request": Batch.requested,
    "hashset.add": Batch.set_added,
    "hashset.remove": Batch.set_removed,
    "item.restrict": Batch.restricted,
    "item.release": Batch.released,
    "item.withdraw": Batch.withdrawn_release,
    "exhibit.destroy.request": Batch.requested,
    **delegates.FOLDS,
    **exhibited.FOLDS,
    **casework.FOLDS,
}


def _execute(change: Update, connection: Connection) -> object:
    return connection.execute(change)


def position(connection: Connection, origin: str) -> Checkpoint:
    """Return up to where the projection is folded."""
    row = connection.execute(select(tables.head.c.size, tables.head.c.root)).one_or_none()
    return Checkpoint(origin, 0, EMPTY_ROOT) if row is None else Checkpoint(origin, *row)


def _alone(connection: Connection) -> None:
    """Keep others from folding the same entries until this transaction ends.

    SQLite has one writer at a time anyway, from the transaction's first statement on.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE projection.head IN SHARE ROW EXCLUSIVE MODE"))


def catch_up(engine: Engine, log: Log, head: Checkpoint) -> None:
    """Fold what the log has beyond the projection, group by group.

    Raises:
        IntegrityError: the projection is ahead of the log, or was folded from another.
    """
    while True:
        with guarded(engine), engine.begin() as connection:
            _alone(connection)
            here = position(connection, log.origin)
            if here.size > head.size:
                # Others may have gone on, and folded it, since `head` was read.
                head = log.head()
            if here.size == head.size:
                if here.root != head.root:
                    raise _not_this_log(here, head)
                return
            if here.size > head.size:
                raise _not_this_log(here, head)
            end = min(here.size + GROUP, head.size)
            fold(connection, log.entries(here.size, end))
            _advance(connection, here, end, log.tree(head).root_of(0, end))


def fold_own(engine: Engine, log: Log, head: Checkpoint, entries: list[Entry]) -> None:
    """Fold `entries`, which this process has just put after `head`, without reading them back."""
    with guarded(engine), engine.begin() as connection:
        _alone(connection)
        here = position(connection, head.origin)
        if here != head:
            return
        size = head.size + len(entries)
        fold(connection, entries)
        _advance(connection, here, size, log.tree(log.head()).root_of(0, size))


def fold(connection: Connection, entries: Iterable[Entry]) -> None:
    """Fold `entries`, which follow the ones already folded."""
    batch = Batch()
    for entry in entries:
        batch.add(entry)
    batch.apply(connection)


def _advance(connection: Connection, here: Checkpoint, size: int, root: bytes) -> None:
    head = tables.head
    done = connection.execute(
        update(head).where(head.c.size == here.size).values(size=size, root=root)
    )
    if done.rowcount == 0:
        connection.execute(insert(head).values(id=1, size=size, root=root))


def _not_this_log(here: Checkpoint, head: Checkpoint) -> IntegrityError:
    return IntegrityError(
        f"the database was folded from a log of {here.size} entries that is not this log of "
        f"{head.size}",
        "if the log was restored on purpose, run `holdfast rebuild`",
    )
