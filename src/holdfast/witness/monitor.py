"""Compare what a log shows in several places and what it showed before, and say what is wrong.

The comparing is told what the places show and decides; only `Tiles` fetches, as far as a proof
needs it. Nothing of a log's entries is read: roots, sizes, signatures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from holdfast.core.errors import RemoteError
from holdfast.vault.merkle import WIDTH, leaf_hash
from holdfast.witness.views import Tiles, Trusted, View, look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.policy import Policy
    from holdfast.witness.memory import LogMemory, Memory

MEMORY = "this monitor's memory"


@dataclass
class Finding:
    """What one look at all places came to."""

    alarms: list[str] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)
    """What could not be looked at or compared."""
    sizes: dict[str, int] = field(default_factory=dict)
    """The largest size of each log, by origin."""
    evidence: list[str] = field(default_factory=list)
    """The signed notes that the alarms are about."""


def watch(
    policy: Policy, memory: Memory, places: Sequence[str], *, now: int, silent: int, timeout: float
) -> Finding:
    """Look once at every place, and compare; `memory` is brought up to date, and not saved.

    `now` and `silent` are microseconds: the time, and for how long a witness may be behind or a
    place away.
    """
    trusted, found = Trusted(policy), Finding()
    looked = {place: look(place, trusted, timeout) for place in places}
    # A log that has grown since its witnesses were asked is no log that shrank: ask it last.
    for place, seen in looked.items():
        if any(view.is_log for view in seen.views):
            looked[place] = look(place, trusted, timeout)
    for place, seen in looked.items():
        for alarm, note in seen.alarms:
            found.alarms.append(alarm)
            found.evidence.append(note)
        if seen.unreachable:
            found.unreachable.append(seen.unreachable)
        if memory.away(place, now, is_away=bool(seen.unreachable)) > silent:
            found.alarms.append(f"{place} has not answered for longer than allowed")
    views = [view for seen in looked.values() for view in seen.views]
    for origin in trusted.logs:
        mine = [view for view in views if view.checkpoint.origin == origin]
        _log(mine, memory.log(origin), found, timeout)
        _silence(mine, memory.log(origin), trusted, found, now=now, silent=silent)
    return found


def _log(views: list[View], known: LogMemory, found: Finding, timeout: float) -> None:
    """Compare all views of one log with each other and with what was seen before."""
    points = [(view.place, view.checkpoint) for view in views]
    if known.largest is not None:
        points.append((MEMORY, known.largest))
    if not points:
        return
    largest = max((point for _, point in points), key=lambda point: point.size)
    found.sizes[largest.origin] = largest.size
    alarms = [*_splits(points), *_shrunk(views, known, points)]
    for view in views:
        if view.is_log:
            _past(view, points, alarms, found, timeout)
    if not any(view.is_log for view in views) and len({point.size for _, point in points}) > 1:
        found.unreachable.append(f"{largest.origin} can't be compared: its tiles are nowhere here")
    # One rewritten past is met from several sides; each line is told once.
    found.alarms.extend(dict.fromkeys(alarms))
    if alarms:
        found.evidence += [view.note for view in views]
        found.evidence += [known.note] if known.note else []
        return
    for view in views:
        if view.is_log:
            known.sizes[view.place] = view.checkpoint.size
        if view.checkpoint == largest:
            known.keep(view.note, largest)
    newest = next((view for view in views if view.is_log and view.checkpoint == largest), None)
    if newest is not None:
        _marks(newest, known, found, timeout)


def _marks(view: View, known: LogMemory, found: Finding, timeout: float) -> None:
    """Look through the leaves that are new, and raise an alarm for each that is marked."""
    start, size = known.scanned, view.checkpoint.size
    if start < 0:
        known.scanned = size
        return
    tree = Tiles(view, timeout)
    try:
        for number in range(start // WIDTH, -(-size // WIDTH)):
            first = number * WIDTH
            leaves = tree.entries(number, min(WIDTH, size - first))
            for index, leaf in enumerate(leaves, first):
                if index < start:
                    continue
                if leaf_hash(leaf) != tree.leaf(index):
                    found.alarms.append(
                        f"entry {index} at {view.place} is not the one that its tiles have"
                    )
                elif mark := mark_of(leaf):
                    found.alarms.append(
                        f"mass deletion in {view.checkpoint.origin}: entry {index} ({mark}) erased "
                        "more than two people may"
                    )
                    found.evidence.append(view.note)
            known.scanned = first + len(leaves)
    except RemoteError as error:
        found.unreachable.append(f"{view.checkpoint.origin} can't be looked through: {error.what}")
    finally:
        tree.close()


def mark_of(leaf: bytes) -> str:
    """Return what a leaf says in public of its act; empty for nearly all, and for what is none."""
    try:
        said = orjson.loads(leaf)
    except ValueError:
        return ""
    mark = said.get("mark", "") if isinstance(said, dict) else ""
    return mark if isinstance(mark, str) else "unreadable"


def _splits(points: list[tuple[str, Checkpoint]]) -> list[str]:
    """Return an alarm for each size of which two roots are shown."""
    alarms = []
    for size in sorted({point.size for _, point in points}):
        roots: dict[bytes, str] = {}
        for place, point in points:
            if point.size == size:
                roots.setdefault(point.root, place)
        if len(roots) > 1:
            places = " and ".join(roots.values())
            alarms.append(
                f"split view of {points[0][1].origin}: two roots for {size} entries, by {places}"
            )
    return alarms


def _shrunk(views: list[View], known: LogMemory, points: list[tuple[str, Checkpoint]]) -> list[str]:
    """Return an alarm for each place where the log is smaller than it was, or than it must be."""
    alarms = []
    for view in views:
        size = view.checkpoint.size
        if view.is_log and size < known.sizes.get(view.place, 0):
            alarms.append(
                f"shrinking log: {view.place} showed {known.sizes[view.place]} entries of "
                f"{view.checkpoint.origin} and shows {size}"
            )
    shown = max((view.checkpoint.size for view in views if view.is_log), default=None)
    place, most = max(points, key=lambda point: point[1].size)
    if shown is not None and shown < most.size:
        alarms.append(
            f"shrinking log: {most.origin} shows {shown} entries, {place} has seen {most.size}"
        )
    return alarms


def _past(
    view: View,
    points: list[tuple[str, Checkpoint]],
    alarms: list[str],
    found: Finding,
    timeout: float,
) -> None:
    """Hold what was seen to the tree that a log's place serves."""
    tree = Tiles(view, timeout)
    try:
        if tree.root_of(view.checkpoint.size) != view.checkpoint.root:
            alarms.append(f"the tiles at {view.place} do not give the root that is signed there")
            return
        for place, point in points:
            size = point.size
            if size < view.checkpoint.size and tree.root_of(size) != point.root:
                alarms.append(
                    f"split view of {point.origin}: the first {size} entries at {view.place} are "
                    f"not those that {place} has seen"
                )
    except RemoteError as error:
        found.unreachable.append(f"{view.checkpoint.origin} can't be compared: {error.what}")
    finally:
        tree.close()


def _silence(
    views: list[View],
    known: LogMemory,
    trusted: Trusted,
    found: Finding,
    *,
    now: int,
    silent: int,
) -> None:
    """Raise an alarm for each witness that has been behind the log for too long."""
    sizes = [view.checkpoint.size for view in views]
    size = max([*sizes, known.largest.size if known.largest else 0])
    for key, name in trusted.witnesses.items():
        signed = [view.checkpoint.size for view in views if key in view.cosigned]
        if known.behind(str(key), now, max(signed, default=0), size) > silent:
            found.alarms.append(
                f"silent witness: {name} has signed {known.signed[str(key)]} of {size} entries of "
                f"{next(iter(views)).checkpoint.origin if views else 'a log'} and no more for "
                "longer than allowed"
            )
