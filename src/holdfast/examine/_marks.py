"""Where in a text the words are that a search asked for: the same folding, and the way back."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from holdfast.examine._asked import RAW
from holdfast.examine._words import fold, unspaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from holdfast.examine._asked import Term

_WORD = re.compile(r"[^\W_]+")


def marks(text: str, terms: tuple[Term, ...]) -> list[tuple[int, int]]:
    """Return where in `text` what `terms` ask for stands, in order: first character, and end."""
    plain, places = _folded(text)
    found = set(_exact(plain, [one for one in terms if not one.wrong and one.field != RAW]))
    found |= set(_near(plain, [one for one in terms if one.wrong]))
    out = []
    for start, end in sorted(found):
        first, last = places[start], places[end - 1] + 1
        while last < len(text) and not text[last].isascii() and not fold(text[last]):
            last += 1  # the last letter's own marks
        out.append((first, last))
    return out


def _folded(text: str) -> tuple[str, Sequence[int]]:
    """Return `text` folded, and for each character of that where it comes from."""
    if text.isascii():
        return text.lower(), range(len(text))
    parts, places = [], []
    for at, character in enumerate(text):
        plain = character.lower() if character.isascii() else fold(character)
        parts.append(plain)
        places.extend([at] * len(plain))
    return "".join(parts), places


def _exact(plain: str, terms: list[Term]) -> Iterator[tuple[int, int]]:
    if terms:
        for found in re.finditer("|".join(map(_pattern, terms)), plain):
            yield found.span()


def _pattern(term: Term) -> str:
    words = [re.escape("".join(map(fold, word))) for word in term.words]
    start = "" if unspaced(term.words[0]) else r"(?<![^\W_])"
    last = "" if unspaced(term.words[-1]) else r"(?![^\W_])"
    return start + r"[\W_]*".join(words) + (r"[^\W_]*" if term.begun else last)


def _near(plain: str, terms: list[Term]) -> Iterator[tuple[int, int]]:
    for term in terms:
        wanted = "".join(map(fold, term.words[0]))
        for found in _WORD.finditer(plain):
            if _distance(wanted, found[0], term.wrong) <= term.wrong:
                yield found.span()


@lru_cache(maxsize=65_536)
def _distance(one: str, other: str, most: int) -> int:
    """Return how many letters differ, two swapped neighbours counting as one; stop beyond `most`.

    Optimal string alignment, row by row.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    older: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, row = row, [i]
        for j, there in enumerate(other, 1):
            cost = min(row[j - 1] + 1, before[j] + 1, before[j - 1] + (letter != there))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == there:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        older = before
        if min(row) > most:
            return most + 1
    return row[-1]
