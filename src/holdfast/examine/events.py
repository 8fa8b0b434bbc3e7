"""What goes into an examination, what it tells while it runs, and what it leaves as a sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.examine._roster import Module
    from holdfast.examine.elsewhere import Elsewhere
    from holdfast.sandbox.confine import Protection


@dataclass(frozen=True)
class Input:
    """An item to examine."""

    item: str
    """SHA-256 of its bytes, hex; a worker refuses bytes that don't have it."""
    name: str
    """What it was called; a hint to parsers, and shown."""
    open: Callable[[], int]
    """Returns a descriptor of a regular file (seekable, read-only), which the engine closes."""
    latest: int | None = None
    """When it was collected, microseconds since the epoch: nothing in it was written later."""
    elsewhere: Callable[[], Elsewhere] | None = None
    """Returns where another machine gets the bytes; None where none can."""
    size: int = 0
    """Bytes, to share out the work by; 0 where nobody said."""


@dataclass(frozen=True)
class Started:
    """The first worker is ready."""

    protection: Protection
    modules: tuple[Module, ...]


@dataclass(frozen=True)
class Examined:
    """An item is finished and published."""

    item: str
    name: str
    files: int
    bytes: int
    records: int
    failures: int


@dataclass(frozen=True)
class Died:
    """A worker died or was killed; the item goes on without the pair it was at."""

    item: str
    name: str
    file: int
    """The file's number in the item."""
    module: str
    """`role:name`, or `enumeration`."""
    reason: str


@dataclass(frozen=True)
class Unread:
    """An item that could not be examined at all; the ledger shows it as not examined."""

    item: str
    name: str
    reason: str


@dataclass(frozen=True)
class Joined:
    """A worker on another machine is ready."""

    where: str
    """The machine's address in the cluster."""
    process: int
    """The worker's process there; it never works on another case."""


@dataclass(frozen=True)
class Lost:
    """A worker on another machine is gone, or is not as it must be; others do its work."""

    where: str
    reason: str


Event: TypeAlias = "Started | Examined | Died | Unread | Joined | Lost"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What one call of `examine` did."""

    examined: int
    """Items examined now."""
    skipped: int
    """Items whose results were all there, or that were given twice."""
    unread: int
    """Items that could not be examined at all; each was an `Unread` event."""
    files: int
    bytes: int
    records: int
    failures: int
    deaths: int
    """Workers that died or were killed."""
    seconds: float
    protection: Protection
