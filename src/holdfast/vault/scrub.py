"""How far a scrub has come: which part of the store was hashed when, kept in `scrub.json`.

The store is walked in 256 parts, by the first two digits of the objects' names, the part that was
hashed longest ago first. So the file stays small however many objects there are, and losing it
costs no more than reading them again. What matters of a scrub, that a pass was ended and that an
object was repaired, is in the log.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.core import clock, durable
from holdfast.core.errors import ConflictError, InputError
from holdfast.vault import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json
    from holdfast.vault.store import Store

NAME = "scrub.json"
PARTS = [f"{number:02x}" for number in range(256)]
_SAVE_EVERY = 2.0
"""Seconds of work that a crash may cost."""


@dataclass
class Progress:
    """Where a scrub is; every time is RFC 3339, and decides nothing: clocks are set back."""

    number: int = 0
    """Of this pass, or of the last one."""
    began: str = ""
    """When this pass began; empty between two."""
    marks: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Part to the pass in which it was last hashed whole, and when it was begun there."""
    part: str = ""
    """The part at work; empty between two."""
    part_began: str = ""
    after: str = ""
    """The last object of that part that was hashed."""
    objects: int = 0
    """Hashed in this pass."""
    bytes: int = 0
    damaged: list[str] = field(default_factory=list)
    """Found wrong and not repaired, in this pass."""
    last: dict[str, Json] = field(default_factory=dict)
    """What the pass before came to."""

    @classmethod
    def load(cls, root: Path) -> Progress:
        """Read the file; one that is absent or can't be read is a scrub that never was."""
        try:
            facts = json.loads((root / NAME).read_bytes())
            marks = {
                part: (int(number), str(at)) for part, (number, at) in facts.pop("marks").items()
            }
            found = cls(marks=marks, **facts)
            for text in (found.began, found.part_began, *(at for _, at in marks.values())):
                if text:
                    clock.from_text(text)
            sound = set(marks) <= set(PARTS) and found.number + found.objects + found.bytes >= 0
        except (OSError, ValueError, TypeError, AttributeError, KeyError, InputError):
            return cls()
        return found if sound else cls()

    def save(self, root: Path) -> None:
        """Write the file."""
        with durable.disk_errors(root):
            durable.replace(root / NAME, json.dumps(asdict(self)).encode(), 0o600, sync=False)

    def begin(self, now: str) -> None:
        """Begin a pass, unless one is under way."""
        if not self.began:
            self.number += 1
            self.began = now
            self.objects = self.bytes = 0
            self.damaged = []

    def waiting(self) -> list[str]:
        """Return the parts that this pass has still to hash: that at work, then oldest first."""
        left = [part for part in PARTS if self._pass(part) < self.number]
        return sorted(left, key=lambda part: (part != self.part, self._pass(part), part))

    def oldest_first(self) -> list[str]:
        """Return all parts, the one that was hashed longest ago first."""
        return sorted(PARTS, key=lambda part: (self._pass(part), part != self.part, part))

    def _pass(self, part: str) -> int:
        return self.marks.get(part, (0, ""))[0]

    def enter(self, part: str, now: str) -> str:
        """Begin a part, or go on in it; return after which object."""
        if self.part != part:
            self.part, self.part_began, self.after = part, now, ""
        return self.after

    def leave(self) -> None:
        """Mark the part at work as hashed."""
        self.marks[self.part] = self.number, self.part_began
        self.part = self.part_began = self.after = ""

    def end(self, now: str) -> dict[str, Json]:
        """End the pass; return what it came to."""
        self.last = {
            "began": self.began,
            "bytes": self.bytes,
            "damaged": list(self.damaged),
            "ended": now,
            "objects": self.objects,
        }
        self.began = ""
        return self.last


def coverage(root: Path, store: Store) -> dict[str, Json]:
    """Return what `verify --json` tells of the scrub.

    `oldest` is an object that was hashed longest ago, and when that was: null where no scrub has
    come to it since it was stored.
    """
    here = Progress.load(root)
    oldest: Json = None
    # Asking 256 times of nothing takes long on another machine.
    empty = next(store.digests(), None) is None
    for part in () if empty else here.oldest_first():
        after = here.after if part == here.part else ""
        found = next((one for one in store.digests(part) if one > after), None)
        if found is not None:
            oldest = {"object": found, "verified": here.marks.get(part, (0, None))[1]}
            break
    done = len(PARTS) - len(here.waiting()) if here.began else 0
    return {
        "damaged": list(here.damaged),
        "last_pass": here.last or None,
        "oldest": oldest,
        "this_pass": {
            "began": here.began,
            "bytes": here.bytes,
            "objects": here.objects,
            "parts": done,
            "parts_in_all": len(PARTS),
        }
        if here.began
        else None,
    }


class Saving:
    """Saves progress now and then, not at every object."""

    def __init__(self, root: Path, progress: Progress) -> None:
        self._root = root
        self._progress = progress
        self._last = time.monotonic()

    def often(self) -> None:
        """Save if the last time is long ago."""
        if time.monotonic() - self._last > _SAVE_EVERY:
            self.now()

    def now(self) -> None:
        """Save."""
        self._progress.save(self._root)
        self._last = time.monotonic()


class Pace:
    """Holds a stream of bytes to a rate, on the average since it began or last waited long."""

    def __init__(
        self,
        rate: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = rate
        """Bytes a second; 0: as fast as it goes."""
        self._now = now
        self._sleep = sleep
        self._due = now()

    def spend(self, count: int) -> None:
        """Wait until `count` bytes more may have been read."""
        if self._rate <= 0:
            return
        # What was not used while nothing was read is not made up for in a burst.
        self._due = max(self._due, self._now() - 1.0) + count / self._rate
        wait = self._due - self._now()
        if wait > 0:
            self._sleep(wait)


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the scrub of this vault.

    Raises:
        ConflictError: another process has it.
    """
    with durable.disk_errors(root):
        lock = os.open(root / ".scrub", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(
                "another process scrubs this vault already", "leave it to that one"
            ) from None
        yield
    finally:
        os.close(lock)


def wanted(connection: Connection, part: str) -> list[str]:
    """Return the objects of a part that the log says are stored and not erased, in order."""
    held = tables.exhibits
    # No digit of a digest is as large as a "g".
    query = select(held.c.object).where(held.c.object >= part, held.c.object < f"{part}g")
    query = query.where(held.c.erased.is_(None))
    return sorted(set(connection.scalars(query)))
