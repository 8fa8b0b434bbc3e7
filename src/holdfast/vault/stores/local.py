"""Objects as read-only files: `objects/ab/<sha256>`, checked by `sha256sum` alone.

What comes in is staged under `incoming/<run>/`, made durable by one syncfs a group, and gets its
place by a rename that never replaces.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from holdfast.core import durable
from holdfast.core.digest import CHUNK, is_sha256_hex
from holdfast.core.errors import IntegrityError
from holdfast.vault.incoming import Incoming, Run, altered, aside_name
from holdfast.vault.store import Promises

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from holdfast.vault.store import HashTask


class LocalStore(Incoming):
    """Objects under `root/objects`; staging under `root/incoming`, if not said otherwise."""

    def __init__(self, root: Path, incoming: Path | None = None) -> None:
        super().__init__(incoming or root / "incoming")
        self.root = root
        self._objects = root / "objects"
        self._prefix = f"{self._objects}/"

    @property
    def where(self) -> str:
        """The folder, for people to read."""
        return str(self.root)

    def create(self) -> None:
        """Make the folders, all 256 of them, so that no later write has to."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        for number in range(256):
            (self._objects / f"{number:02x}").mkdir(parents=True, exist_ok=True)

    def probe(self) -> Promises:
        """Return what a folder keeps: a name is created once; nothing is locked."""
        return Promises(create=True, ranges=True, lock=False)

    def hashing(self) -> list[HashTask] | None:
        """Return None: files are hashed where they lie."""
        return None

    def path(self, digest: str) -> Path:
        """Return where an object lies."""
        return self._objects / digest[:2] / digest

    def place(self, digest: str) -> str:
        """Return the same as a string: a Path a file is too slow for 20,000 of them."""
        return f"{self._prefix}{digest[:2]}/{digest}"

    def open(self, digest: str) -> BinaryIO:
        """Open an object for reading.

        Raises:
            IntegrityError: it is missing.
        """
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError:
            raise IntegrityError(
                f"the object {digest} is missing from the vault", "restore it from a backup"
            ) from None

    def size(self, digest: str) -> int | None:
        """Return an object's size in bytes; None where it is missing."""
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            return None

    def destroy(self, digests: Iterable[str], held: Callable[[list[str]], set[str]]) -> None:
        """Destroy objects for good, but those of which `held` says, at the last, that they stay.

        Each leaves its place before `held` is asked: a collection that finds the same bytes
        meanwhile either has its entry by then, or finds the place free and puts its own there.

        Raises:
            OSError: the disk refused.
        """
        erasing = self.root / "erasing"
        erasing.mkdir(exist_ok=True)
        for digest in digests:
            with suppress(FileNotFoundError):
                os.rename(self.place(digest), erasing / digest)
        names = sorted(one.name for one in os.scandir(erasing))
        stay = held(names)
        for name in names:
            path = f"{erasing}/{name}"
            if name not in stay or not durable.move_new(path, self.place(name)):
                os.unlink(path)
        durable.sync_filesystem(self.root)
        with suppress(OSError):
            erasing.rmdir()

    def digests(self, start: str = "") -> Iterator[str]:
        """Yield the names of objects that begin with `start`, in order.

        A file that has no object's name is none.
        """
        for number in range(256):
            folder = f"{number:02x}"
            if not folder.startswith(start[:2]):
                continue
            with suppress(FileNotFoundError, NotADirectoryError):
                names = sorted(one.name for one in os.scandir(self._objects / folder))
                for name in names:
                    if name[:2] == folder and name.startswith(start) and is_sha256_hex(name):
                        yield name

    def set_aside(self, digest: str) -> Path | None:
        """Move what lies in an object's place into `damaged/`; return where it lies now."""
        aside = aside_name(self.root, digest)
        try:
            if not durable.move_new(self.place(digest), str(aside)):
                raise FileExistsError(f"{aside} is there already")
        except FileNotFoundError:
            return None
        durable.sync_filesystem(aside.parent)
        return aside

    def _run(self, folder: Path, lock: int) -> LocalIntake:
        return LocalIntake(self, folder, lock)


class LocalIntake(Run):
    """A run whose objects get their place by a rename on the same file system."""

    def __init__(self, store: LocalStore, folder: Path, lock: int) -> None:
        super().__init__(folder, lock)
        self._store = store

    def compare(self, digest: str) -> None:
        """Check a staged object against the one that already has its name, if there is one.

        Raises:
            IntegrityError: they differ: the one in the store was altered.
        """
        place = self._store.place(digest)
        if os.path.exists(place) and not _same(self.staged[digest], place):
            raise altered(digest)

    def admit(self, digests: list[str]) -> None:
        """Move staged objects to their place and drop the others.

        An existing object is compared, never overwritten.

        Raises:
            IntegrityError: an existing object differs from what was staged under its name.
        """
        for digest in digests:
            if durable.move_new(self.staged[digest], self._store.place(digest)):
                del self.staged[digest]
            else:
                self.compare(digest)
        self._drop()

    def close(self) -> None:
        """Drop what was staged and not admitted, and the folder; make the places durable."""
        super().close()
        durable.sync_filesystem(self._store.root)


def _same(left: str, right: str) -> bool:
    with open(left, "rb") as one, open(right, "rb") as other:
        while True:
            a, b = one.read(CHUNK), other.read(CHUNK)
            if a != b:
                return False
            if not a:
                return True
