"""Sign-ins that fail: counted by account and source, slowed down, and entered without a flood.

Who guesses at an account is held up where they sit; the account's own person, elsewhere, is not.
Nothing here locks an account. What is entered is bounded: the first failures of an account from a
source each, then at doublings, and a number a minute in all; every entry says for how many it
stands.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from holdfast.core import clock
from holdfast.core.errors import DeniedError
from holdfast.vault.accounts import attempts
from holdfast.vault.database import alone, guarded
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from holdfast.acts.act import Session
    from holdfast.core.canonical import Json

MINUTE = 60_000_000
DAY = 1440 * MINUTE
FREE = 5
"""Failures at one account from one source before anything waits."""
LONGEST = 60
"""Minutes that a source waits at most for one account."""
OF_SOURCE = 50
"""Failures of one source, at whatever accounts, before it waits."""
CODES = 10
"""Wrong codes after the right password, from anywhere, before codes are refused for an hour: only
who knows the password can bring that about, and passkeys go on."""
A_MINUTE = 30
"""Entries of refusals a minute, in all."""
_ALL, _CODES = "*", "codes"
_COUNTING = 0x48664174
"""Failures are counted one by one, by whichever process: of two at once, neither is lost."""


@dataclass(frozen=True)
class Came:
    """From where somebody comes, as the server sees it."""

    address: str = ""
    agent: str = ""

    @property
    def source(self) -> str:
        """What is held up for failures: an IPv4 address, or an IPv6 network of 64 bits."""
        try:
            found = ipaddress.ip_address(self.address.partition("%")[0])
        except ValueError:
            return self.address[:100]
        if isinstance(found, ipaddress.IPv6Address):
            if found.ipv4_mapped:
                return str(found.ipv4_mapped)
            return str(ipaddress.ip_network((found, 64), strict=False))
        return str(found)

    def as_json(self) -> dict[str, Json]:
        """Return it as entries have it."""
        return {"address": self.address[:100], "agent": self.agent[:200]}


def check(engine: Engine, name: str, came: Came) -> None:
    """Raise where this source has to wait.

    Raises:
        DeniedError: it has.
    """
    now = clock.now()
    waits = [(name, came.source), ("", came.source)]
    with guarded(engine), engine.connect() as connection:
        until = max(_row(connection, *one)[3] for one in waits)
    if until > now:
        raise too_many(until - now)


def too_many(left: int) -> DeniedError:
    """Return the refusal of who has to wait `left` microseconds."""
    minutes = -(-left // MINUTE)
    return DeniedError(
        f"too many sign-ins failed from where you are; wait {minutes} min",
        "sign in with a passkey, or from where you usually do",
    )


def codes_refused(engine: Engine, name: str) -> bool:
    """Say whether one-time codes of an account are refused for now."""
    with guarded(engine), engine.connect() as connection:
        return _row(connection, name, _CODES)[3] > clock.now()


def wrong_code(engine: Engine, name: str) -> None:
    """Count a wrong code after the right password."""
    with guarded(engine), engine.begin() as connection:
        alone(connection, _COUNTING)
        failures, _, last, _ = _row(connection, name, _CODES)
        failures = 1 if last < clock.now() - 60 * MINUTE else failures + 1
        until = clock.now() + 60 * MINUTE if failures >= CODES else 0
        _put(connection, name, _CODES, (failures, 0), until)


def failed(
    session: Session, name: str | None, typed: str, came: Came, *, how: str, why: str
) -> None:
    """Count a failure, and enter it, alone or with those before it.

    `name` is the account; None where there is none of what was `typed`, which is not entered:
    people type passwords there by mistake.
    """
    engine, now = session.vault.engine, clock.now()
    with guarded(engine), engine.begin() as connection:
        alone(connection, _COUNTING)
        connection.execute(delete(attempts).where(attempts.c.time < now - DAY))
        tries = _count(connection, typed[:100], came.source, FREE, now)
        _count(connection, "", came.source, OF_SOURCE, now)
        begun, told, last, _ = _row(connection, "", _ALL)
        fresh = last // MINUTE != now // MINUTE
        told = 0 if fresh else told
        failures, untold = tries
        speaks = (failures <= FREE or failures & (failures - 1) == 0) and told < A_MINUTE
        left = begun + (0 if speaks else 1)
        if speaks:
            change = update(attempts).where(
                attempts.c.name == typed[:100], attempts.c.source == came.source
            )
            connection.execute(change.values(untold=0))
        _put(connection, "", _ALL, (left, told + int(speaks)), 0)
    if speaks:
        fields: dict[str, Json] = {
            "how": how,
            "name": name,
            "reason": why,
            "source": came.as_json(),
            "tries": untold,
        }
        session.custody.enter(Draft("session.denied", None, fields))


def cleared(engine: Engine, name: str, came: Came) -> None:
    """Forget the failures of an account from where its person has just signed in."""
    with guarded(engine), engine.begin() as connection:
        connection.execute(
            delete(attempts).where(
                attempts.c.name == name, attempts.c.source.in_([came.source, _CODES])
            )
        )


def _count(connection: Connection, name: str, source: str, free: int, now: int) -> tuple[int, int]:
    failures, untold, last, _ = _row(connection, name, source)
    failures = failures + 1 if last > now - DAY else 1
    over = failures - free
    until = now + MINUTE * min(2 ** min(over, 10), LONGEST) if over >= 0 else 0
    _put(connection, name, source, (failures, untold + 1), until)
    return failures, untold + 1


def _row(connection: Connection, name: str, source: str) -> tuple[int, int, int, int]:
    """Return (failures, untold, time, until)."""
    query = select(attempts.c.failures, attempts.c.untold, attempts.c.time, attempts.c.until).where(
        attempts.c.name == name, attempts.c.source == source
    )
    row = connection.execute(query).one_or_none()
    return (0, 0, 0, 0) if row is None else (row[0], row[1], row[2], row[3])


def _put(
    connection: Connection, name: str, source: str, counts: tuple[int, int], until: int
) -> None:
    failures, untold = counts
    values = {"failures": failures, "untold": untold, "time": clock.now(), "until": until}
    where = (attempts.c.name == name) & (attempts.c.source == source)
    if connection.execute(update(attempts).where(where).values(**values)).rowcount == 0:
        connection.execute(insert(attempts).values(name=name, source=source, **values))
