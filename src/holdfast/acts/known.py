"""Which indicators are on a list of known values: a mark beside each, for the reader to judge.

Domains and addresses are held against lists of values, digests that stand in text against lists
of files. It is looked up when it is asked, so a list that was added today counts today.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.acts import hashsets
from holdfast.examine.hashsets import shelf, values
from holdfast.examine.hashsets.table import WIDTHS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from holdfast.acts.act import Session
    from holdfast.examine.hashsets.shelf import Opened
    from holdfast.examine.hashsets.table import Digests

BATCH = 16_384
"""Indicators that are looked up at once."""
_FIELDS = {shelf.GOOD: "known_good", shelf.BAD: "known_bad"}


def annotated(session: Session, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rows with `known_good` and `known_bad`: the names of the lists that have them.

    Raises:
        IntegrityError: a set is missing or altered.
    """
    held = [one for one in session.look_up(hashsets.in_force) if one.kind in _FIELDS]
    rest = iter(rows)
    with shelf.opened(hashsets.folder(session), [one.digest for one in held]) as opened:
        while batch := list(islice(rest, BATCH)):
            for row in batch:
                row.update({name: [] for name in _FIELDS.values()})
            for kind in {row["kind"] for row in batch}:
                _mark([row for row in batch if row["kind"] == kind], kind, opened)
            yield from batch


def _mark(rows: list[dict[str, Any]], kind: str, opened: list[Opened]) -> None:
    tables = [(one, one.tables[kind]) for one in opened if kind in one.tables]
    if not tables:
        return
    wanted = _digests(rows, kind)
    for one, table in tables:
        for at in np.flatnonzero(table.find(wanted)):
            rows[at][_FIELDS[one.set.described.kind]].append(one.set.described.name)


def _digests(rows: list[dict[str, Any]], kind: str) -> Digests:
    if kind not in WIDTHS:
        return values.digests(kind, (row["value"] for row in rows))
    width = WIDTHS[kind]
    whole = [bytes.fromhex(row["value"]) if _is_digest(row["value"], width) else bytes(width)
             for row in rows]  # fmt: skip
    return np.frombuffer(b"".join(whole), np.uint8).reshape(-1, width)


def _is_digest(text: str, width: int) -> bool:
    return len(text) == 2 * width and all(one in "0123456789abcdefABCDEF" for one in text)
