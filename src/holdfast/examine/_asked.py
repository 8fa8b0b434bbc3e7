"""What a user types into a search, taken apart: words, phrases, fields, dates, near misses.

invoice "bank account" confirm*     all of these: a word, a phrase, a word's beginning
recieve~  recieve~2                 a word with up to 1 or 2 letters wrong
subject:invoice from:"jane doe"     in that field alone
since:2026-03-01 until:2026-03-31   dates and times, both included; on:2026-03-05
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from holdfast.core import clock
from holdfast.core.errors import InputError
from holdfast.examine._words import analyzer, prepare, unspaced
from holdfast.examine.records import storable

FIELDS: dict[str, tuple[str, ...]] = {
    "from": ("from_",),
    "host": ("host",),
    "kind": ("kind",),
    "path": ("path", "name"),
    "subject": ("subject",),
    "title": ("title",),
    "to": ("to", "cc", "bcc"),
    "url": ("url",),
    "user": ("user",),
}
"""Field to the columns that it looks in."""
RAW = "kind"
"""The field whose values are one word each, as they are."""
_LONGEST_QUERY = 1000
_SHORT = 5
"""Letters of a word in which one may be wrong, where the user does not say how many."""
_TERM = re.compile(
    r'(?:(?P<field>[a-z]{2,10}):)?(?:"(?P<phrase>[^"]*)"(?P<star>\*?)|(?P<word>[^\s"]+))'
)
_NEAR = re.compile(r"(.*[^~])~([12]?)", re.DOTALL)
_DATES = {"since": (True, False), "until": (False, True), "on": (True, True)}
"""Name to whether it sets the first moment, and whether the last."""


@dataclass(frozen=True)
class Term:
    """Words that must follow each other, the last perhaps only begun."""

    words: tuple[str, ...]
    begun: bool = False
    wrong: int = 0
    """Letters of the one word that may be wrong."""
    field: str = "text"


@dataclass(frozen=True)
class Asked:
    """All that must be true of a record."""

    terms: tuple[Term, ...]
    start: int | None = None
    """Microseconds since the epoch, UTC; included."""
    end: int | None = None


def parse(text: str) -> Asked:
    """Return what `text` asks for.

    Raises:
        InputError: a quote without its end, a date that is none, or nothing to look for.
    """
    if len(text) > _LONGEST_QUERY:
        raise InputError(f"a search has at most {_LONGEST_QUERY} characters")
    if text.count('"') % 2:
        raise InputError("a quotation mark has no partner", 'write "a phrase" between two')
    terms: list[Term] = []
    start: int | None = None
    end: int | None = None
    for found in _TERM.finditer(storable(text)):
        field, phrase, star, word = found.group("field", "phrase", "star", "word")
        given = phrase if word is None else word
        if field in _DATES:
            first, last = _DATES[field]
            start = max(start or -(2**62), clock.from_text(given)) if first else start
            end = min(end or 2**62, clock.end_of(given)) if last else end
            continue
        if field is not None and field not in FIELDS:  # an address, or a text with a colon
            if word is None:
                terms += _terms(field, "text")
            else:
                given = f"{field}:{word}"
            field = None
        if field == RAW:
            terms.append(Term((given.rstrip("*").lower(),), begun=given.endswith("*"), field=RAW))
        elif word is None:
            terms += _terms(given, field or "text", begun=bool(star), phrase=True)
        else:
            terms += _terms(given, field or "text")
    if not terms and start is None and end is None:
        raise InputError("there is nothing to look for", "give at least one letter or digit")
    return Asked(tuple(terms), start, end)


def _terms(text: str, field: str, *, begun: bool = False, phrase: bool = False) -> list[Term]:
    """Return what a word or phrase asks for; nothing where it has no letter or digit."""
    near = None if phrase else _NEAR.fullmatch(text)
    plain = text if near is None else near[1]
    if not phrase:
        begun = plain.endswith("*")
    if "*" in plain.rstrip("*"):
        raise InputError(
            f"{plain!r} has a * that is not at its end", "only the end of a word can be left open"
        )
    words = tuple(analyzer().analyze(prepare(plain)))
    if not words:
        if any(map(str.isalnum, plain)):
            raise InputError("a word of more than 255 bytes can't be looked for")
        return []
    if near is None:
        return [Term(words, begun, field=field)]
    if begun or len(words) > 1 or unspaced(words[0]):
        raise InputError(
            f"{text!r} is not one word that could be near another",
            "write ~ after a single word of letters, without *",
        )
    wrong = int(near[2]) if near[2] else 1 if len(words[0]) <= _SHORT else 2
    return [Term(words, wrong=wrong, field=field)]
