"""RFC 6962 Merkle trees over C2SP tlog-tiles.

Hashes are 32 bytes of SHA-256. A tile holds up to 256 hashes side by side; level 0 holds leaf
hashes, and each hash at level l+1 is the root of a full tile at level l
(C2SP tlog-tiles v0.1.0, commit 5ba5ee8, "Merkle Tree").
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

WIDTH = 256
HASH = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""MTH({}): RFC 6962 section 2.1."""


@dataclass(frozen=True)
class Tile:
    """A tile to be written: `width` hashes at `level`, the `index`-th there."""

    level: int
    index: int
    data: bytes

    @property
    def width(self) -> int:
        """Hashes in the tile, 1 to 256."""
        return len(self.data) // HASH


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 || entry): RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right): RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: list[bytes]) -> bytes:
    """Return the root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


class Frontier:
    """The right edge of a tree: all that is needed to append to it and to know its root.

    Memory is at most 255 hashes a level, whatever the tree's size.
    """

    def __init__(self, size: int = 0, levels: Iterable[list[bytes]] = ()) -> None:
        self.size = size
        self._levels = [list(level) for level in levels]

    @classmethod
    def load(cls, size: int, read: Callable[[int, int, int], bytes]) -> Frontier:
        """Read the partial tiles of a tree of `size` through `read(level, index, width)`."""
        levels: list[list[bytes]] = []
        remaining = size
        while remaining:
            width = remaining % WIDTH
            data = read(len(levels), remaining // WIDTH, width) if width else b""
            levels.append(_split(data))
            remaining //= WIDTH
        return cls(size, levels)

    def append(self, leaves: list[bytes]) -> list[Tile]:
        """Append leaf hashes; return the tiles that changed, lowest level first."""
        changed = []
        incoming, level, base = leaves, 0, self.size
        self.size += len(leaves)
        while incoming:
            if level == len(self._levels):
                self._levels.append([])
            hashes = self._levels[level] + incoming
            first = base // WIDTH
            incoming = []
            full = len(hashes) // WIDTH
            for n in range(full):
                tile = hashes[n * WIDTH : (n + 1) * WIDTH]
                changed.append(Tile(level, first + n, b"".join(tile)))
                incoming.append(perfect_root(tile))
            rest = hashes[full * WIDTH :]
            if rest:
                changed.append(Tile(level, first + full, b"".join(rest)))
            self._levels[level] = rest
            base //= WIDTH
            level += 1
        return changed

    def root(self) -> bytes:
        """Return the tree's root hash, MTH(D[size]): RFC 6962 section 2.1."""
        root: bytes | None = None
        for hashes in self._levels:
            for peak in reversed(list(_peaks(hashes))):
                root = peak if root is None else node_hash(peak, root)
        return EMPTY_ROOT if root is None else root


class TreeReader:
    """Any hash of a tree of `size` leaves, computed from as few tiles as it takes."""

    def __init__(self, size: int, read: Callable[[int, int, int], bytes]) -> None:
        self.size = size
        self._tile = lru_cache(maxsize=64)(lambda level, index: self._read(read, level, index))

    def _read(self, read: Callable[[int, int, int], bytes], level: int, index: int) -> list[bytes]:
        present = self.size >> (8 * level)
        return _split(read(level, index, min(WIDTH, present - index * WIDTH)))

    def leaf(self, index: int) -> bytes:
        """Return the leaf hash of entry `index`."""
        return self._tile(0, index // WIDTH)[index % WIDTH]

    def root_of(self, start: int, end: int) -> bytes:
        """Return MTH(D[start:end]), where `start` is a multiple of a power of two >= end-start."""
        count = end - start
        if count == 0:
            return EMPTY_ROOT
        if count & (count - 1) == 0:
            height = count.bit_length() - 1
            level, within = divmod(height, 8)
            first = start >> (8 * level)
            hashes = self._tile(level, first // WIDTH)
            at = first % WIDTH
            return perfect_root(hashes[at : at + (1 << within)])
        split = _split_point(count)
        return node_hash(self.root_of(start, start + split), self.root_of(start + split, end))

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Return PATH(index, D[size]), nearest sibling first: RFC 6962 section 2.1.1.

        Raises:
            IndexError: no such entry.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"entry {index} is not in a log of {self.size}")
        path = []
        start, end = 0, self.size
        while end - start > 1:
            middle = start + _split_point(end - start)
            if index < middle:
                path.append(self.root_of(middle, end))
                end = middle
            else:
                path.append(self.root_of(start, middle))
                start = middle
        return path[::-1]

    def consistency_proof(self, old: int) -> list[bytes]:
        """Return PROOF(old, D[size]), nearest hash first: RFC 6962 section 2.1.2.

        Empty where the tree has not grown, and from the empty tree, which every tree continues.

        Raises:
            IndexError: the tree never had that size.
        """
        if not 0 <= old <= self.size:
            raise IndexError(f"a log of {self.size} has no past of {old}")
        if old == 0:
            return []
        path = []
        start, end = 0, self.size
        while old != end:
            middle = start + _split_point(end - start)
            if old <= middle:
                path.append(self.root_of(middle, end))
                end = middle
            else:
                path.append(self.root_of(start, middle))
                start = middle
        if start:
            path.append(self.root_of(start, end))
        return path[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """Return the root that `path` proves for `leaf` at `index`: RFC 9162 section 2.1.3.2.

    Raises:
        ValueError: the path's length does not fit the index and the size, or a hash is none.
    """
    if not 0 <= index < size:
        raise ValueError(f"no entry {index} in a tree of {size}")
    if any(len(one) != HASH for one in (leaf, *path)):
        raise ValueError("a hash in the inclusion proof is not 32 bytes")
    node, last, here = leaf, size - 1, index
    for sibling in path:
        if last == 0:
            raise ValueError("the inclusion proof is too long")
        if here & 1 or here == last:
            node = node_hash(sibling, node)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        here >>= 1
        last >>= 1
    if last != 0:
        raise ValueError("the inclusion proof is too short")
    return node


def check_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]
) -> None:
    """Check that the tree of `new` leaves continues the one of `old`: RFC 9162 section 2.1.4.2.

    Of the empty tree nothing can be proven, since every tree continues it: callers decide that.

    Raises:
        ValueError: it is not proven.
    """
    if not 0 < old <= new:
        raise ValueError(f"no proof leads from a tree of {old} to one of {new}")
    if any(len(one) != HASH for one in path):
        raise ValueError("a hash in the consistency proof is not 32 bytes")
    if old == new:
        if path or old_root != new_root:
            raise ValueError("trees of one size have another root, or a proof that is not empty")
        return
    # "If first is an exact power of 2, then prepend first_hash to the consistency_path array."
    hashes = [old_root, *path] if old & (old - 1) == 0 else path
    if not path or _roots(old, new, hashes) != (old_root, new_root):
        raise ValueError("the consistency proof leads to other roots")


def _roots(old: int, new: int, hashes: list[bytes]) -> tuple[bytes, bytes]:
    """Return the two roots that a consistency proof leads to: RFC 9162 section 2.1.4.2, step 6."""
    here, last = old - 1, new - 1
    while here & 1:
        here >>= 1
        last >>= 1
    was = now = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise ValueError("the consistency proof is too long")
        if here & 1 or here == last:
            was, now = node_hash(sibling, was), node_hash(sibling, now)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            now = node_hash(now, sibling)
        here >>= 1
        last >>= 1
    if last != 0:
        raise ValueError("the consistency proof is too short")
    return was, now


def _split(data: bytes) -> list[bytes]:
    return [data[i : i + HASH] for i in range(0, len(data), HASH)]


def _split_point(count: int) -> int:
    """Return the largest power of two smaller than `count` (RFC 6962's k)."""
    return 1 << ((count - 1).bit_length() - 1)


def _peaks(hashes: list[bytes]) -> Iterator[bytes]:
    """Yield the roots of the perfect subtrees that `hashes` decompose into, left to right."""
    start = 0
    for height in range(8, -1, -1):
        if len(hashes) >> height & 1:
            yield perfect_root(hashes[start : start + (1 << height)])
            start += 1 << height
