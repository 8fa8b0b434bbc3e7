"""A table of digests of one algorithm: sorted, unique, with an index of their first bits.

The bytes are in docs/formats/hash-sets.md. A table is built by dividing digests over files by
their first byte (and those that are still too large by the next), so that memory doesn't grow with
it; it is read through a map of which only a window is held at a time.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
import tempfile
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import numpy as np

from holdfast.core.errors import InputError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    import numpy.typing as npt

    Digests = npt.NDArray[np.uint8]
    """Shape (digests, width): a digest a row."""

MAGIC = b"holdfast-table/1"
WIDTHS = {"md5": 16, "sha1": 20, "sha256": 32}
"""Bytes of a digest, by algorithm."""
WINDOW = 64 << 20
"""Bytes of a table that a look-up holds in memory at a time, besides the index."""
PART = 64 << 20
"""Bytes of digests that are sorted in memory at once."""
MOST = 2**32 - 1
"""Digests of a table: the index counts in 32 bits."""
_HEADER = struct.Struct("<16sIIQ32x")
_MOST_BITS = 24
_EACH = 3  # an index entry covers about 2**_EACH digests
_BUFFER = 1 << 20


class Builder:
    """Takes digests in any order, repeated or not, and writes the table of them.

    Scratch files of the same size as the digests stand in `folder` until it is closed.
    """

    def __init__(self, algorithm: str, folder: Path, part: int = PART) -> None:
        self.width = WIDTHS[algorithm]
        self._folder, self._part = folder, part
        self._shelf = _Shelf(folder, self.width, 0)

    def add(self, digests: bytes) -> None:
        """Take digests, one after the other without anything between them."""
        self._shelf.add(np.frombuffer(digests, np.uint8).reshape(-1, self.width))

    def write(self, target: Path) -> tuple[int, str]:
        """Write the table; return how many digests it has, and its SHA-256.

        Raises:
            InputError: more digests than a table can have.
            OSError: no room.
        """
        with tempfile.TemporaryFile(dir=self._folder) as body:
            counts = self._body(body)
            count = int(counts.sum())
            if count > MOST:
                raise InputError(f"{count} digests", f"a set has at most {MOST}")
            bits = bits_for(count)
            # Counted by the most bits there can be, then gathered into as many as suit.
            gathered = counts.reshape(1 << bits, -1).sum(axis=1, dtype=np.uint64)
            index = np.zeros((1 << bits) + 1, np.uint64)
            np.cumsum(gathered, out=index[1:])
            hasher = hashlib.sha256()
            with target.open("xb") as sink:
                for piece in (
                    _HEADER.pack(MAGIC, self.width, bits, count),
                    index.astype("<u4").tobytes(),
                ):
                    hasher.update(piece)
                    sink.write(piece)
                body.seek(0)
                while chunk := body.read(_BUFFER):
                    hasher.update(chunk)
                    sink.write(chunk)
        return count, hasher.hexdigest()

    def _body(self, body: BinaryIO) -> npt.NDArray[np.uint32]:
        """Write every digest once, in ascending order; return how many there are by first bits."""
        counts = np.zeros(1 << _MOST_BITS, np.uint32)
        for digests in self._shelf.sorted(self._part):
            body.write(digests.tobytes())
            first = _first(digests) >> np.uint64(64 - _MOST_BITS)
            places, many = np.unique(first, return_counts=True)
            counts[places] += many.astype(np.uint32)
        return counts


class _Shelf:
    """Digests divided over up to 256 files by one of their bytes."""

    def __init__(self, folder: Path, width: int, depth: int) -> None:
        self._folder, self._width, self._depth = folder, width, depth
        self._files: dict[int, BinaryIO] = {}

    def add(self, digests: Digests) -> None:
        order = np.argsort(digests[:, self._depth], kind="stable")
        ordered = digests[order]
        values, starts = np.unique(ordered[:, self._depth], return_index=True)
        ends = [*starts[1:], len(ordered)]
        for value, start, end in zip(values, starts, ends, strict=True):
            file = self._files.get(int(value))
            if file is None:
                file = self._files[int(value)] = _scratch(self._folder)
            file.write(ordered[start:end].tobytes())

    def sorted(self, part: int) -> Iterator[Digests]:
        """Yield all digests, sorted and once each, a part at a time; the files go as they do."""
        for value in sorted(self._files):
            with self._files.pop(value) as file:
                size = file.tell()
                file.seek(0)
                if size <= part:
                    yield _unique(_rows(file.read(), self._width))
                elif self._depth + 1 == self._width:
                    yield _rows(file.read(self._width), self._width)  # nothing but repetitions
                else:
                    deeper = _Shelf(self._folder, self._width, self._depth + 1)
                    while chunk := file.read(part // self._width * self._width or self._width):
                        deeper.add(_rows(chunk, self._width))
                    yield from deeper.sorted(part)


def _scratch(folder: Path) -> BinaryIO:
    return cast("BinaryIO", tempfile.TemporaryFile(dir=folder))


def _rows(data: bytes, width: int) -> Digests:
    return np.frombuffer(data, np.uint8).reshape(-1, width)


def _unique(digests: Digests) -> Digests:
    """Return the rows in ascending order, each once."""
    ordered = digests[np.argsort(_first(digests), kind="stable")]
    first = _first(ordered)
    same = first[1:] == first[:-1]
    if not same.any():
        return ordered
    repeated = (ordered[1:] == ordered[:-1]).all(axis=1)
    if (same & ~repeated).any():  # alike in eight bytes, and not in all
        columns = [ordered[:, at] for at in range(ordered.shape[1] - 1, -1, -1)]
        ordered = ordered[np.lexsort(columns)]
        repeated = (ordered[1:] == ordered[:-1]).all(axis=1)
    return ordered[np.concatenate(([True], ~repeated))]


def _first(digests: Digests) -> npt.NDArray[np.uint64]:
    """Return the first eight bytes of each as a number that sorts as they do."""
    head = np.ascontiguousarray(digests[:, :8])
    return head.view(">u8").reshape(-1).astype(np.uint64)


def bits_for(count: int) -> int:
    """Return how many first bits a table of `count` digests is indexed by."""
    return max(0, min(_MOST_BITS, count.bit_length() - _EACH))


class Table:
    """A table on disk, open for look-ups; close it when done.

    Raises:
        IntegrityError: not a table, or not a whole one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                header = file.read(_HEADER.size)
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise self._broken(str(error)) from error
        if len(header) != _HEADER.size:
            raise self._broken("it ends in its header")
        magic, self.width, self._bits, self.count = _HEADER.unpack(header)
        if magic != MAGIC or self.width not in WIDTHS.values() or self._bits > _MOST_BITS:
            raise self._broken("its header is not a table's")
        self._start = _HEADER.size + 4 * ((1 << self._bits) + 1)
        if len(self._map) != self._start + self.count * self.width:
            raise self._broken("its size is not what its header says")
        self._index: npt.NDArray[np.uint32] = np.ndarray(
            ((1 << self._bits) + 1,), "<u4", self._map, _HEADER.size
        )
        self._keys: npt.NDArray[np.uint64] = np.ndarray(
            (self.count,), ">u8", self._map, self._start, (self.width,)
        )
        self._digests: Digests = np.ndarray(
            (self.count, self.width), np.uint8, self._map, self._start
        )

    def _broken(self, why: str) -> IntegrityError:
        return IntegrityError(
            f"{self._path} is no table of digests: {why}",
            "remove the set and add it again: holdfast hashset",
        )

    def close(self) -> None:
        """Let the map go."""
        del self._index, self._keys, self._digests
        self._map.close()

    def find(self, wanted: Digests) -> npt.NDArray[np.bool_]:
        """Say of each row of `wanted`, shape (n, width), whether the table has it.

        It goes through the table once, front to back, whatever the order asked in.

        Raises:
            IntegrityError: its index leads outside.
        """
        found = np.zeros(len(wanted), np.bool_)
        if not self.count or not len(wanted):
            return found
        first = _first(wanted)
        order = np.argsort(first)
        keys = first[order]
        # A shift of 64 is not defined: without any bits everything is in the one division.
        prefix = keys >> np.uint64(64 - self._bits) if self._bits else np.zeros_like(keys)
        low = self._index[prefix].astype(np.int64)
        high = self._index[prefix + np.uint64(1)].astype(np.int64)
        if (low > high).any() or (high > self.count).any():
            raise self._broken("its index leads outside")
        windows = low * self.width // WINDOW
        edges = [0, *(np.flatnonzero(np.diff(windows)) + 1).tolist(), len(keys)]
        for start, end in pairwise(edges):
            some = order[start:end]
            found[some] = self._among(wanted[some], keys[start:end], low[start:end],
                                      high[start:end])  # fmt: skip
            self._map.madvise(mmap.MADV_DONTNEED)
        return found

    def _among(
        self,
        wanted: Digests,
        keys: npt.NDArray[np.uint64],
        low: npt.NDArray[np.int64],
        high: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.bool_]:
        """Search between `low` and `high`, all at once, by halves."""
        low, end = low.copy(), high.copy()
        high = high.copy()
        while (searched := np.flatnonzero(low < high)).size:
            middle = (low[searched] + high[searched]) >> 1
            less = self._keys[middle] < keys[searched]
            low[searched[less]] = middle[less] + 1
            high[searched[~less]] = middle[~less]
        found = np.zeros(len(keys), np.bool_)
        left = np.flatnonzero(low < end)
        while left.size:  # as many rounds as digests share their first eight bytes: one
            left = left[self._keys[low[left]] == keys[left]]
            found[left] = (self._digests[low[left]] == wanted[left]).all(axis=1)
            left = left[~found[left]]
            low[left] += 1
            left = left[low[left] < end[left]]
        return found
