"""How wrong a source's clock was: plain values, without I/O. Never baked into records.

An offset is stated for an item, for a host that records name, or for a host within an item; the
most specific one counts, and of two for the same source the later. A clock that was ahead gives
times that are too late: the corrected time is the recorded one less the offset.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from holdfast.core.canonical import Json

ACT, REMOVE = "clock.set", "clock.remove"
LARGEST = 100 * 366 * 86_400_000_000
"""Microseconds that a clock may be wrong by: a century."""
_SECONDS = re.compile(r"([+-]?)(\d{1,12})(?:\.(\d{1,6}))?", re.ASCII)


@dataclass(frozen=True, order=True)
class Source:
    """Whose clock it was: at least one of the two is given."""

    item: str = ""
    """SHA-256 of the item; empty where it holds for any item of the case."""
    host: str = ""
    """The machine as records name it, in lower case; empty where it holds for any."""


@dataclass(frozen=True)
class Offset:
    """By how much a clock was wrong, and how that is known."""

    entry: int
    """The entry that states it."""
    source: Source
    ahead: int
    """Microseconds that the clock was ahead of true time; negative where it was behind."""
    within: int
    """Microseconds by which `ahead` may be wrong, either way."""
    basis: str
    by: str

    def as_json(self) -> dict[str, Json]:
        """Return the offset as `clock list --json` prints it."""
        return {
            "ahead": in_seconds(self.ahead),
            "basis": self.basis,
            "by": self.by,
            "entry": self.entry,
            "host": self.source.host or None,
            "item": self.source.item or None,
            "within": in_seconds(self.within),
        }


@dataclass(frozen=True)
class Clocks:
    """The offsets in force for a case."""

    offsets: tuple[Offset, ...] = ()

    def __iter__(self) -> Iterator[Offset]:
        """Give them one by one."""
        return iter(self.offsets)

    def of(self, item: str, host: str | None) -> Offset | None:
        """Return the offset of a record's source; None where its clock counts as right."""
        name = (host or "").lower()
        wanted = [Source(item, name), Source(item), Source("", name)] if name else [Source(item)]
        by_source = {one.source: one for one in self.offsets}
        return next((by_source[one] for one in wanted if one in by_source), None)


def in_force(stated: Iterable[tuple[int, str, str, dict[str, Any]]]) -> Clocks:
    """Fold statements (entry, act, who, facts), in the log's order, to the offsets in force."""
    found: dict[Source, Offset] = {}
    for entry, act, by, facts in stated:
        source = Source(facts["item"] or "", facts["host"] or "")
        if act == REMOVE:
            found.pop(source, None)
        else:
            found[source] = Offset(
                entry, source, facts["ahead"], facts["within"], facts["basis"], by
            )
    return Clocks(tuple(found[source] for source in sorted(found)))


def micros(text: str, what: str) -> int:
    """Read seconds with at most six decimals.

    Raises:
        InputError: no number of seconds, or more than a century.
    """
    match = _SECONDS.fullmatch(text.strip())
    if match is None:
        raise InputError(
            f"{what} is no number of seconds: {text!r}", "give one such as 125.5 or -3600"
        )
    sign, whole, part = match.groups()
    value = int(whole) * 1_000_000 + int((part or "").ljust(6, "0"))
    if value > LARGEST:
        raise InputError(f"{what} is more than a century: {text!r}", "check the unit: seconds")
    return -value if sign == "-" else value


def in_seconds(value: int) -> str:
    """Return microseconds as seconds, with as many decimals as there are."""
    whole, part = divmod(abs(value), 1_000_000)
    text = f"{whole}.{part:06d}".rstrip("0") if part else str(whole)
    return f"-{text}" if value < 0 else text
