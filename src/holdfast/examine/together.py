"""Which identifiers occur in one record: what may link those that they belong to.

It is looked up in the case's text index. An identifier counts where it stands by itself: not
`bank.example` in `nordlys-bank.example`. What one record says of who did what (a mail's sender and
recipient, the account that acted on a machine, a page's form and where it sends) is looked up in
the index's fields.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from holdfast.examine import search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from holdfast.examine.search import Hit

HITS = 5000
"""Records of one identifier that are looked at."""
IDENTIFIERS = 400
"""Identifiers that are looked for."""
SHORTEST = 3
"""Letters of an identifier: one of two stands in nearly every record."""
MAILED, ACTED, SENT, NAMED = "wrote to", "acted on", "sends a form to", "named with"
"""What a record may say of two; by `NAMED`, no more than that both are named."""
_PARTS: tuple[tuple[str, str, str], ...] = (
    (MAILED, "from:{}", "to:{}"), (ACTED, "user:{}", "host:{}"),
    (SENT, "kind:web.form url:{}", "{}"),
)  # fmt: skip
_LOOSE = {"phone", "iban", "card", "mac", "imei"}
"""Kinds that people write with and without blanks between."""

Key = tuple[str, str, str, int]
"""Names a record: item, path, parser, seq."""


@dataclass(frozen=True)
class Sought:
    """An identifier, and the number of whom it belongs to."""

    owner: int
    kind: str
    value: str


@dataclass(frozen=True)
class Together:
    """Two that occur in the same records."""

    source: int
    target: int
    relation: str
    hits: tuple[Hit, ...]
    """The records, by item, path and place."""


@dataclass(frozen=True)
class Meetings:
    """What was found, and what was not looked at."""

    found: tuple[Together, ...] = ()
    cut: tuple[str, ...] = ()
    """Identifiers with more than `HITS` records, of which no more were looked at."""
    left: int = 0
    """Identifiers beyond `IDENTIFIERS`, which were not looked for."""


def meetings(
    index: Path, sought: Sequence[Sought], shown: Callable[[Iterable[Hit]], Iterator[Hit]]
) -> Meetings:
    """Return which owners of different identifiers occur in one record; `shown` leaves hits out.

    Raises:
        InputError: there is no text index.
        IntegrityError: it can't be read.
    """
    wanted = [
        one for one in dict.fromkeys(sought)
        if len(one.value) >= SHORTEST and any(map(str.isalnum, one.value))
    ]  # fmt: skip
    looked, left = wanted[:IDENTIFIERS], max(0, len(wanted) - IDENTIFIERS)
    cut: list[str] = []
    records: dict[int, dict[Key, Hit]] = defaultdict(dict)
    by_owner: dict[int, list[Sought]] = defaultdict(list)
    for one in looked:
        hits = list(_standing(index, one))
        if len(hits) >= HITS:
            cut.append(one.value)
        records[one.owner].update((key(hit), hit) for hit in shown(hits))
        by_owner[one.owner].append(one)
    found: list[Together] = []
    for first, second in combinations(sorted(records), 2):
        common = records[first].keys() & records[second].keys()
        if not common:
            continue
        told: set[Key] = set()
        for relation, source, target in _ways(first, second):
            pairs = [(a, b) for a in by_owner[source] for b in by_owner[target]]
            keys = _said(index, relation, pairs) & common
            if keys:
                told |= keys
                hits_ = [records[first][one] for one in keys]
                found.append(Together(source, target, relation, _ordered(hits_)))
        if rest := [records[first][one] for one in common - told]:
            found.append(Together(first, second, NAMED, _ordered(rest)))
    return Meetings(tuple(found), tuple(cut), left)


def key(hit: Hit) -> Key:
    """Return what names a hit's record."""
    return hit.item, hit.path, hit.parser, hit.seq


def _ordered(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    return tuple(sorted(hits, key=lambda one: (one.item, one.path, one.parser, one.seq)))


def _ways(first: int, second: int) -> Iterator[tuple[str, int, int]]:
    for relation, _, _ in _PARTS:
        yield relation, first, second
        yield relation, second, first


def _said(index: Path, relation: str, pairs: Iterable[tuple[Sought, Sought]]) -> set[Key]:
    """Return the records that say `relation` of the first and second of any of `pairs`."""
    parts = {name: (source, target) for name, source, target in _PARTS}[relation]
    found: set[Key] = set()
    for source, target in pairs:
        query = " ".join(
            part.format(_quoted(one.value))
            for part, one in zip(parts, (source, target), strict=True)
        )
        found |= {key(hit) for hit in search.query(index, query, HITS)}
    return found


def _standing(index: Path, one: Sought) -> Iterator[Hit]:
    """Yield the records in which an identifier stands by itself."""
    stands = _alone(one)
    for hit, text in search.whole(index, _quoted(one.value), HITS):
        if stands.search(text):
            yield hit


def _alone(one: Sought) -> re.Pattern[str]:
    value = one.value
    if one.kind in _LOOSE:
        body = r"[\s().-]*".join(re.escape(c) for c in value if c.isalnum() or c == "+")
    else:
        body = re.escape(value)
    return re.compile(rf"(?<![\w.@-]){body}(?![\w@-]|\.\w)", re.IGNORECASE)


def _quoted(value: str) -> str:
    return '"{}"'.format(value.replace('"', " "))
