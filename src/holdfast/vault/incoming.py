"""What comes in lies on the local disk first, whatever store it goes to.

A run's folder `incoming/<run>/` is locked as long as its process lives. A run that died leaves its
folder with a free lock: what the log has an entry for is admitted by whoever comes next, the rest
was never evidence.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING

from holdfast.core import clock, durable
from holdfast.core.digest import sha256_stream
from holdfast.core.errors import IntegrityError
from holdfast.vault.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from holdfast.vault.store import Intake


class Incoming(ABC):
    """The runs of one store: those at work and those that died."""

    def __init__(self, folder: Path) -> None:
        self._incoming = folder

    @abstractmethod
    def _run(self, folder: Path, lock: int) -> Run:
        """Return the run that holds `folder` by the descriptor `lock`."""

    def intake(self, run: str) -> Intake:
        """Open a staging folder for one run."""
        # Locked before it has its name, so that no one takes it for a dead run's in between.
        folder = self._incoming / run
        fresh = folder.with_name(f".{folder.name}")
        fresh.mkdir(mode=0o700)
        lock = os.open(fresh, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        fresh.rename(folder)
        return self._run(folder, lock)

    def _adopt(self, folder: Path) -> Run | None:
        """Take over the folder of a run that died; None while another process has it, or had."""
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        intake = self._run(folder, lock)
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

    def recover(self, committed: Callable[[list[str]], set[str]]) -> list[str]:
        """Finish the runs that died: admit what `committed` says the log has, drop the rest.

        Returns:
            The runs that had staged files without an entry: their collection was cut short.

        Raises:
            RemoteError: the store does not answer; what is staged stays.
        """
        cut = []
        for folder in self._runs():
            intake = self._adopt(folder)
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
            except BaseException:
                intake.leave()
                raise
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
            intake = self._adopt(folder)
            if intake is not None:
                found.append((folder.name, sorted(intake.staged)))
                intake.leave()
        return found


class Run(ABC):
    """One run's staging folder, held by a lock on the folder as long as the process lives."""

    near = True

    def __init__(self, folder: Path, lock: int) -> None:
        self._folder = folder
        self.lock = lock
        """Whoever inherits this descriptor keeps the run alive, too."""
        self.staging = Staging(str(folder))
        """Where to put files; one process at a time."""
        self.staged: dict[str, str] = {}
        """Digest to the file's path."""

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

    @abstractmethod
    def compare(self, digest: str) -> None:
        """Check a staged object against the one that already has its name, if there is one."""

    @abstractmethod
    def admit(self, digests: list[str]) -> None:
        """Give staged objects their place and drop the others."""

    def _drop(self) -> None:
        for path in self.staged.values():
            os.unlink(path)
        self.staged.clear()

    def close(self) -> None:
        """Drop what was staged and not admitted, and the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self.lock)

    def leave(self) -> None:
        """Let go of the folder with all that lies in it: whoever recovers the store decides."""
        os.close(self.lock)


def aside_name(root: Path, digest: str) -> Path:
    """Return where damaged bytes go; the folder is made."""
    folder = root / "damaged"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{digest}.{clock.to_text(clock.now())[:26].replace(':', '')}"


def altered(digest: str) -> IntegrityError:
    """Return what is said where a store holds other bytes under an object's name."""
    return IntegrityError(
        f"the object {digest} in the vault is not what its name says: it was altered "
        "after it was stored",
        "run `holdfast verify`, restore that object from a backup, then collect again",
    )
