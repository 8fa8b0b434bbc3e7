"""The act of scrubbing: hash what lies in the store, oldest first, and repair from the replica."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.core import clock, durable
from holdfast.core.digest import CHUNK
from holdfast.core.errors import HoldfastError, IntegrityError
from holdfast.vault import erasure, transfer
from holdfast.vault import scrub as scrubs
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json
    from holdfast.vault.store import Store

AGAIN = 3600.0
"""Seconds from the beginning of a pass to that of the next, at the least."""


@dataclass(frozen=True)
class Scrub:
    """How fast, and whether for ever."""

    rate: float = 0
    """Bytes a second; 0: as fast as it goes."""
    once: bool = False
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"once": self.once, "rate": int(self.rate)}


@dataclass(frozen=True)
class Damage:
    """An object that is not what its name says, and what became of it."""

    object: str
    found: str
    """What is wrong with it, in words."""
    repaired: bool
    how: str
    """Where the good bytes came from, or why there are none."""
    aside: str = ""
    """Where the damaged bytes lie now."""

    def as_json(self) -> dict[str, Json]:
        """Return what `verify --continuous --json` prints."""
        return {
            "aside": self.aside or None,
            "found": self.found,
            "how": self.how,
            "kind": "damage",
            "object": self.object,
            "repaired": self.repaired,
        }


@dataclass(frozen=True)
class Pass:
    """A pass over everything that was ended."""

    facts: dict[str, Json]

    def as_json(self) -> dict[str, Json]:
        """Return what `verify --continuous --json` prints."""
        return {"kind": "pass", **self.facts}


@act("vault.scrub", Needs.NOTHING)
def scrub(session: Session, request: Scrub) -> Iterator[Damage | Pass]:
    """Hash every object, going on where the last scrub stopped; yield damage and ends of passes.

    Raises:
        ConflictError: another process scrubs this vault.
        RemoteError: the store does not answer; what was hashed counts.
    """
    with scrubs.only_one(session.vault.root):
        while True:
            started = time.monotonic()
            yield from _Scrub(session, request).run()
            if request.once:
                return
            time.sleep(max(0.0, AGAIN - (time.monotonic() - started)))


class _Scrub:
    """One pass, or the rest of one that was stopped."""

    def __init__(self, session: Session, request: Scrub) -> None:
        self._session = session
        self._vault = session.vault
        self._request = request
        self._here = scrubs.Progress.load(self._vault.root)
        self._saving = scrubs.Saving(self._vault.root, self._here)
        self._pace = scrubs.Pace(request.rate)

    def run(self) -> Iterator[Damage | Pass]:
        self._vault.current()
        self._here.begin(_now())
        try:
            for part in self._here.waiting():
                yield from self._part(part)
        finally:
            self._saving.now()
        facts = self._here.end(_now())
        self._session.custody.enter(
            Draft("vault.scrub", None, {"pass": facts, "request": self._request.facts()})
        )
        self._saving.now()
        yield Pass(facts)

    def _part(self, part: str) -> Iterator[Damage]:
        after = self._here.enter(part, _now())
        wanted = self._session.look_up(lambda c: scrubs.wanted(c, part))
        there = self._vault.store.digests(part)
        for digest in _merged(there, wanted):
            if digest <= after:
                continue
            wrong = self._check(digest)
            if wrong:
                damage = self._mend(digest, wrong)
                if not damage.repaired:
                    self._here.damaged.append(digest)
                yield damage
            self._here.after = digest
            self._here.objects += 1
            self._saving.often()
            self._session.progress(self._here.objects, None, digest)
        self._here.leave()
        self._saving.often()

    def _check(self, digest: str) -> str:
        """Hash an object at the pace that was asked for; return what is wrong, empty if nothing."""
        hasher = hashlib.sha256()
        try:
            with self._vault.store.open(digest) as stream:
                while chunk := stream.read(CHUNK):
                    hasher.update(chunk)
                    self._here.bytes += len(chunk)
                    self._pace.spend(len(chunk))
        except IntegrityError:
            due = self._wanted(digest) and not self._on_its_way(digest)
            return "it is missing" if due else ""
        except OSError as error:
            return f"it can't be read: {os.strerror(error.errno or 0)}"
        found = hasher.hexdigest()
        return "" if found == digest else f"it was altered: its SHA-256 is {found}"

    def _wanted(self, digest: str) -> bool:
        """Say whether the log says that it is stored; an order may have erased it meanwhile."""
        return bool(self._session.look_up(lambda c: scrubs.wanted(c, digest)))

    def _on_its_way(self, digest: str) -> bool:
        """Say whether a collection at work is just putting it there, or has by now."""
        vault = self._vault
        return digest in vault.store.staged() or vault.store.size(digest) is not None

    def _mend(self, digest: str, wrong: str) -> Damage:
        replica = self._vault.replica()
        if replica is None:
            return Damage(digest, wrong, repaired=False, how="no replica is configured")
        try:
            aside = self._repair(digest, wrong, replica)
        except HoldfastError as error:
            return Damage(digest, wrong, repaired=False, how=error.what)
        return Damage(digest, wrong, repaired=True, how=f"from {replica.where}", aside=aside)

    def _repair(self, digest: str, wrong: str, replica: Store) -> str:
        """Stage the good bytes, enter the repair, set the damaged ones aside, admit the good.

        Killed at any step, it is done again: the good bytes stay staged, and the log has an entry
        for the object, so that whoever comes next admits them.
        """
        vault = self._vault
        with vault.gathering(), durable.disk_errors(vault.root):
            intake = vault.store.intake(f"repair-{os.urandom(6).hex()}")
            try:
                transfer.stage(replica, intake, digest)
                intake.flush()
            except BaseException:
                intake.close()
                raise
            try:
                facts: dict[str, Json] = {"found": wrong, "from": replica.where, "object": digest}
                self._session.custody.enter(Draft("vault.repair", None, {"repair": facts}))
                aside = vault.store.set_aside(digest)
                intake.admit([digest])
            except BaseException:
                intake.leave()
                raise
            intake.close()
            # An order that came meanwhile found nothing in the place.
            erasure.clear(vault, vault.store, [digest])
        return "" if aside is None else str(aside)


def _merged(left: Iterator[str], right: list[str]) -> Iterator[str]:
    """Yield what is in either of two ascending series, once, ascending."""
    theirs = iter(right)
    there = next(theirs, None)
    for name in left:
        while there is not None and there < name:
            yield there
            there = next(theirs, None)
        if there == name:
            there = next(theirs, None)
        yield name
    while there is not None:
        yield there
        there = next(theirs, None)


def _now() -> str:
    return clock.to_text(clock.now())
