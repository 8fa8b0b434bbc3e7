"""Folders by descriptor: whatever is swapped in meanwhile, a walk never leaves its tree.

A path is looked up anew at each use, and a folder in it may have become a link by then. So a
folder is opened from its parent's descriptor, never through a link, and when the walk comes back
to it, it must be the same folder: the same device and inode. Only one is held open, so that the
depth of a tree is limited neither by open files nor by the length of a path.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

_STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Folder:
    """A folder on the way, by where it lies and what it was when it was first opened."""

    path: bytes
    """As it is recorded."""
    real: bytes
    """Absolute, without any link in it."""
    identity: tuple[int, int] | None = None
    """Device and inode; None for the parent of what the operator named, which nothing is
    collected from."""


def open_plain(name: bytes, flags: int, within: int) -> int:
    """Open without following a link, without waiting on a pipe, and leave the access time.

    Raises:
        OSError: it is a link, is gone, or may not be read.
    """
    flags |= os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(name, flags | os.O_NOATIME, dir_fd=within)
    except PermissionError:
        # O_NOATIME is only for a file's owner and root; reading may still be allowed.
        return os.open(name, flags, dir_fd=within)


class Place:
    """Where a walk stands: one folder, held open."""

    def __init__(self) -> None:
        self._folder: Folder | None = None
        self._descriptor = -1

    def __enter__(self) -> Place:
        """Stand nowhere yet."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        """Let go."""
        self._stand(None, -1)

    def at(self, folder: Folder) -> int:
        """Go to `folder`; return its descriptor, open until the walk goes elsewhere.

        Raises:
            OSError: it is gone (ENOENT, ENOTDIR), or another lies there (ESTALE).
        """
        if folder is not self._folder:
            descriptor = _from_root(folder.real)
            if folder.identity not in {None, _identity(descriptor)}:
                os.close(descriptor)
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
            self._stand(folder, descriptor)
        return self._descriptor

    def into(self, parent: Folder, name: bytes, path: bytes) -> tuple[Folder, list[bytes]]:
        """Go into the folder `name` of `parent`; return it, and the names in it, sorted.

        Raises:
            OSError: it is no folder any more, or may not be read.
        """
        descriptor = open_plain(name, os.O_DIRECTORY, self.at(parent))
        try:
            # By descriptor, and so as text, which gives the bytes back exactly.
            found = os.listdir(descriptor)  # noqa: PTH208
            names = sorted(os.fsencode(one) for one in found)
        except BaseException:
            os.close(descriptor)
            raise
        real = b"/".join([parent.real.rstrip(b"/"), name])
        folder = Folder(path, real, _identity(descriptor))
        self._stand(folder, descriptor)
        return folder, names

    def _stand(self, folder: Folder | None, descriptor: int) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._folder, self._descriptor = folder, descriptor


def _identity(descriptor: int) -> tuple[int, int]:
    facts = os.fstat(descriptor)
    return facts.st_dev, facts.st_ino


def _from_root(path: bytes) -> int:
    """Open an absolute path name by name: no link is followed, and it may be of any length."""
    here = os.open("/", _STEP)
    try:
        for name in filter(None, path.split(b"/")):
            deeper = os.open(name, _STEP, dir_fd=here)
            os.close(here)
            here = deeper
    except BaseException:
        os.close(here)
        raise
    return here
