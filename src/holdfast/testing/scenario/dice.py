"""Chance that falls the same on every machine: each evidence file draws from a stream of its own.

Only `Random.random()` is used, the one generator whose sequence Python promises to keep for a
given integer seed; `choice`, `shuffle` and the distributions may change between versions, and
anything with a logarithm may differ between C libraries.
"""

from __future__ import annotations

import hashlib
from random import Random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_T = TypeVar("_T")


class Dice:
    """A stream of chance, named, so that new evidence never shifts what is already there."""

    def __init__(self, seed: int, stream: str) -> None:
        digest = hashlib.sha256(f"holdfast scenario/{seed}/{stream}".encode()).digest()
        self._random = Random(int.from_bytes(digest, "big")).random

    def below(self, end: int) -> int:
        """Return an integer from 0 to `end` - 1."""
        return int(self._random() * end)

    def between(self, low: int, high: int) -> int:
        """Return an integer from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        """Return True in `percent` of 100 throws."""
        return self._random() * 100 < percent

    def pick(self, options: Sequence[_T]) -> _T:
        """Return one of `options`; repeat an option to weight it."""
        return options[self.below(len(options))]

    def hex(self, digits: int) -> str:
        """Return `digits` lower-case hex digits."""
        return "".join("0123456789abcdef"[self.below(16)] for _ in range(digits))

    def guid(self) -> str:
        """Return text in the shape of a random UUID, in lower case."""
        h = self.hex(30)
        return f"{h[:8]}-{h[8:12]}-4{h[12:15]}-a{h[15:18]}-{h[18:30]}"

    def times(self, count: int, start: int, end: int) -> list[int]:
        """Return `count` times from `start` to `end` in order, day and night alike."""
        return sorted(self.between(start, end) for _ in range(count))

    def waking_time(self, start: int, end: int) -> int:
        """Return a time from `start` to `end` at which people at +01:00 are mostly awake."""
        while True:
            moment = self.between(start, end)
            hour = (moment // 3_600_000_000 + 1) % 24
            if self.chance(_AWAKE[hour]):
                return moment

    def waking_times(self, count: int, start: int, end: int) -> list[int]:
        """Return `count` waking times in order."""
        return sorted(self.waking_time(start, end) for _ in range(count))


_AWAKE = (3, 1, 1, 1, 1, 4, 20, 55, 80, 95, 100, 95, 80, 75, 80, 85, 80, 70, 75, 95, 95, 80, 40, 12)
"""Percent of throws kept, by local hour."""
