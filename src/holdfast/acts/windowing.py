"""The act behind the timeline's page: a page of events with the counts beside it, one entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.acts import restricting, veiling
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.asking import NOT_EXAMINED, digests, hide, of_event
from holdfast.acts.clocks import in_force
from holdfast.acts.examining import by_item
from holdfast.cases.clocks import Clocks
from holdfast.core import clock
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError
from holdfast.examine import counted, filters, timeline, windows
from holdfast.examine.narrowed import Narrowed, Tagged
from holdfast.vault import remarks
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.examine.filters import Filter


@dataclass(frozen=True)
class Window:
    """Which events: a filter as `examine.filters` reads it, and a place to go on from."""

    case: str
    filter: str = ""
    after: str = ""
    before: str = ""
    limit: int = 100
    counts: bool = True
    """Whether to count the whole window, too."""
    as_recorded: bool = False
    """Leave out what the case says of wrong clocks."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        places = {"after": self.after, "before": self.before}
        return {
            "counts": self.counts,
            "filter": self.filter,
            "limit": self.limit,
            **{name: place for name, place in places.items() if place},
            **({"as_recorded": True} if self.as_recorded else {}),
        }


@dataclass(frozen=True)
class Windowed:
    """A page of events, and what the whole window comes to."""

    filter: Filter
    rows: list[dict[str, Any]]
    """Events as `timeline --json` has them; besides `quality`, `place`, `tags` and `comments`."""
    earlier: str | None
    later: str | None
    stopped: str | None
    """Up to when words were looked for, where a page didn't get full."""
    total: int = 0
    step: int = 0
    """Microseconds that a bar is wide."""
    bars: list[tuple[int, int]] = field(default_factory=list)
    """First moment (microseconds, UTC) and events; none where there are none."""
    first: int | None = None
    last: int | None = None
    facets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """`value` as a filter names it, `events`, and for items the digest as `item`."""
    counted_to: str | None = None
    uncounted: list[str] = field(default_factory=list)
    """Exhibits that aren't counted: something in them may be privileged."""

    def as_json(self) -> dict[str, Any]:
        """Return the window as the API gives it."""
        return {
            "bars": [{"events": many, "time": clock.to_text(start)} for start, many in self.bars],
            "counted_to": self.counted_to,
            "earlier": self.earlier,
            "events": self.rows,
            "facets": self.facets,
            "filter": self.filter.text,
            "later": self.later,
            "seconds_a_bar": self.step // 1_000_000,
            "stopped": self.stopped,
            "total": self.total,
            "uncounted": self.uncounted,
        }


@act("timeline.window", Needs.AUTHORITY, reads=True)
def window(session: Session, request: Window) -> Windowed:
    """Return a page of the timeline under a filter, in bounded work; see `examine.windows`.

    Events that may be privileged are left out, so that a page can have fewer than it might.

    Raises:
        InputError: not examined yet, or a filter or place that can't be read.
    """
    asked = filters.parse(request.filter)
    held = by_item(session, request.case)
    index = session.vault.index(request.case)
    if not (index / "timeline").is_dir():
        raise InputError(f"case {request.case} has no timeline yet", NOT_EXAMINED)
    clocks = Clocks() if request.as_recorded else in_force(session, request.case)
    veil = veiling.veil(session, request.case)
    said = session.look_up(lambda c: remarks.of_case(c, request.case))
    narrowed = Narrowed(
        asked,
        {one: tuple(digests(held, (one,)) or ()) for one in _items(asked)},
        tuple(Tagged(one.tag, one.item, one.path, one.parser, one.seq) for one in said if one.tag),
        tuple(
            timeline.Clock(one.source.item, one.source.host, one.ahead, one.within, one.entry)
            for one in clocks.offsets
        ),
        tuple(sorted(veil.touched)),
    )
    with windows.opened(index, narrowed) as reader:
        page = reader.page(request.limit, request.after or None, request.before or None)
        summed = counted.count(reader) if request.counts else counted.Counted()
    hides = restricting.hidden(session, request.case)
    remarked: dict[tuple[str, str, str, int], list[Any]] = {}
    for one in said:
        remarked.setdefault((one.item, one.path, one.parser, one.seq), []).append(one)
    rows = []
    for row in page.rows:
        about = remarked.get((row["item"], row["path"], row["parser"], row["seq"]), [])
        place, quality = row.pop("place"), row.pop("quality")
        rows.append(
            {
                **of_event(held, hide(row, hides)),
                "comments": sum(one.tag is None for one in about),
                "place": place,
                "quality": quality,
                "tags": [{"entry": one.entry, "tag": one.tag} for one in about if one.tag],
            }
        )
    rows = list(veil.shown("timeline.window", rows))
    shown = [orjson.dumps(row, option=orjson.OPT_SORT_KEYS) + b"\n" for row in rows]
    result: dict[str, Json] = {"lines": len(rows), "sha256": sha256_hex(b"".join(shown))}
    if clocks.offsets:
        result["clocks"] = [one.entry for one in clocks.offsets]
    facts: dict[str, Json] = {"request": request.facts(), "result": result}
    session.custody.enter(Draft("timeline.window", request.case, facts))
    return Windowed(
        asked, rows, page.earlier, page.later, _told(page.stopped),
        summed.total, summed.step, summed.bars, summed.first, summed.last,
        {name: _facet(held, name, values) for name, values in summed.facets.items()},
        _told(summed.counted_to),
        [held[one].label for one in narrowed.uncounted if one in held],
    )  # fmt: skip


def _items(asked: Filter) -> tuple[str, ...]:
    return (*asked.values("item"), *asked.values("item", wanted=False))


def _told(micros: int | None) -> str | None:
    return None if micros is None else clock.to_text(micros)


def _facet(
    held: dict[str, Exhibit], name: str, values: list[tuple[str, int]]
) -> list[dict[str, Any]]:
    if name != "item":
        return [{"events": events, "value": value} for value, events in values]
    return [
        {
            "events": events,
            "item": value,
            "value": held[value].label if value in held else value,
        }
        for value, events in values
    ]
