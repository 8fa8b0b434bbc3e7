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
from holdfast.examine import ledger as ledgers
from holdfast.examine import run, search, timeline
from holdfast.examine.told import Told
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.acts.cases import OneCase
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.examine.ledger import LedgerLine
    from holdfast.examine.run import Event, Summary


@dataclass(frozen=True)
class Examine:
    """Which case, with how many processes, and what modules are told."""

    case: str
    jobs: int = 1
    told: Told = field(default_factory=Told)
    """Sigma rules, the unit's own patterns and the like."""

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
    """Workers that died and items that could not be read, one line each."""


@act("examine", Needs.AUTHORITY)
def examine(session: Session, request: Examine) -> Examination:
    """Examine what was not examined yet, then bring the case's timeline and index up to date.

    Raises:
        ResourceError: workers can't be started, or the disk is full.
        IntegrityError: a worker wrote what it must not.
    """
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

    vault = session.vault
    with durable.disk_errors(vault.derived):
        summary = run.examine(
            (_input(session, one) for one in held.values()),
            vault.derived,
            jobs=request.jobs,
            on_event=hear,
            settings=settings,
        )
        index = vault.index(request.case)
        session.progress(len(held), len(held), "lists of known files")
        marked = restricting.mark(session, request.case)
        session.progress(len(held), len(held), "timeline")
        events = timeline.build(vault.derived, held, index)
        session.progress(len(held), len(held), "text index")
        indexed = search.build(vault.derived, held, index)
        vault.current()
        for erased in held.keys() - by_item(session, request.case).keys():
            # By order, while it was at work on it.
            shutil.rmtree(vault.derived / erased, ignore_errors=True)
            held = by_item(session, request.case)
            events = timeline.build(vault.derived, held, index)
            indexed = search.build(vault.derived, held, index)
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


def _input(session: Session, exhibit: Exhibit) -> run.Input:
    def open_descriptor() -> int:
        with open_file(session.vault, exhibit) as stream:
            return os.dup(stream.fileno())

    name = exhibit.path.rpartition("/")[2]
    return run.Input(exhibit.item, name, open_descriptor, clock.from_text(exhibit.collected))


def by_item(session: Session, case: str) -> dict[str, Exhibit]:
    """Return the case's items, each with the first exhibit that holds it."""
    held: dict[str, Exhibit] = {}
    for exhibit in session.look_up(lambda c: list(exhibits.of_case(c, case))):
        held.setdefault(exhibit.item, exhibit)
    return held


@dataclass(frozen=True)
class Line:
    """A line of the ledger, with the exhibit it speaks of."""

    exhibit: Exhibit
    line: LedgerLine


@act("ledger", Needs.CASE)
def ledger(session: Session, request: OneCase) -> Iterator[Line]:
    """Yield what became of every file: seen = parsed + unsupported + failed.

    Raises:
        IntegrityError: it does not add up.
    """
    held = by_item(session, request.case)
    for line in ledgers.ledger(session.vault.derived, held):
        yield Line(held[line.item], line)
