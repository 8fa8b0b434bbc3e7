"""Objects as read-only files: `objects/ab/<sha256>`, checked by `sha256sum` alone.

What comes in is staged under `incoming/<run>/`, made durable by one syncfs a group, and gets its
place by a rename that never replaces. A run that died leaves its folder with a free lock: what
the log has an entry for is admitted by whoever comes next, the rest was never evidence.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from holdfast.core import durable
from holdfast.core.digest import CHUNK, is_sha256_hex, sha256_stream
from holdfast.core.errors import IntegrityError
from holdfast.vault.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path


class LocalStore:
    """Objects under `root/objects`, staging under `root/incoming`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._objects = root / "objects"
        self._prefix = f"{self._objects}/"
        self._incoming = root / "incoming"

    def create(self) -> None:
        """Make the folders, all 256 of them, so that no later write has to."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        for number in range(256):
            (self._objects / f"{number:02x}").mkdir(parents=True, exist_ok=True)

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

    def digests(self) -> Iterator[str]:
        """Yield the names of all objects, in order; a file that has no object's name is none."""
        for number in range(256):
            start = f"{number:02x}"
            with suppress(FileNotFoundError, NotADirectoryError):
                names = sorted(one.name for one in os.scandir(self._objects / start))
                yield from (name for name in names if name[:2] == start and is_sha256_hex(name))

    def intake(self, run: str) -> LocalIntake:
        """Open a staging folder for one run."""
        return LocalIntake(self, self._incoming / run)

    def recover(self, committed: Callable[[list[str]], set[str]]) -> list[str]:
        """Finish the runs that died: admit what `committed` says the log has, drop the rest.

        Returns:
            The runs that had staged files without an entry: their collection was cut short.
        """
        cut = []
        for folder in self._runs():
            intake = LocalIntake.adopt(self, folder)
            if intake is None:
                continue
            known = committed(list(intake.staged))
            if len(known) < intake.staging.files:
                cut.append(folder.name)
            try:
                intake.admit(sorted(known))
            except IntegrityError:
                # An altered object stays for `verify` to name; the good bytes stay staged.
                intake.leave()
            else:
                intake.close()
        return cut

    def _runs(self) -> list[Path]:
        if not self._incoming.is_dir():
            return []
        return sorted(p for p in self._incoming.iterdir() if p.name[0] != "." and p.is_dir())

    def staged(self) -> set[str]:
        """Return the digests of what lies in any intake now, of runs at work and of dead ones."""
        found = set()
        for folder in self._runs():
            with suppress(FileNotFoundError):
                for one in os.scandir(folder):
                    with suppress(FileNotFoundError), open(one.path, "rb") as stream:
                        found.add(sha256_stream(stream)[0])
        return found

    def abandoned(self) -> list[tuple[str, list[str]]]:
        """Return the runs that died, each with the digests still staged; changes nothing."""
        found = []
        for folder in self._runs():
            intake = LocalIntake.adopt(self, folder)
            if intake is not None:
                found.append((folder.name, sorted(intake.staged)))
                intake.leave()
        return found


class LocalIntake:
    """One run's staging folder, held by a lock on the folder as long as the process lives."""

    def __init__(self, store: LocalStore, folder: Path) -> None:
        # Locked before it has its name, so that no one takes it for a dead run's in between.
        fresh = folder.with_name(f".{folder.name}")
        fresh.mkdir(mode=0o700)
        lock = os.open(fresh, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        fresh.rename(folder)
        self._hold(store, folder, lock)

    def _hold(self, store: LocalStore, folder: Path, lock: int) -> None:
        self._store = store
        self._folder = folder
        self.lock = lock
        """Whoever inherits this descriptor keeps the run alive, too."""
        self.staging = Staging(str(folder))
        """Where to put files; one process at a time."""
        self.staged: dict[str, str] = {}
        """Digest to the file's path."""

    @classmethod
    def adopt(cls, store: LocalStore, folder: Path) -> LocalIntake | None:
        """Take over the folder of a run that died; None while another process has it, or had."""
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        intake = cls.__new__(cls)
        intake._hold(store, folder, lock)  # noqa: SLF001 - an alternative constructor
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for found in os.scandir(folder):
                with open(found.path, "rb") as stream:
                    intake.staged[sha256_stream(stream)[0]] = found.path
                intake.staging.files += 1
        except (BlockingIOError, FileNotFoundError):
            intake.leave()
            return None
        return intake

    def stage(self, write: Callable[[int], str]) -> str:
        """Give `write` a descriptor to fill; return the digest it returns, which now names it.

        Raises:
            OSError: the disk refused; nothing is staged.
        """
        digest, path = self.staging.stage(write)
        self.take(digest, path)
        return digest

    def take(self, digest: str, path: str) -> None:
        """Take on a file that was put into the folder through `staging`; a twin is dropped."""
        if self.staged.setdefault(digest, path) != path:
            os.unlink(path)

    def flush(self) -> None:
        """Make everything staged durable."""
        durable.sync_filesystem(self._folder)

    def compare(self, digest: str) -> None:
        """Check a staged object against the one that already has its name, if there is one.

        Raises:
            IntegrityError: they differ: the one in the store was altered.
        """
        place = self._store.place(digest)
        if os.path.exists(place) and not _same(self.staged[digest], place):
            raise IntegrityError(
                f"the object {digest} in the vault is not what its name says: it was altered "
                "after it was stored",
                "run `holdfast verify`, restore that object from a backup, then collect again",
            )

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
        for path in self.staged.values():
            os.unlink(path)
        self.staged.clear()

    def close(self) -> None:
        """Drop what was staged and not admitted, and the folder; make the places durable."""
        shutil.rmtree(self._folder, ignore_errors=True)
        durable.sync_filesystem(self._store.root)
        os.close(self.lock)

    def leave(self) -> None:
        """Let go of the folder with all that lies in it: whoever recovers the store decides."""
        os.close(self.lock)


def _same(left: str, right: str) -> bool:
    with open(left, "rb") as one, open(right, "rb") as other:
        while True:
            a, b = one.read(CHUNK), other.read(CHUNK)
            if a != b:
                return False
            if not a:
                return True
