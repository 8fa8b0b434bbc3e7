"""The short form of a long table of tests, for every run; `./dev soak` makes all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any


def each_once(rows: Iterable[Any], ways: Sequence[Any]) -> list[Any]:
    """Return every (row, way) as parameters: each row runs always in one way, by turns in all.

    The other ways of a row are marked `soak`.
    """
    return [
        pytest.param(row, way, marks=() if number % len(ways) == turn else pytest.mark.soak)
        for number, row in enumerate(rows)
        for turn, way in enumerate(ways)
    ]
