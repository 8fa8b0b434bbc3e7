"""The act behind the map: where the records of a case point to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.acts import restricting
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.asking import source
from holdfast.acts.clocks import in_force
from holdfast.acts.examining import by_item
from holdfast.core import clock
from holdfast.core.digest import sha256_hex
from holdfast.examine import positions
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from holdfast.acts.cases import OneCase
    from holdfast.cases.clocks import Clocks
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.examine.positions import Position

MOST = 5000
"""Places that one answer has."""


@dataclass(frozen=True)
class Located:
    """The places, and how many more there are than are told."""

    rows: tuple[dict[str, Any], ...]
    more: bool

    def as_json(self) -> dict[str, Any]:
        """Return them as the API gives them."""
        return {"more": self.more, "places": [*self.rows]}


@act("coordinates", Needs.AUTHORITY, reads=True)
def coordinates(session: Session, request: OneCase) -> Located:
    """Return each place that a record of the case points to, with its source and how exact it is.

    Raises:
        IntegrityError: derived data can't be read.
    """
    held, clocks = by_item(session, request.case), in_force(session, request.case)
    unseen = restricting.unseen(session, request.case)
    found = positions.positions(session.vault.derived, held, unseen)
    rows = [_row(held, one, clocks) for one in islice(found, MOST + 1)]
    told = Located(tuple(rows[:MOST]), more=len(rows) > MOST)
    lines = [orjson.dumps(row, option=orjson.OPT_SORT_KEYS) + b"\n" for row in told.rows]
    result: dict[str, Json] = {"lines": len(lines), "sha256": sha256_hex(b"".join(lines))}
    facts: dict[str, Json] = {"request": request.facts(), "result": result}
    session.custody.enter(Draft("coordinates", request.case, facts))
    return told


def _row(held: dict[str, Exhibit], one: Position, clocks: Clocks) -> dict[str, Any]:
    offset = None if one.time is None else clocks.of(one.item, None)
    ahead = offset.ahead if offset is not None else 0
    return {
        **source(held, one.item, one.path),
        "kind": one.kind, "latitude": one.latitude, "longitude": one.longitude,
        "message": one.message, "metres": one.metres, "offset": one.offset, "row": one.row,
        "stated": one.stated, "time": None if one.time is None else clock.to_text(one.time - ahead),
        "written": one.written,
    }  # fmt: skip
