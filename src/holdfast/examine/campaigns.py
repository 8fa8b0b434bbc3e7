"""Groups texts and pictures by their fingerprints: what is nearly the same came from one hand.

Two are joined when enough of their fingerprints agree, and groups are what is joined, directly or
through others. Which pairs are compared is found by parts of the fingerprints that are equal, so
cost grows with the number of fingerprints and not with its square; where very many share a part,
each is compared with the first `FIRST` of them only. Everything follows from the sorted
fingerprints, so the order in which they come changes nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Numbers = npt.NDArray[np.int64]
    Texts = npt.NDArray[np.uint32]
    """Shape (texts, 128): a MinHash a row."""
    Pictures = npt.NDArray[np.uint8]
    """Shape (pictures, 32): a PDQ a row."""

_N = TypeVar("_N", bound=np.generic)

TEXT_THRESHOLD = 0.5
"""Share of a MinHash that agrees between two texts that are joined."""
PICTURE_THRESHOLD = 31
"""Bits that differ, at most, between two pictures that are joined, of 256: PDQ's own advice."""
QUALITY = 50
"""Of the PDQ of a picture that is grouped; below it, pictures are alike by being empty."""
VALUES = 128
"""Numbers of a MinHash."""
FIRST = 4
"""With how many of those that share a part each is compared."""
_BANDS, _CHOSEN = 32, 20
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Grouped:
    """What was found."""

    groups: list[list[int]]
    """Rows of the fingerprints given, ascending; groups of two and more, by their first row."""
    compared: int
    """Pairs whose fingerprints were compared."""


def texts(prints: Texts, threshold: float = TEXT_THRESHOLD) -> Grouped:
    """Group MinHashes: two that agree in half of their values have about half in common.

    Of pairs that agree in exactly half, 87 of 100 are compared; in three fifths, 99.
    """
    unique, inverse = _unique(prints)
    rows = VALUES // _BANDS
    bands = (
        np.ascontiguousarray(unique[:, band * rows : (band + 1) * rows]) for band in range(_BANDS)
    )
    pairs = _candidates(band.view(f"V{rows * 4}").reshape(-1) for band in bands)
    close = [
        (unique[some[:, 0]] == unique[some[:, 1]]).mean(axis=1) >= threshold
        for some in _chunks(pairs)
    ]
    return _grouped(pairs, close, inverse, len(unique))


def pictures(prints: Pictures, threshold: int = PICTURE_THRESHOLD) -> Grouped:
    """Group PDQ fingerprints: two that agree in one of 32 choices of 20 bits are compared.

    Of pairs with 31 bits that differ, 92 of 100 are compared; with 20 bits, 999 of 1,000.
    """
    unique, inverse = _unique(prints)
    bits = np.unpackbits(unique, axis=1)
    weights = 1 << np.arange(_CHOSEN, dtype=np.int64)
    pairs = _candidates(bits[:, chosen] @ weights for chosen in _choices())
    close = [
        np.bitwise_count(unique[some[:, 0]] ^ unique[some[:, 1]]).sum(axis=1) <= threshold
        for some in _chunks(pairs)
    ]
    return _grouped(pairs, close, inverse, len(unique))


def _choices() -> Iterator[list[int]]:
    """Yield which bits are compared, always the same ones, each time others."""
    for table in range(_BANDS):
        drawn = sorted(range(256), key=lambda bit: hashlib.sha256(b"%d %d" % (table, bit)).digest())
        yield drawn[:_CHOSEN]


def _unique(prints: npt.NDArray[_N]) -> tuple[npt.NDArray[_N], Numbers]:
    """Return the fingerprints that differ, in order, and which of them each row is."""
    if not len(prints):
        return prints, np.zeros(0, np.int64)
    found, inverse = np.unique(prints, axis=0, return_inverse=True)
    return found, inverse.reshape(-1).astype(np.int64)


def _candidates(bands: Iterator[npt.NDArray[np.generic]]) -> Numbers:
    """Return pairs of rows that have a part in common, shape (pairs, 2), each once."""
    found = [_sharing(band) for band in bands]
    return np.unique(np.concatenate(found), axis=0) if found else np.zeros((0, 2), np.int64)


def _sharing(values: npt.NDArray[np.generic]) -> Numbers:
    """Pair every row with the first few that have its value, the lower row first."""
    order = np.argsort(values, kind="stable").astype(np.int64)
    sorted_ = values[order]
    fresh = (
        np.concatenate(([True], sorted_[1:] != sorted_[:-1])) if len(order) else np.zeros(0, bool)
    )
    starts = np.flatnonzero(fresh)
    start = np.repeat(starts, np.diff([*starts, len(order)])) if len(order) else starts
    at = np.arange(len(order))
    found = []
    for first in range(FIRST):
        later = at > start + first
        found.append(np.stack((order[start[later] + first], order[at[later]]), axis=1))
    return np.concatenate(found)


def _chunks(pairs: Numbers) -> Iterator[Numbers]:
    for start in range(0, len(pairs), _CHUNK):
        yield pairs[start : start + _CHUNK]


def _grouped(
    pairs: Numbers, close: list[npt.NDArray[np.bool_]], inverse: Numbers, count: int
) -> Grouped:
    """Join what is close, and return the groups in terms of the rows that were given."""
    parents = list(range(count))

    def root(one: int) -> int:
        while parents[one] != one:
            parents[one] = one = parents[parents[one]]
        return one

    joined = pairs[np.concatenate(close)] if close else pairs
    for one, two in joined.tolist():
        first, second = sorted((root(one), root(two)))
        parents[second] = first
    groups: dict[int, list[int]] = {}
    for row, which in enumerate(inverse.tolist()):
        groups.setdefault(root(which), []).append(row)
    return Grouped([rows for rows in groups.values() if len(rows) > 1], len(pairs))
