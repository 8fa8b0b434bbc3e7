"""Work that tells how far it is while somebody listens, and goes on when they leave.

The work runs in a thread and a session of its own; whoever asked for it hears events until it is
over. A browser without scripts waits for the last one; one with scripts hears each.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from holdfast.core.errors import HoldfastError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.acts.act import Session
    from holdfast.core.canonical import Json
    from holdfast.serving.desk import Desk
    from holdfast.serving.people import Person

    Event = dict[str, Json]

_EVERY = 0.3
"""Seconds between two tellings of progress, at least."""
BEAT = 5.0
"""Seconds after which a listener hears that there is nothing new, so that nobody hangs up."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Over:
    """The end of the work."""

    error: HoldfastError | None = None


def listen(
    desk: Desk, person: Person, do: Callable[[Session], Iterator[Event]]
) -> Iterator[Event | Over]:
    """Have `do` done; yield what it yields, its progress, and how it ended.

    An event without members means that there is nothing new.
    """
    said: SimpleQueue[Event | Over] = SimpleQueue()
    last = 0.0

    def tell(done: int, total: int | None, what: str, /) -> None:
        nonlocal last
        if (now := time.monotonic()) - last > _EVERY:
            last = now
            said.put({"done": done, "state": "running", "total": total, "what": what[-200:]})

    def work() -> None:
        try:
            with desk.session(person, tell) as session:
                for event in do(session):
                    said.put(event)
            said.put(Over())
        except HoldfastError as error:
            said.put(Over(error))
        except Exception as error:  # noqa: BLE001 - a thread's edge: told, and in the server's log
            _log.exception("a fault in work for %s", person.name)
            said.put(Over(HoldfastError(f"a fault in Holdfast: {type(error).__name__}")))

    threading.Thread(target=work, name="live", daemon=True).start()
    while True:
        try:
            event = said.get(timeout=BEAT)
        except Empty:
            yield {}
            continue
        yield event
        if isinstance(event, Over):
            return
