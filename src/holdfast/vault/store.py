"""What a store must do: keep bytes under the SHA-256 of those bytes, and never change them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from holdfast.core.canonical import Json
    from holdfast.vault.staging import Staging


@dataclass(frozen=True)
class Promises:
    """What a store was seen to do when it was probed; nothing is believed that was not."""

    create: bool
    """A name that is taken is not given again: without it a store is refused."""
    ranges: bool
    """A part of an object can be read alone."""
    lock: bool
    """A locked object could not be removed (Object Lock, COMPLIANCE)."""
    multipart: bool = False
    """A name that is taken is refused at the end of an upload in parts, too."""

    def as_json(self) -> dict[str, Json]:
        """Return what the log keeps of it."""
        return {
            "create": self.create,
            "lock": self.lock,
            "multipart": self.multipart,
            "ranges": self.ranges,
        }


class Store(Protocol):
    """Content-addressed objects, written once."""

    @property
    def where(self) -> str:
        """Where it is, for people to read; no secret is in it."""

    def create(self) -> None:
        """Make what a new store needs; a store that is there stays as it is."""

    def probe(self) -> Promises:
        """Try out what the store does.

        Raises:
            RemoteError: it does not answer, or it does not keep what a store must.
        """

    def intake(self, run: str) -> Intake:
        """Open a place where objects are gathered before their entries are written."""

    def open(self, digest: str) -> BinaryIO:
        """Open an object for reading, seekable; memory does not follow its size.

        Raises:
            IntegrityError: it is missing.
        """

    def size(self, digest: str) -> int | None:
        """Return an object's size in bytes; None where it is missing."""

    def destroy(self, digests: Iterable[str], held: Callable[[list[str]], set[str]]) -> None:
        """Destroy objects for good, but those of which `held` says, at the last, that they stay.

        Every older version goes, too. May be repeated, and must finish what another call was
        killed in. The caller has entered the order first.

        Raises:
            DeniedError: one is locked until a time that has not come; nothing was destroyed.
            OSError: the disk refused.
            RemoteError: the store does not answer, or refuses.
        """

    def digests(self, start: str = "") -> Iterator[str]:
        """Yield the names of objects that begin with `start`, in order."""

    def hashing(self) -> list[HashTask] | None:
        """Return the work of hashing every object, to be done by processes side by side.

        None: the objects are files, which `verify` hashes itself.
        """

    def set_aside(self, digest: str) -> Path | None:
        """Free an object's name, keeping what lies there in a folder `damaged`.

        Returns:
            Where it lies now; None where nothing lay in the place.
        """

    def recover(self, committed: Callable[[list[str]], set[str]]) -> list[str]:
        """Finish the runs that died: admit what `committed` says the log has, drop the rest.

        Returns:
            The runs that had staged files without an entry: their collection was cut short.
        """

    def staged(self) -> set[str]:
        """Return the digests of what lies in any intake now, of runs at work and of dead ones."""

    def abandoned(self) -> list[tuple[str, list[str]]]:
        """Return the runs that died, each with the digests still staged; changes nothing."""


class HashTask(Protocol):
    """A part of the store to hash; it goes to another process."""

    def __call__(self) -> list[str]:
        """Hash the part; return a line for each object that is wrong.

        Raises:
            RemoteError: the store does not answer.
        """


class Intake(Protocol):
    """Bytes on their way in: staged and durable first, admitted once the log has their entry."""

    lock: int
    """A descriptor; as long as any process has it, the run counts as alive."""
    near: bool
    """Whether `compare` costs next to nothing where no object has the name."""

    @property
    def staging(self) -> Staging:
        """Where files are put; another process may do it for this one, then the paths are taken."""

    def stage(self, write: Callable[[int], str]) -> str:
        """Give `write` a descriptor to fill; it returns the SHA-256 of what it wrote, in hex."""

    def take(self, digest: str, path: str) -> None:
        """Take on a file that was put into `staging`, whose bytes have that SHA-256."""

    def compare(self, digest: str) -> None:
        """Check a staged object against the one that already has its name, if there is one.

        Raises:
            IntegrityError: they differ: the one in the store was altered.
        """

    def flush(self) -> None:
        """Make everything staged durable."""

    def admit(self, digests: list[str]) -> None:
        """Move staged objects to their place and drop the others.

        An existing object is compared, never overwritten.

        Raises:
            IntegrityError: an existing object differs from what was staged under its name.
            RemoteError: the store did not take it; what is not in its place stays staged.
        """

    def close(self) -> None:
        """Drop what was staged and not admitted."""

    def leave(self) -> None:
        """Let go of what is staged, undecided: whoever recovers the store decides."""
