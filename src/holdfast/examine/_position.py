"""Where a worker is, in a page of memory it shares with the engine: read when it has died.

A message at every step would cost more than the steps. The page is the worker's word, and a
worker that evidence has taken over can lie in it: about its own item, and nothing else.
"""

from __future__ import annotations

import mmap
import os
import struct
from dataclasses import dataclass

_SIZE = 4096
_LAYOUT = struct.Struct("<QQQQH")
_COUNTER = struct.Struct("<Q")


@dataclass(frozen=True)
class Position:
    """One step of a worker's work."""

    counter: int
    """Steps so far; a worker whose counter stands still is stuck."""
    ordinal: int
    """The file's number in its item, from 0, in the order of the enumeration."""
    members: int
    """For an opener: members already taken from this file."""
    size: int
    """The file's size in bytes, which the time allowed depends on."""
    module: str
    """The module at work; empty between items."""


class Page:
    """The shared page, on either side."""

    def __init__(self, descriptor: int) -> None:
        self._map = mmap.mmap(descriptor, _SIZE)
        self._counter = 0

    def at(self, ordinal: int, module: str, *, members: int = 0, size: int = 0) -> None:
        """Say what is about to be done."""
        name = module.encode("utf-8", "replace")[:256]
        self._counter += 1
        _LAYOUT.pack_into(self._map, 0, self._counter, ordinal, members, size, len(name))
        self._map[_LAYOUT.size : _LAYOUT.size + len(name)] = name

    def tick(self) -> None:
        """Say that the step goes on."""
        self._counter += 1
        _COUNTER.pack_into(self._map, 0, self._counter)

    def read(self) -> Position:
        """Return where the worker said it was."""
        counter, ordinal, members, size, length = _LAYOUT.unpack_from(self._map, 0)
        name = self._map[_LAYOUT.size : _LAYOUT.size + min(length, 256)]
        return Position(counter, ordinal, members, size, name.decode("utf-8", "replace"))

    def close(self) -> None:
        """Give the page back."""
        self._map.close()


def shared() -> int:
    """Return the descriptor of a new page, to be passed to a worker."""
    descriptor = os.memfd_create("holdfast-position", os.MFD_CLOEXEC)
    os.ftruncate(descriptor, _SIZE)
    return descriptor
