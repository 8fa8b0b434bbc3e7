"""What a finding must be before it may be relied on: decided here on plain values, without I/O.

Grades are those of the 4x4 system: how reliable the source is, and how good its information.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.errors import DeniedError, InputError

if TYPE_CHECKING:
    from collections.abc import Collection

SOURCES = {
    "A": "no doubt about the source's trustworthiness, or always reliable so far",
    "B": "mostly reliable so far",
    "C": "mostly unreliable so far",
    "X": "its reliability can't be assessed",
}
"""How reliable the source is."""
INFORMATION = {
    "1": "known to be accurate without reservation",
    "2": "known personally to the source, not to the officer",
    "3": "not known personally to the source, but corroborated",
    "4": "not known personally to the source, and not corroborated",
}
"""How good its information is."""

DRAFT, RETURNED, REVIEWED, WITHDRAWN = "draft", "returned", "reviewed", "withdrawn"
"""A finding's states. Only a reviewed one may enter a report."""

PEER, SECOND = "review", "verification"
"""Ways in which another person looks at a finding: a peer reads it critically; a second examiner
examines the evidence again."""
OUTCOMES = {PEER: ("passed", "returned"), SECOND: ("agrees", "partly", "disagrees")}
"""What they may come to, the best first."""


def check_grade(grade: str) -> str:
    """Return a grade of the 4x4 system, `B2`, in capitals.

    Raises:
        InputError: it is none.
    """
    said = grade.strip().upper()
    if len(said) != 2 or said[0] not in SOURCES or said[1] not in INFORMATION:
        raise InputError(
            f"{grade!r} is no grade", f"give one of {'/'.join(SOURCES)} and one of 1 to 4, as B2"
        )
    return said


def grade_text(grade: str) -> str:
    """Return a grade in words; empty where it was erased."""
    if len(grade) != 2:
        return ""
    return f"{SOURCES.get(grade[0], '')}; {INFORMATION.get(grade[1], '')}"


@dataclass(frozen=True)
class Person:
    """Somebody as an entry names them."""

    name: str
    key: str | None
    """Their key's ID."""


def check_other(number: int, person: Person, authors: Collection[Person]) -> None:
    """Raise unless `person` worded no version of the finding: another name, and another key.

    Raises:
        DeniedError: they did.
    """
    for one in authors:
        if one.name == person.name or (one.key is not None and one.key == person.key):
            raise DeniedError(
                f"{person.name} wrote finding {number}: another person has to look at it",
                "ask a colleague who holds a role in the case",
            )


def state_after(state: str, kind: str, outcome: str) -> str:
    """Return how a finding stands after somebody looked at it.

    A second examiner who disagrees returns a finding; one who agrees is no peer's review.

    Raises:
        InputError: no such outcome.
        DeniedError: the finding was withdrawn.
    """
    if outcome not in OUTCOMES.get(kind, ()):
        known = ", ".join(OUTCOMES.get(kind, (PEER, SECOND)))
        raise InputError(f"a {kind} can't come to {outcome!r}", f"choose from {known}")
    if state == WITHDRAWN:
        raise DeniedError("the finding was withdrawn", "write a new one")
    if outcome in {"returned", "disagrees"}:
        return RETURNED
    return REVIEWED if kind == PEER else state


def check_reportable(number: int, state: str) -> None:
    """Raise unless a finding may enter a report.

    Raises:
        DeniedError: nobody else has reviewed its newest version.
    """
    if state != REVIEWED:
        raise DeniedError(
            f"finding {number} is {state}: it may enter no report before a peer has passed it",
            f"have it reviewed: `holdfast finding review {number}`",
        )
