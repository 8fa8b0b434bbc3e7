"""What an engine does: it has tasks executed in sandboxed workers, and decides nothing.

    house (run.py): what is left to do -> engine: who does it, where -> house: publish, count, tell

Which items are done, what is published and what it came to is the house's business, the same with
every engine. `engines/local.py` has processes of this machine; `engines/ray.py` has other machines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from holdfast.core.canonical import Json
    from holdfast.examine._crew import Task
    from holdfast.examine._roster import Module
    from holdfast.examine.events import Event
    from holdfast.examine.limits import Limits
    from holdfast.sandbox.confine import Protection


@dataclass(frozen=True)
class Order:
    """What the workers of one examination, which is of one case, are told."""

    scratch: Path
    """A folder of the engine's own, gone afterwards."""
    limits: Limits
    plugins: tuple[str, ...]
    settings: dict[str, Json]
    """What modules are told beyond the item, by name."""


class House(Protocol):
    """What an engine reports to; called by the engine's own thread only."""

    def finished(
        self, task: Task, folder: Path, enumeration: dict[str, Json], modules: dict[str, Json]
    ) -> None:
        """Put a task's results in force: `folder` holds a folder for each result's key.

        Raises:
            IntegrityError: the folder holds what a worker does not write.
        """

    def unread(self, task: Task, reason: str) -> None:
        """Note that an item could not be examined at all."""

    def settled(self, task: Task) -> bool:
        """Say whether another examination has put a task's results in force meanwhile."""

    def tell(self, event: Event) -> None:
        """Pass on what happened."""


class Crew(Protocol):
    """The workers of one examination; ended by `close`."""

    modules: tuple[Module, ...]
    """What every worker of the crew has; the same for all of them."""
    protection: Protection
    """What is in force in the worst protected of them."""

    def work(self, tasks: Iterator[Task]) -> None:
        """Have every task done: each is reported once, as finished or as unread.

        Raises:
            RemoteError: the other machines are gone.
            ResourceError: workers can't be started, or ran out of room.
        """

    def close(self) -> None:
        """End every worker."""


class Engine(Protocol):
    """A way of executing."""

    def start(self, order: Order, house: House) -> Crew:
        """Start a crew; the first worker has said what it has.

        Raises:
            InputError: two modules of one name, settings that no module takes.
            RemoteError: the other machines can't be reached, or are not as they must be.
            ResourceError: workers can't be started.
        """
