"""Exhibit numbers as a country writes them: `AB/1`, `AB/1/1`, `2026-0001-A-3`.

A pattern is text with places in it. It says how the next number reads, never which number is free:
that is asked of the log, where a number once given is taken for good. docs/formats/exhibits.md.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json

WHOLE, PART = "{initials}/{number}", "{parent}/{part}"
"""How numbers read where nobody chose otherwise."""
_OF_WHOLE = frozenset({"initials", "number", "own", "letter", "case", "year"})
_OF_PART = frozenset({"parent", "part"})
_COUNTS = frozenset({"number", "own", "part"})
_LONGEST = 60
_SIGNS = frozenset("/-_.() #")


@dataclass(frozen=True)
class Facts:
    """What stands in a number's places."""

    case: str
    initials: str
    letter: str
    """Of who collects: A for the first who collected in the case, B for the second."""
    number: int
    """The next of the case."""
    own: int
    """The next of this person in the case."""


@dataclass(frozen=True)
class Pattern:
    """How the numbers of exhibits, and of parts of exhibits, read."""

    whole: str = WHOLE
    part: str = PART

    def check(self) -> None:
        """Raise unless numbers of these patterns can tell exhibits apart.

        Raises:
            InputError: an unknown place, a sign that no label should have, or nothing that counts.
        """
        found = _places(self.whole, _OF_WHOLE)
        if not found & {"number", "own"}:
            raise InputError(
                f"{self.whole!r} does not count", "put {number} in it, or {own} with {initials}"
            )
        if "number" not in found and not found & {"initials", "letter"}:
            raise InputError(
                f"{self.whole!r} gives two people the same number", "put {initials} or {letter} in"
            )
        if _places(self.part, _OF_PART) != _OF_PART:
            raise InputError(
                f"{self.part!r} does not name its exhibit and count", "put {parent} and {part} in"
            )

    def wholes(self, facts: Facts) -> Iterator[str]:
        """Yield the number that is next, and those after it, without end."""
        more = 0
        while True:
            yield check_label(
                self.whole.format(
                    case=facts.case,
                    year=facts.case[:4],
                    initials=facts.initials,
                    letter=facts.letter,
                    number=facts.number + more,
                    own=facts.own + more,
                )
            )
            more += 1

    def parts(self, parent: str, given: int) -> Iterator[str]:
        """Yield the numbers of parts of `parent`, of which `given` have one already."""
        while True:
            given += 1
            yield check_label(self.part.format(parent=parent, part=given))

    def as_json(self) -> dict[str, Json]:
        """Return it as the log keeps it."""
        return {"part": self.part, "whole": self.whole}


def _places(pattern: str, known: frozenset[str]) -> set[str]:
    try:
        parsed = list(string.Formatter().parse(pattern))
    except ValueError as error:
        raise InputError(f"{pattern!r} can't be read: {error}", "close each { with }") from None
    found = set()
    for text, name, form, convert in parsed:
        if not all(_writable(c) for c in text):
            raise InputError(
                f"{pattern!r} has a sign that no exhibit number should have",
                f"use letters, digits and {''.join(sorted(_SIGNS)).strip()}",
            )
        if name is None:
            continue
        if name not in known or convert:
            raise InputError(
                f"{pattern!r} has an unknown place {{{name}}}",
                "choose from " + ", ".join(f"{{{one}}}" for one in sorted(known)),
            )
        if form and not (name in _COUNTS and len(form) == 2 and form[0] == "0" and form[1] > "0"
                         and form.isascii() and form.isdigit()):  # fmt: skip
            raise InputError(
                f"{pattern!r} asks for an unknown form {form!r}",
                "{number:04} gives 0001; other forms there are none",
            )
        found.add(name)
    if len(pattern) > _LONGEST:
        raise InputError(f"a pattern of {len(pattern)} signs is too long", f"use up to {_LONGEST}")
    return found


def check_label(label: str) -> str:
    """Return `label`, if it can be an exhibit's number.

    Raises:
        InputError: it is empty, too long, or has signs that no label should have.
    """
    if not label or len(label) > 2 * _LONGEST or label != label.strip():
        raise InputError(f"{label!r} can't be an exhibit's number", "give one such as AB/1")
    if not all(_writable(c) for c in label):
        raise InputError(
            f"{label!r} has a sign that no exhibit number should have",
            f"use letters, digits and {''.join(sorted(_SIGNS)).strip()}",
        )
    return label


def _writable(sign: str) -> bool:
    return sign.isalnum() or sign in _SIGNS


def letter(place: int) -> str:
    """Return the letter of a place from 0: A to Z, then AA, AB and so on."""
    text = ""
    while True:
        place, rest = divmod(place, 26)
        text = chr(ord("A") + rest) + text
        if not place:
            return text
        place -= 1
