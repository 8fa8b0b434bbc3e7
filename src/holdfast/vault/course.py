"""What a log's entries say of time, heard in order: authorities, stamps, and their own times."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import InputError
from holdfast.vault import authorities, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.vault.authorities import Authority
    from holdfast.vault.entry import Entry

STAMP, RENEW = "log.stamp", "log.renew"
"""The acts that enter stamps and their renewal."""
UPKEEP = "log."
"""Acts of the log on itself begin so; they always follow the newest stamp and are not owed one."""


@dataclass
class Span:
    """Entries between two stamped sizes: their earliest and latest own times, each with its entry.

    Times are as the log has them; RFC 3339 in UTC sorts as text to within a second.
    """

    earliest: tuple[str, int] | None = None
    latest: tuple[str, int] | None = None
    owed: tuple[str, int] | None = None
    """The first entry that is more than the log's upkeep."""


class Course:
    """What the log's entries say of time, heard in order."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.cuts = sorted(set(sizes))
        self.spans = [Span() for _ in range(len(self.cuts) + 1)]
        self.known: dict[str, Authority] = {}
        """Every authority that was ever set, as it was last set."""
        self.current: tuple[str, ...] = ()
        self.entered: dict[tuple[int, str], tuple[str, int]] = {}
        """(size, authority) -> the response's SHA-256, and the entry that says so."""
        self.renewals: list[tuple[int, str, str, int]] = []
        """Entry, authority, the new token's SHA-256, how many records have it."""
        self.problems: list[str] = []

    def hear(self, one: Entry) -> None:
        """Take up the next entry."""
        fields = one.fields
        span = self.spans[bisect_right(self.cuts, one.index)]
        when = (str(fields.get("time", "")), one.index)
        if when[0]:
            span.earliest = min(span.earliest or when, when)
            span.latest = max(span.latest or when, when)
        if span.owed is None and not one.act.startswith(UPKEEP):
            span.owed = when
        try:
            self._hear_act(one, fields)
        except (LookupError, TypeError, ValueError, AttributeError, InputError):
            # One whose field was erased: what it said of stamps can't be held against them.
            self.problems.append(f"entry {one.index}: what it says of time stamps can't be read")

    def _hear_act(self, one: Entry, fields: dict[str, Any]) -> None:
        if one.act == settings.ACT and fields["setting"]["name"] == authorities.SETTING:
            found = authorities.parse(fields["setting"]["value"])
            self.known.update({each.name: each for each in found})
            self.current = tuple(each.name for each in found)
        elif one.act == STAMP:
            for each in fields["stamps"]:
                where = int(each["size"]), str(each["authority"])
                self.entered[where] = str(each["sha256"]), one.index
        elif one.act == RENEW:
            for each in fields["renewed"]:
                told = str(each["authority"]), str(each["token"]), int(each["count"])
                self.renewals.append((one.index, *told))

    def before(self, size: int) -> tuple[str, int] | None:
        """Return the latest own time of the entries that a checkpoint of `size` covers."""
        return self._latest[bisect_right(self.cuts, size - 1)]

    def after(self, size: int) -> tuple[str, int] | None:
        """Return the earliest own time of the entries from `size` on."""
        return self._earliest[bisect_right(self.cuts, size)]

    def owed(self, size: int) -> tuple[str, int] | None:
        """Return the first entry from `size` on that is more than the log's upkeep."""
        later = self.spans[bisect_right(self.cuts, size) :]
        return next((one.owed for one in later if one.owed), None)

    def between(self, start: int, end: int) -> tuple[str, int] | None:
        """Return the earliest own time of the entries from `start` to `end`, both cuts or 0."""
        spans = self.spans[bisect_right(self.cuts, start) : bisect_left(self.cuts, end) + 1]
        return min((one.earliest for one in spans if one.earliest), default=None)

    @cached_property
    def _latest(self) -> list[tuple[str, int] | None]:
        """The latest time up to the end of each span; asked when all entries were heard."""
        return list(accumulate((one.latest for one in self.spans), _later))

    @cached_property
    def _earliest(self) -> list[tuple[str, int] | None]:
        """The earliest time from the start of each span on."""
        backwards = (one.earliest for one in reversed(self.spans))
        return list(accumulate(backwards, _earlier))[::-1]


def _later(one: tuple[str, int] | None, other: tuple[str, int] | None) -> tuple[str, int] | None:
    return max((each for each in (one, other) if each), default=None)


def _earlier(one: tuple[str, int] | None, other: tuple[str, int] | None) -> tuple[str, int] | None:
    return min((each for each in (one, other) if each), default=None)
