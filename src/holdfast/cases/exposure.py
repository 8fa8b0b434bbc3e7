"""How much abuse material one person may look at: decided here on plain values, without I/O.

A day has so many views and minutes; after a stretch there is a break. Minutes count from the first
look to the end of the sitting; a sitting that nobody ended counts to its last look, and a little.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from holdfast.core import clock
from holdfast.core.errors import DeniedError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.core.canonical import Json

MINUTE = 60_000_000
_LINGER = 2 * MINUTE
"""For which a look counts where no end of the sitting was entered."""


@dataclass(frozen=True)
class Limits:
    """Of one person: views and minutes a day (UTC), minutes at a stretch, minutes of a break."""

    views: int = 200
    minutes: int = 120
    stretch: int = 30
    rest: int = 15

    def check(self) -> None:
        """Raise unless these are limits.

        Raises:
            InputError: one is too small or too large to be one.
        """
        for name, value in asdict(self).items():
            if not 1 <= value <= 100_000:
                raise InputError(f"{value} is no limit of {name}", "give 1 to 100000")

    def as_json(self) -> dict[str, Json]:
        """Return them as the log keeps them."""
        return asdict(self)


@dataclass(frozen=True)
class Sitting:
    """One time that a person looked: microseconds since the epoch."""

    entry: int
    case: str
    begun: int
    ended: int | None
    views: int
    last: int

    def end(self, now: int, limits: Limits) -> int:
        """Return when it ended, or counts as ended."""
        if self.ended is not None:
            return self.ended
        return min(now, self.last + _LINGER, self.begun + limits.stretch * MINUTE)

    def open(self, now: int, limits: Limits) -> bool:
        """Say whether it goes on: not ended, and not longer than a stretch."""
        return self.ended is None and now < self.begun + limits.stretch * MINUTE


@dataclass(frozen=True)
class Day:
    """What a person has looked at today."""

    views: int
    minutes: int
    """Whole ones, rounded up."""
    rests_until: int | None
    """Until when the break lasts; None where there is none."""

    def check(self, limits: Limits) -> None:
        """Raise where nothing more may be looked at now.

        Raises:
            DeniedError: a limit is reached, or a break is not over.
        """
        if self.rests_until is not None:
            raise DeniedError(
                f"a break of {limits.rest} minutes lasts until {clock.to_text(self.rests_until)}",
                "do something else meanwhile",
            )
        for done, most, what in (
            (self.views, limits.views, "views"),
            (self.minutes, limits.minutes, "minutes"),
        ):
            if done >= most:
                raise DeniedError(
                    f"{done} {what} of this material are enough for one day (limit {most})",
                    "go on tomorrow, or let a colleague",
                )


def day(sittings: Sequence[Sitting], now: int, limits: Limits) -> Day:
    """Return what was looked at today, given the person's sittings by time, and any break."""
    first = clock.from_text(clock.to_text(now)[:10])
    views = spent = 0
    stretch = 0
    last_end: int | None = None
    for one in sittings:
        end = one.end(now, limits)
        if last_end is not None and one.begun - last_end >= limits.rest * MINUTE:
            stretch = 0
        stretch += max(0, end - one.begun)
        last_end = end
        if end > first:
            views += one.views
            spent += max(0, end - max(one.begun, first))
    rests = None
    if last_end is not None and stretch >= limits.stretch * MINUTE:
        until = last_end + limits.rest * MINUTE
        rests = until if until > now else None
    return Day(views, -(-spent // MINUTE), rests)
