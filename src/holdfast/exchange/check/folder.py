"""A folder that somebody else made: listed and read without following anything out of it."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from holdfast.core.digest import CHUNK
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LARGEST_TEXT = 256 << 20
"""Bytes of a file that is read into memory: a list of a million files is half of that."""


class Folder:
    """The files below `root`, by their paths."""

    def __init__(self, root: Path) -> None:
        """List the folder; nothing is opened.

        Raises:
            InputError: it is no folder.
        """
        if not root.is_dir():
            raise InputError(f"{root} is no folder", "unpack the bundle, and name its folder")
        self.root = root
        self.sizes: dict[str, int] = {}
        self.strange: list[tuple[str, str]] = []
        """What no bundle holds: (path, what it is)."""
        waiting = [""]
        while waiting:
            inside = waiting.pop()
            with os.scandir(root / inside) as found:
                for one in found:
                    path = inside + one.name
                    if one.is_symlink():
                        self.strange.append((path, "a symbolic link, which no bundle holds"))
                    elif one.is_dir(follow_symlinks=False):
                        waiting.append(path + "/")
                    elif one.is_file(follow_symlinks=False):
                        self.sizes[path] = one.stat(follow_symlinks=False).st_size
                    else:
                        self.strange.append((path, "neither a file nor a folder"))

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """Open a file that was listed.

        Raises:
            OSError: it is none any more: a link, a pipe, gone.
        """
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self.root / path, flags)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{path} is no file any more")
            yield stream

    def digests(self, path: str, names: Iterable[str]) -> dict[str, str]:
        """Return the file's digests under algorithms that hashlib names, in one reading."""
        hashers = {name: hashlib.new(name, usedforsecurity=False) for name in names}
        with self.open(path) as stream:
            while chunk := stream.read(CHUNK):
                for hasher in hashers.values():
                    hasher.update(chunk)
        return {name: hasher.hexdigest() for name, hasher in hashers.items()}

    def read(self, path: str, most: int = LARGEST_TEXT) -> bytes | None:
        """Return the file's bytes; None where there is none, or it is larger than `most`."""
        if self.sizes.get(path, most + 1) > most:
            return None
        with self.open(path) as stream:
            data = stream.read(most + 1)
        return data if len(data) <= most else None

    def text(self, path: str) -> bytes | None:
        """Return the file's bytes; None where there is none, or a NUL among them."""
        data = self.read(path)
        return None if data is None or b"\0" in data else data
