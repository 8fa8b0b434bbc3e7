"""A case, and what its authority allows: decided here on plain values, without I/O."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.core import clock
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import tables

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from holdfast.core.canonical import Json


DAY = 86_400_000_000
WARN = 30
"""Days before the end of an authority from which people are warned."""


@dataclass(frozen=True)
class Authority:
    """Who allowed what, for how long."""

    basis: str
    """The provision or order that is relied on."""
    issuer: str
    """The court, prosecutor or officer who issued it."""
    scope: tuple[str, ...]
    """What it covers: see `Scope`; empty means that the order names no limits of that kind."""
    valid_from: int
    """Microseconds since the epoch, UTC; inclusive."""
    valid_until: int
    """Microseconds since the epoch, UTC; inclusive."""

    def check_time(self, case: str, now: int) -> None:
        """Raise unless the authority is in force at `now`.

        Raises:
            DeniedError: not yet valid, or expired.
        """
        if now < self.valid_from:
            raise DeniedError(
                f"the authority of case {case} is not valid before "
                f"{clock.to_text(self.valid_from)}",
                "wait, or open a case under an authority that is in force",
            )
        if now > self.valid_until:
            raise DeniedError(
                f"the authority of case {case} expired at {clock.to_text(self.valid_until)}",
                "obtain a new authority and open a case under it",
            )

    def check_path(self, case: str, path: Path) -> None:
        """Raise unless `path` (absolute, links resolved) lies inside the scope's paths.

        A scope without any path limits other things (a domain, an account) and says nothing of
        files.

        Raises:
            DeniedError: outside.
        """
        folders = scope_paths(self.scope)
        if folders and not any(path == f or f in path.parents for f in folders):
            raise DeniedError(
                f"{path} is outside the scope of case {case} "
                f"({', '.join(str(f) for f in folders)})",
                "collect what the authority covers, or have the authority widened",
            )


@dataclass(frozen=True)
class Case:
    """A case as the projection has it."""

    id: str
    title: str
    purpose: str
    lead: str
    authority: Authority
    opened: str
    closed: str | None
    closed_why: str | None
    exhibits: int
    """Exhibit numbers given so far."""
    review: int
    """When it is to be decided whether the case is still needed: microseconds since the epoch."""
    recipient: str | None
    """age recipient for the case's items; None in a plain vault."""
    zone: str
    """Its time zone, by the tz database's name; UTC where none was stated."""

    def check_open(self) -> None:
        """Raise where the case is closed.

        Raises:
            DeniedError: closed.
        """
        if self.closed is not None:
            raise DeniedError(
                f"case {self.id} was closed at {self.closed}: {self.closed_why}",
                "open a new case for further work",
            )

    def days_left(self, now: int) -> int:
        """Return for how many whole days the authority is still in force; negative where it ended.

        Of a case whose authority ends today, that is 0.
        """
        return (self.authority.valid_until - now) // DAY

    def ends_soon(self, now: int, days: int) -> bool:
        """Say whether an open case's authority ends within `days`, or has ended."""
        return self.closed is None and self.days_left(now) < days

    def as_json(self) -> dict[str, Json]:
        """Return the case as `case show --json` prints it."""
        return {
            "authority": self.authority.issuer,
            "basis": self.authority.basis,
            "case": self.id,
            "closed": self.closed,
            "closed_why": self.closed_why,
            "exhibits": self.exhibits,
            "lead": self.lead,
            "opened": self.opened,
            "purpose": self.purpose,
            "review": clock.to_text(self.review),
            "scope": list(self.authority.scope),
            "title": self.title,
            "valid_from": clock.to_text(self.authority.valid_from),
            "valid_until": clock.to_text(self.authority.valid_until),
            "zone": self.zone,
        }


def normal_scope(scope: str) -> str:
    """Return one scope entry in the form that is kept.

    `path:/folder`, or anything that looks like a path or is one here, becomes an absolute path
    with its links resolved; `domain:…` and other text stay as they are.

    Raises:
        InputError: empty.
    """
    text = scope.strip()
    named = text.removeprefix("path:")
    if not named:
        raise InputError("a scope may not be empty", "name a folder, a domain, or leave it out")
    if named != text or text.startswith(("/", "./", "../", "~")) or os.path.lexists(text):
        # Not Path's own ways, which raise on an unknown account and on a loop of links.
        return f"path:{os.path.realpath(os.path.expanduser(named))}"  # noqa: PTH111
    return text


def scope_paths(scope: tuple[str, ...]) -> list[Path]:
    """Return the folders and files that a scope names."""
    return [Path(one.removeprefix("path:")) for one in scope if one.startswith("path:")]


def find(connection: Connection, case: str) -> Case:
    """Return the case named `case`.

    Raises:
        DeniedError: there is none, so nothing authorises an act in it.
    """
    query = select(tables.cases).where(tables.cases.c.case == case)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise DeniedError(
            f"there is no case {case!r} in this vault",
            "open one with `holdfast case open`, or see `holdfast case list`",
        )
    return _from_row(row)


def every(connection: Connection) -> list[Case]:
    """Return all cases, oldest first."""
    query = select(tables.cases).order_by(tables.cases.c.opened, tables.cases.c.case)
    return [_from_row(row) for row in connection.execute(query)]


def due(connection: Connection, now: int) -> list[Case]:
    """Return the cases whose review date has passed, the longest due first."""
    table = tables.cases
    query = select(table).where(table.c.review < now).order_by(table.c.review, table.c.case)
    return [_from_row(row) for row in connection.execute(query)]


def next_id(connection: Connection, now: int) -> str:
    """Return the next free case number of the year, `2026-0001`."""
    year = clock.to_text(now)[:4]
    query = select(tables.cases.c.case).where(tables.cases.c.case.startswith(f"{year}-"))
    taken = [int(case.partition("-")[2]) for case in connection.scalars(query)]
    return f"{year}-{max(taken, default=0) + 1:04d}"


def _from_row(row: Row[tuple[object, ...]]) -> Case:
    facts = row._mapping  # noqa: SLF001 - SQLAlchemy's documented access by name
    return Case(
        id=facts["case"],
        title=facts["title"],
        purpose=facts["purpose"],
        lead=facts["lead"],
        authority=Authority(
            basis=facts["basis"],
            issuer=facts["authority"],
            scope=tuple(json.loads(facts["scope"])),
            valid_from=facts["valid_from"],
            valid_until=facts["valid_until"],
        ),
        opened=facts["opened"],
        closed=facts["closed"],
        closed_why=facts["closed_why"],
        exhibits=facts["exhibits"],
        review=facts["review"],
        recipient=facts["recipient"],
        zone=facts["zone"],
    )
