"""A member of a container on its way to being a file: small ones in memory, the rest on disk.

Creating a file costs more than most members are long.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_IN_MEMORY = 4 << 20


class Spool:
    """Takes bytes once; afterwards `descriptor` reads them at any offset."""

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        self._hasher = hashlib.sha256()
        self.descriptor = os.memfd_create("member", os.MFD_CLOEXEC)
        self.size = 0
        self._on_disk = False

    def write(self, chunk: bytes) -> None:
        """Append `chunk`.

        Raises:
            OSError: no room, or more than a file may hold (EFBIG).
        """
        if not self._on_disk and self.size + len(chunk) > _IN_MEMORY:
            self._move()
        view = memoryview(chunk)
        while view:
            view = view[os.write(self.descriptor, view) :]
        self._hasher.update(chunk)
        self.size += len(chunk)

    def digest(self) -> str:
        """Return the SHA-256, in hex, of what was written."""
        return self._hasher.hexdigest()

    def close(self) -> None:
        """Let the bytes go."""
        os.close(self.descriptor)
        if self._on_disk:
            self._disk.unlink()

    def _move(self) -> None:
        small = os.pread(self.descriptor, self.size, 0)
        os.close(self.descriptor)
        self.descriptor = os.open(
            self._disk, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        self._on_disk = True
        os.write(self.descriptor, small)
