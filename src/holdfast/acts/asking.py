"""Acts that read evidence: timeline, indicators, search. One question, one entry.

The entry holds the question, how many lines the answer has and the SHA-256 of those lines as
`--json` prints them; it is written before the first line is shown.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.acts import known, restricting, veiling
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.clocks import in_force
from holdfast.acts.examining import by_item
from holdfast.cases.clocks import Clocks, in_seconds
from holdfast.core import clock, durable
from holdfast.core.errors import InputError
from holdfast.examine import rollups
from holdfast.examine import search as texts
from holdfast.examine import timeline as timelines
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from holdfast.acts.act import Request
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json

IN_MEMORY = 4 << 20
"""Bytes of an answer held in memory before it goes to a nameless file."""
NOT_EXAMINED = "run `holdfast examine --case CASE` first"


@dataclass(frozen=True)
class Timeline:
    """Which events."""

    case: str
    start: str = ""
    end: str = ""
    kinds: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    text: str = ""
    limit: int | None = None
    as_recorded: bool = False
    """Leave out what the case says of wrong clocks."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "from": self.start,
            "items": list(self.items),
            "kinds": list(self.kinds),
            "limit": self.limit,
            "text": self.text,
            "to": self.end,
            **({"as_recorded": True} if self.as_recorded else {}),
        }


@act("timeline", Needs.AUTHORITY, reads=True)
def timeline(session: Session, request: Timeline) -> Iterator[bytes]:
    """Yield events in order of time, a JSON line each.

    Times of sources whose clock is said to be wrong are corrected: an event then has both times,
    and the entry of the log also names the statements that were applied.

    Raises:
        InputError: the case was not examined yet, or a time can't be read.
    """
    check_limit(request.limit)
    held = by_item(session, request.case)
    index = session.vault.index(request.case)
    if not (index / "timeline").is_dir():
        raise InputError(f"case {request.case} has no timeline yet", NOT_EXAMINED)
    clocks = Clocks() if request.as_recorded else in_force(session, request.case)
    veil = veiling.veil(session, request.case)
    rows = timelines.query(
        index,
        start=clock.from_text(request.start) if request.start else None,
        end=clock.end_of(request.end) if request.end else None,
        kinds=request.kinds or None,
        items=digests(held, request.items),
        text=request.text or None,
        limit=None if veil.quarantines else request.limit,
        clocks=[
            timelines.Clock(one.source.item, one.source.host, one.ahead, one.within, one.entry)
            for one in clocks.offsets
        ],
    )
    hides = restricting.hidden(session, request.case)
    events = (of_event(held, hide(row, hides)) for row in rows)
    left = islice(veil.shown("timeline", events), request.limit)
    return answer(session, "timeline", request, left, clocks)


@dataclass(frozen=True)
class Counts:
    """How many events, by which unit of time."""

    case: str
    unit: str
    start: str = ""
    end: str = ""
    kinds: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    as_recorded: bool = False
    """Leave out what the case says of wrong clocks."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "from": self.start,
            "items": list(self.items),
            "kinds": list(self.kinds),
            "to": self.end,
            "unit": self.unit,
            **({"as_recorded": True} if self.as_recorded else {}),
        }


@act("timeline.counts", Needs.AUTHORITY, reads=True)
def counts(session: Session, request: Counts) -> Iterator[bytes]:
    """Yield how many events of each kind there are, by hour, day, month or year.

    Times of sources whose clock is said to be wrong are corrected. Items of which something may be
    privileged are not counted.

    Raises:
        InputError: the case was not examined yet, or a time can't be read.
    """
    held = by_item(session, request.case)
    index = session.vault.index(request.case)
    if not (index / "timeline").is_dir():
        raise InputError(f"case {request.case} has no timeline yet", NOT_EXAMINED)
    clocks = Clocks() if request.as_recorded else in_force(session, request.case)
    wanted = digests(held, request.items)
    touched = veiling.veil(session, request.case).touched
    if touched:
        wanted = [one for one in wanted or held if one not in touched]
    rows = rollups.query(
        index,
        request.unit,
        start=clock.from_text(request.start) if request.start else None,
        end=clock.end_of(request.end) if request.end else None,
        kinds=request.kinds or None,
        items=wanted,
        clocks=[(one.source.item, one.source.host, one.ahead) for one in clocks.offsets],
    )
    told = ({**row, "time": clock.to_text(int(str(row["time"])))} for row in rows)
    return answer(session, "timeline.counts", request, told, clocks)


@dataclass(frozen=True)
class Indicators:
    """Which indicators."""

    case: str
    kinds: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    valid_only: bool = False
    text: str = ""
    known: bool = True
    """Whether those on a known-good list are shown; they are marked then."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "items": list(self.items),
            "kinds": list(self.kinds),
            "text": self.text,
            "valid": self.valid_only,
            **({} if self.known else {"known": False}),
        }


@act("indicators", Needs.AUTHORITY, reads=True)
def indicators(session: Session, request: Indicators) -> Iterator[bytes]:
    """Yield the indicators found in the case's items, in order of item and offset."""
    held = by_item(session, request.case)
    rows = timelines.indicators(
        session.vault.derived,
        digests(held, request.items) or list(held),
        types=request.kinds or None,
        valid_only=request.valid_only,
        text=request.text or None,
    )
    hides = restricting.hidden(session, request.case)
    found = (_indicator(held, hide(row, hides)) for row in rows)
    marked = known.annotated(session, found)
    if not request.known:
        marked = (row for row in marked if not row["known_good"])
    return answer(session, "indicators", request, marked)


@dataclass(frozen=True)
class Search:
    """Which words."""

    case: str
    query: str
    limit: int = 100

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"limit": self.limit, "query": self.query}


@act("search", Needs.AUTHORITY, reads=True)
def search(session: Session, request: Search) -> Iterator[bytes]:
    """Yield the records in which all words occur, the best first.

    Raises:
        InputError: the case was not examined yet, or there is nothing to look for.
    """
    check_limit(request.limit)
    held = by_item(session, request.case)
    index = session.vault.index(request.case)
    if not (index / "text").is_dir():
        raise InputError(f"case {request.case} has no text index yet", NOT_EXAMINED)
    clocks = in_force(session, request.case)
    if not 1 <= request.limit <= texts.MOST:
        raise InputError(f"a search gives 1 to {texts.MOST} hits, not {request.limit}")
    # What may be privileged is left out below, and must not show by what is missing at the end.
    veil = veiling.veil(session, request.case)
    sought = texts.MOST if veil.quarantines else request.limit
    hits = texts.query(index, request.query, sought)
    hides = restricting.hidden(session, request.case)
    found = (_hit(held, hit, clocks) for hit in hits)
    withheld = {"marks": [], "message": restricting.WITHHELD}
    shown = (
        {**row, **withheld} if hides(row["item"], row["inside"], row["kind"]) else row
        for row in found
    )
    left = islice(veil.shown("search", shown), request.limit)
    return answer(session, "search", request, left, clocks)


def check_limit(limit: int | None) -> None:
    """Refuse a limit that is none.

    Raises:
        InputError: it is less than one.
    """
    if limit is not None and limit < 1:
        raise InputError(f"a limit of {limit} gives nothing", "give 1 or more, or leave it out")


def hide(row: dict[str, Any], hides: Callable[[str, str, str], bool]) -> dict[str, Any]:
    """Return a record as it may be shown: without its text where that is of abuse material."""
    if not hides(row["item"], row["path"], row["kind"]):
        return row
    kept = dict.fromkeys(("context", "message", "value"), restricting.WITHHELD)
    return {name: kept.get(name, value) for name, value in row.items()}


def digests(held: dict[str, Exhibit], wanted: tuple[str, ...]) -> list[str] | None:
    """Return the items that `wanted` names by exhibit, digest or its start; None for all.

    Raises:
        InputError: one names nothing in the case.
    """
    found: list[str] = []
    for one in wanted:
        hits = [
            i for i, e in held.items() if e.label == one or (len(one) >= 8 and i.startswith(one))
        ]
        if not hits:
            raise InputError(f"the case has no exhibit or item {one!r}", "see `holdfast items`")
        found += hits
    return found or None


def answer(
    session: Session,
    name: str,
    request: Request,
    rows: Iterable[dict[str, Any]],
    clocks: Clocks | None = None,
) -> Iterator[bytes]:
    """Gather the answer, enter it, and only then hand it out.

    What may be privileged is left out, here for every act: also that it would be an answer.
    """
    if request.case is not None:
        rows = veiling.veil(session, request.case).shown(name, rows)
    hasher, count = hashlib.sha256(), 0
    with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(session.vault.derived)) as told:
        with durable.disk_errors(session.vault.derived):
            for row in rows:
                line = orjson.dumps(row, option=orjson.OPT_SORT_KEYS) + b"\n"
                hasher.update(line)
                told.write(line)
                count += 1
        result: dict[str, Json] = {"lines": count, "sha256": hasher.hexdigest()}
        if clocks is not None and clocks.offsets:
            result["clocks"] = [one.entry for one in clocks.offsets]
        fields: dict[str, Json] = {"request": request.facts(), "result": result}
        session.custody.enter(Draft(name, request.case, fields))
        told.seek(0)
        yield from told


def source(held: dict[str, Exhibit], item: str, inside: str) -> dict[str, Any]:
    """Return where a record comes from: the exhibit, where it was collected, the place inside."""
    exhibit = held.get(item)
    outer = exhibit.path if exhibit else ""
    return {
        "exhibit": exhibit.label if exhibit else None,
        "inside": inside,
        "item": item,
        "path": f"{outer}/{inside}" if inside else outer,
    }


def of_event(held: dict[str, Exhibit], row: dict[str, Any]) -> dict[str, Any]:
    """Return an event of the timeline as it is shown: with its source, and both times."""
    time, nanos = row.pop("time"), row.pop("time_nanos", None)
    corrected, ahead, within, stated = (row.pop(name, None) for name in _OF_CLOCKS)
    shown = {**row, **source(held, row["item"], row["path"])}
    if stated is None:
        return {**shown, "time": None if time is None else clock.to_text(time, nanos)}
    return {
        **shown,
        "time": clock.to_text(corrected, nanos),
        "time_quality": _doubt(row["time_quality"], within),
        "time_recorded": clock.to_text(time, nanos),
        "clock_ahead": in_seconds(ahead),
        "clock_entry": stated,
    }


_OF_CLOCKS = ("corrected", "ahead", "within_", "stated")


def _doubt(quality: str | None, within: int) -> str:
    """Return how certain a time is after its clock was corrected."""
    skew = f"clock skew +-{in_seconds(within)} s"
    return skew if quality in {None, "exact"} else f"{quality}, {skew}"


def _indicator(held: dict[str, Exhibit], row: dict[str, Any]) -> dict[str, Any]:
    return {
        **source(held, row["item"], row["path"]),
        "context": row["context"],
        "kind": row["type"],
        "length": row["length"],
        "offset": row["offset"],
        "parser": row["parser"],
        "valid": row["valid"],
        "value": row["value"],
    }


def _hit(held: dict[str, Exhibit], hit: texts.Hit, clocks: Clocks) -> dict[str, Any]:
    found = {
        **source(held, hit.item, hit.path),
        "kind": hit.kind,
        "length": hit.length,
        "marks": [list(mark) for mark in hit.marks],
        "message": hit.snippet,
        "offset": hit.offset,
        "parser": hit.parser,
        "row": hit.row,
        "time": None if hit.time is None else clock.to_text(hit.time),
        "time_meaning": hit.time_meaning,
    }
    offset = None if hit.time is None else clocks.of(hit.item, hit.host)
    if offset is not None and hit.time is not None:
        found |= {
            "time": clock.to_text(hit.time - offset.ahead), "time_recorded": found["time"],
            "clock_ahead": in_seconds(offset.ahead), "clock_entry": offset.entry,
        }  # fmt: skip
    return found
