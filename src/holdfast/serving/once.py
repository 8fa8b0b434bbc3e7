"""What was asked under a key of its own, and what came of it: a repeated request does nothing.

Kept in the database's state, so that every process of a server knows it, and a restarted one too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError as TakenError

from holdfast.core import clock
from holdfast.vault.database import guarded
from holdfast.vault.requested import requested

if TYPE_CHECKING:
    from sqlalchemy import Engine

DAY = 86_400_000_000
"""How long a key is remembered, in microseconds."""


def claim(engine: Engine, who: str, key: str) -> str | None:
    """Take a key for a request; None: it is new and now taken.

    Else it was taken before: what came of that request, or an empty text where that isn't known,
    since it is still under way or its process was killed.
    """
    now = clock.now()
    with guarded(engine), engine.begin() as connection:
        connection.execute(delete(requested).where(requested.c.time < now - DAY))
    try:
        with engine.begin() as connection:
            connection.execute(insert(requested).values(who=who, key=key, time=now))
    except TakenError:
        query = select(requested.c.answer).where(requested.c.who == who, requested.c.key == key)
        with guarded(engine), engine.connect() as connection:
            return connection.scalar(query) or ""
    return None


def keep(engine: Engine, who: str, key: str, answer: str) -> None:
    """Remember what came of a request."""
    change = update(requested).where(requested.c.who == who, requested.c.key == key)
    with guarded(engine), engine.begin() as connection:
        connection.execute(change.values(answer=answer))


def forget(engine: Engine, who: str, key: str) -> None:
    """Let a key be used again: nothing came of the request."""
    with guarded(engine), engine.begin() as connection:
        connection.execute(delete(requested).where(requested.c.who == who, requested.c.key == key))
