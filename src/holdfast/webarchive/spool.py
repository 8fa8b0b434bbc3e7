"""Bytes on their way into a record: hashed as they come, in memory while few, else in a file.

No descriptor is held between writes, so that any number can be under way at once.
"""

from __future__ import annotations

import hashlib
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HELD = 1 << 16
"""Bytes held in memory, at most; and how much is appended to the file at a time."""
_CHUNK = 1 << 18
_names = count(1)


class Spool:
    """One growing block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[bytes] = []
        self._holding = 0
        self._path: Path | None = None
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Return the digest of all that was written, in hex."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append `data`.

        Raises:
            OSError: the disk is full, or a limit.
        """
        if not data:
            return
        self._hash.update(data)
        self.size += len(data)
        self._held.append(data)
        self._holding += len(data)
        if self._holding > _HELD:
            self._spill()

    def chunks(self) -> Iterator[bytes]:
        """Yield all of it, from the start."""
        if self._path is not None:
            with self._path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    yield chunk
        yield from self._held

    def start(self, length: int) -> bytes:
        """Return its first `length` bytes, or all where it is shorter."""
        found = b""
        for chunk in self.chunks():
            found += chunk[: length - len(found)]
            if len(found) >= length:
                break
        return found

    def drop(self) -> None:
        """Forget it."""
        self._held.clear()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None

    def _spill(self) -> None:
        if self._path is None:
            self._path = self._folder / f"spool-{next(_names)}"
        with self._path.open("ab") as file:
            file.writelines(self._held)
        self._held.clear()
        self._holding = 0
