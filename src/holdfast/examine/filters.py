r"""Filters of a timeline, as they are typed and as a page's chips hold them; without I/O.

kind:mail.message kind:browser.*    one of these; a * stands at the end alone
-parser:evtx                        not this
host:pc-7 user:"jane doe"           names in any case
item:AL/1                           an exhibit, a digest or its start
quality:inferred                    how a time is known: recorded, corrected or inferred
tag:important                       what somebody tagged so; tag:* is any tag
since:2026-03-01 until:2026-03-31   dates and times, both included; on:2026-03-05
transfer "to the account" -test     words of the message, in any case

Terms of one field are alternatives, terms of different fields must all hold, and so must every
word. One text has one canonical form, so that an address that holds it can be shared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from holdfast.core import clock
from holdfast.core.errors import InputError

NAMES = ("kind", "parser", "item", "host", "user", "quality", "tag")
"""Fields whose terms are alternatives."""
QUALITIES = ("recorded", "corrected", "inferred")
"""As the source recorded it; corrected by what the case says of a clock; or with a zone, year or
time of day that isn't in the source."""
WORD = "text"
_DATES = ("since", "until", "on")
_ORDER = (*NAMES, *_DATES, WORD)
_STARRED = {"kind", "parser", "host", "user"}
_LONGEST, _MOST = 1000, 50
_TERM = re.compile(
    r'\s*(?P<not>-?)(?:(?P<field>[a-z]{2,10}):)?(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s"]+))'
)
_PLAIN = re.compile(r'[^\s"\\-][^\s"\\]*')


@dataclass(frozen=True)
class Term:
    """One condition: a chip."""

    field: str
    value: str
    wanted: bool = True
    """Whether it must hold; else it must not."""

    @property
    def text(self) -> str:
        """As it is typed."""
        plain = _PLAIN.fullmatch(self.value) is not None and not (
            self.field == WORD and ":" in self.value
        )
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        value = self.value if plain else f'"{escaped}"'
        field = "" if self.field == WORD else f"{self.field}:"
        return f"{'' if self.wanted else '-'}{field}{value}"


@dataclass(frozen=True)
class Filter:
    """All terms, each once, in canonical order."""

    terms: tuple[Term, ...] = ()

    @property
    def text(self) -> str:
        """As it is typed, and as a link holds it."""
        return " ".join(term.text for term in self.terms)

    @property
    def start(self) -> int | None:
        """First moment, microseconds since the epoch, UTC; included."""
        given = [clock.from_text(one.value) for one in self.terms if one.field in {"since", "on"}]
        return max(given, default=None)

    @property
    def end(self) -> int | None:
        """Last moment; included."""
        given = [clock.end_of(one.value) for one in self.terms if one.field in {"until", "on"}]
        return min(given, default=None)

    def values(self, field: str, *, wanted: bool = True) -> tuple[str, ...]:
        """Return what the terms of one field say."""
        return tuple(one.value for one in self.terms if one.field == field and one.wanted is wanted)

    def without(self, *terms: Term) -> Filter:
        """Return the filter less some terms."""
        return Filter(tuple(one for one in self.terms if one not in terms))

    def plus(self, *terms: Term) -> Filter:
        """Return the filter with more terms; a term that contradicts one takes its place."""
        left = [one for one in self.terms if (one.field, one.value) not in _keys(terms)]
        return _ordered([*left, *terms])

    def within(self, start: str, end: str) -> Filter:
        """Return the filter for another span of time; empty ends are open."""
        spans = [Term(name, text) for name, text in (("since", start), ("until", end)) if text]
        left = [one for one in self.terms if one.field not in _DATES]
        return _ordered([*left, *spans])


def parse(text: str) -> Filter:
    """Return what `text` asks for; an empty text asks for everything.

    Raises:
        InputError: a quote without its end, an unknown quality or date, or too much of it.
    """
    if len(text) > _LONGEST:
        raise InputError(f"a filter has at most {_LONGEST} characters", "ask in two steps")
    terms: list[Term] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TERM.match(text, at)
        if found is None:
            raise InputError(
                f"the filter can't be read from here on: {text[at : at + 40]!r}",
                'write "a phrase" between two quotation marks',
            )
        terms.append(_term(found))
        at = found.end()
    if len(terms) > _MOST:
        raise InputError(f"a filter has at most {_MOST} terms", "ask in two steps")
    return _ordered(terms)


def _term(found: re.Match[str]) -> Term:
    field, quoted, plain = found.group("field", "quoted", "plain")
    value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    wanted = not found["not"]
    if field is None and quoted is None and plain.removesuffix(":") in _ORDER and plain[-1] == ":":
        field, value = plain[:-1], ""
    if field is not None and field not in _ORDER:  # an address, or a text with a colon
        field, value = None, f"{field}:{value}"
    if field is None or field == WORD:
        if not value.strip():
            raise InputError("a filter has an empty phrase", "leave it out")
        return Term(WORD, value, wanted)
    if not value:
        raise InputError(f"{field}: says nothing", f"write {field}:VALUE")
    if field in _DATES:
        if not wanted:
            raise InputError(f"-{field}: can't be", "use since: and until:")
        clock.from_text(value)
    if field == "quality" and value not in QUALITIES:
        raise InputError(f"{value!r} is no quality of a time", f"choose from {_list(QUALITIES)}")
    body = value.removesuffix("*") if field in _STARRED or field == "tag" else value
    if "*" in body and field in _STARRED:
        raise InputError(f"{value!r} has a * that is not at its end", "leave the end open only")
    return Term(field, value.lower() if field in {"host", "user"} else value, wanted)


def _ordered(terms: list[Term]) -> Filter:
    unique = dict.fromkeys(terms)
    return Filter(
        tuple(sorted(unique, key=lambda one: (_ORDER.index(one.field), not one.wanted, one.value)))
    )


def _keys(terms: tuple[Term, ...]) -> set[tuple[str, str]]:
    return {(one.field, one.value) for one in terms}


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names)
