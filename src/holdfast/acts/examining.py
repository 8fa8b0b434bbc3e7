"""Acts of examination: from the case's items to records, timeline, text index and ledger."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.acts import hashsets, restricting
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.originals import open_file
from holdfast.cases import exhibits
from holdfast.core import clock, durable
from holdfast.core.errors import InputError
from holdfast.examine import ledger as ledgers
from holdfast.examine import links, run, search, timeline
from holdfast.examine.elsewhere import Elsewhere
from holdfast.examine.engines.local import Local
from holdfast.examine.told import Told
from holdfast.vault import copying
from holdfast.vault.entry import Draft
from holdfast.vault.stores.s3 import S3Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.acts.cases import OneCase
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.examine.cluster import Cluster
    from holdfast.examine.engine import Engine
    from holdfast.examine.ledger import LedgerLine
    from holdfast.examine.run import Event, Summary


_LINK = 6 * 3600
"""Seconds for which another machine may read an item: it waits behind one batch, at most."""


@dataclass(frozen=True)
class Examine:
    """Which case, by whom and how many, and what modules are told."""

    case: str
    jobs: int = 1
    """Processes; on other machines the most that work at once, 0 for as many as there are."""
    told: Told = field(default_factory=Told)
    """Sigma rules, the unit's own patterns and the like."""
    cluster: Cluster | None = None
    """Other machines that do it; None: processes of this one."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it; the number of processes changes nothing."""
        return dict(self.told.facts)


@dataclass(frozen=True)
class Examination:
    """What an examination came to."""

    summary: Summary
    events: int
    """Events in the case's timeline."""
    indexed: int
    """Records in the case's text index."""
    marks: dict[str, int]
    """Files on lists, by the kind of list; a file on two lists counts twice."""
    notes: list[str]
    """Workers that died or were lost and items that could not be read, one line each."""

    def as_json(self) -> dict[str, Json]:
        """Return what `examine --json` prints."""
        summary = self.summary
        return {
            "deaths": summary.deaths,
            "events": self.events,
            "examined": summary.examined,
            "failures": summary.failures,
            "files": summary.files,
            "indexed": self.indexed,
            "marks": dict(self.marks),
            "records": summary.records,
            "skipped": summary.skipped,
            "unread": summary.unread,
        }


@act("examine", Needs.AUTHORITY, long=True)
def examine(session: Session, request: Examine) -> Examination:
    """Examine what was not examined yet, then bring the case's timeline and index up to date.

    Raises:
        InputError: other machines are to do it, and the originals lie in a folder of this one.
        RemoteError: the other machines are gone, or are not as they must be.
        ResourceError: workers can't be started, or the disk is full.
        IntegrityError: a worker wrote what it must not.
    """
    engine = _engine(session, request)
    held = by_item(session, request.case)
    notes = [*request.told.notes]
    lists = session.look_up(hashsets.in_force)
    settings = dict(request.told.settings)
    if algorithms := hashsets.needed(lists):
        settings["digests"] = algorithms
    started: dict[str, Json] = {"items": len(held), **request.facts()}
    if lists:
        started["sets"] = [one.digest for one in lists]
    session.custody.enter(Draft("examine.start", request.case, started))
    done = 0

    def hear(event: Event) -> None:
        nonlocal done
        if isinstance(event, run.Examined):
            done += 1
            session.progress(done, len(held), event.name)
        elif isinstance(event, run.Died):
            notes.append(f"{event.name}: {event.module} did not survive it: {event.reason}")
        elif isinstance(event, run.Unread):
            notes.append(f"{event.name} could not be examined: {event.reason}")
        elif isinstance(event, run.Lost):
            notes.append(f"a worker on {event.where} was lost: {event.reason}")

    vault = session.vault
    with durable.disk_errors(vault.derived):
        summary = run.examine(
            (_input(session, one) for one in held.values()),
            vault.derived,
            jobs=request.jobs,
            on_event=hear,
            settings=settings,
            engine=engine,
        )
        index = vault.index(request.case)
        session.progress(len(held), len(held), "lists of known files")
        marked = restricting.mark(session, request.case)
        session.progress(len(held), len(held), "timeline")
        events = timeline.build(vault.derived, held, index)
        session.progress(len(held), len(held), "text index")
        indexed = search.build(vault.derived, held, index)
        secret = links.key_of(vault.keyring.chain(None))
        links.build(vault.derived, held, index, secret)
        vault.current()
        for erased in held.keys() - by_item(session, request.case).keys():
            # By order, while it was at work on it.
            shutil.rmtree(vault.derived / erased, ignore_errors=True)
            held = by_item(session, request.case)
            events = timeline.build(vault.derived, held, index)
            indexed = search.build(vault.derived, held, index)
            links.build(vault.derived, held, index, secret)
            marked = restricting.mark(session, request.case)
    counts = dict(sorted(marked.counts.items()))
    totals: dict[str, Json] = {
        "deaths": summary.deaths,
        "examined": summary.examined,
        "failures": summary.failures,
        "files": summary.files,
        "records": summary.records,
        "skipped": summary.skipped,
        "unread": summary.unread,
    }
    if lists:
        totals["marks"] = dict(counts)
    session.custody.enter(Draft("examine.end", request.case, {"totals": totals}))
    return Examination(summary, events, indexed, counts, notes)


def _engine(session: Session, request: Examine) -> Engine:
    if request.cluster is None:
        return Local(request.jobs)
    from holdfast.examine.engines.ray import Ray  # noqa: PLC0415 - few need it
    from holdfast.vault.leases import Leases  # noqa: PLC0415

    vault = session.vault
    if not isinstance(vault.store, S3Store):
        raise InputError(
            "other machines can't read originals that lie in a folder of this one",
            "move them to an S3 store: holdfast vault move --to s3://BUCKET/PREFIX?endpoint=…",
        )
    return Ray(request.cluster, Leases(vault.engine, request.case), workers=request.jobs)


def _input(session: Session, exhibit: Exhibit) -> run.Input:
    vault = session.vault

    def open_descriptor() -> int:
        with open_file(vault, exhibit) as stream:
            return os.dup(stream.fileno())

    def elsewhere() -> Elsewhere:
        """Give a link to this object and, if it is sealed, this item's key: no more."""
        assert isinstance(vault.store, S3Store)  # noqa: S101 - `_engine` saw to it
        secret = ""
        if exhibit.wrapped is not None:
            secret = copying.unwrap(exhibit.wrapped, vault.keyring.identity(exhibit.case))
        return Elsewhere(vault.store.link(exhibit.object, _LINK), exhibit.object, secret)

    name = exhibit.path.rpartition("/")[2]
    collected = clock.from_text(exhibit.collected)
    return run.Input(
        exhibit.item, name, open_descriptor, collected,
        elsewhere if isinstance(vault.store, S3Store) else None, exhibit.size,
    )  # fmt: skip


def by_item(session: Session, case: str) -> dict[str, Exhibit]:
    """Return the case's items, each with the first exhibit that holds it."""
    held: dict[str, Exhibit] = {}
    for exhibit in session.look_up(lambda c: list(exhibits.of_case(c, case))):
        held.setdefault(exhibit.item, exhibit)
    return held


TOTALS = (
    "seen", "parsed", "unsupported", "failed", "not_examined", "records", "bytes", "disagreements",
)  # fmt: skip
"""What a line of the ledger counts; `inner_failures` stands beside them."""


@dataclass(frozen=True)
class Line:
    """A line of the ledger, with the exhibit it speaks of."""

    exhibit: Exhibit
    line: LedgerLine

    def as_json(self) -> dict[str, Json]:
        """Return what `ledger --json` prints: of the item as a whole, its parser is empty."""
        line = self.line
        role, _, name = line.module.partition(":")
        return {
            **{total: getattr(line, total) for total in TOTALS},
            "exhibit": self.exhibit.label,
            "failures": line.failures,
            "inner_failures": line.inner_failures,
            "item": line.item,
            "kind": "ledger",
            "parser": name,
            "path": self.exhibit.path,
            "reasons": dict(line.reasons),
            "role": role or "item",
            "state": line.state,
            "unsupported_types": dict(line.unsupported_types),
        }


@act("ledger", Needs.CASE, reads=True)
def ledger(session: Session, request: OneCase) -> Iterator[Line]:
    """Yield what became of every file: seen = parsed + unsupported + failed.

    Raises:
        IntegrityError: it does not add up.
    """
    held = by_item(session, request.case)
    for line in ledgers.ledger(session.vault.derived, held):
        yield Line(held[line.item], line)
