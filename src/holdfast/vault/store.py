"""What a store must do: keep bytes under the SHA-256 of those bytes, and never change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from holdfast.vault.staging import Staging


class Store(Protocol):
    """Content-addressed objects, written once."""

    def intake(self, run: str) -> Intake:
        """Open a place where objects are gathered before their entries are written."""

    def open(self, digest: str) -> BinaryIO:
        """Open an object for reading.

        Raises:
            IntegrityError: it is missing.
        """

    def size(self, digest: str) -> int | None:
        """Return an object's size in bytes; None where it is missing."""

    def destroy(self, digests: Iterable[str], held: Callable[[list[str]], set[str]]) -> None:
        """Destroy objects for good, but those of which `held` says, at the last, that they stay.

        May be repeated, and must finish what another call was killed in.

        Raises:
            OSError: the disk refused.
        """

    def digests(self) -> Iterator[str]:
        """Yield the names of all objects, in order."""


class Intake(Protocol):
    """Bytes on their way in: staged and durable first, admitted once the log has their entry."""

    lock: int
    """A descriptor; as long as any process has it, the run counts as alive."""

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
        """

    def close(self) -> None:
        """Drop what was staged and not admitted."""

    def leave(self) -> None:
        """Let go of what is staged, undecided: whoever recovers the store decides."""
