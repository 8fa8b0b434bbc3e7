"""A file as a parser meets it: bytes that can be read, and nothing else of the house."""

from __future__ import annotations

import io
import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 65_536
"""Bytes of a file's start that `match` may judge by."""


class _Window(io.RawIOBase):
    """An independent read position over a shared descriptor (`pread` moves no one else's)."""

    def __init__(self, descriptor: int, size: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        count = os.preadv(self._descriptor, [view], self._at)
        self._at += count
        return count


@dataclass(frozen=True)
class EvidenceFile:
    """One file inside an item: the item itself (`path` is empty) or a member of a container.

    Nothing here is to be believed: `name` is a hint that came with the evidence, and `head`
    decides what the file is.
    """

    descriptor: int
    size: int
    name: str = ""
    """The last component of the name it was found under; may be wrong or empty."""
    path: str = ""
    """Where inside the item: container paths joined by `/`; empty for the item itself."""
    scratch: Path | None = None
    """A folder for private copies; None where the file must not be copied."""
    latest: int | None = None
    """When the item was collected, in microseconds: nothing in it was written later."""
    head: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", os.pread(self.descriptor, HEAD, 0))

    def open(self) -> BinaryIO:
        """Return a new seekable binary stream at offset 0, buffered."""
        return io.BufferedReader(_Window(self.descriptor, self.size), 1 << 18)

    def copy(self) -> Path:
        """Return a private copy on disk, for libraries that need a path (SQLite).

        The copy is the parser's to change; it goes when the file has been examined.

        Raises:
            OSError: no scratch folder, or no room in it.
        """
        if self.scratch is None:
            raise OSError("this file may not be copied")
        target = self.scratch / f"copy-{self.descriptor}"
        with self.open() as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        return target


def evidence_from(path: Path, scratch: Path | None = None) -> EvidenceFile:
    """Open an ordinary file as evidence (tests, tools); the descriptor lives with the process."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return EvidenceFile(
        descriptor=descriptor, size=os.fstat(descriptor).st_size, name=path.name, scratch=scratch
    )
