"""What goes into an examination, what it tells while it runs, and what it leaves as a sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.examine._roster import Module
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


Event: TypeAlias = "Started | Examined | Died | Unread"


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
