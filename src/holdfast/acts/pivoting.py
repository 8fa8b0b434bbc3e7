"""The acts behind the indicators' pages: the values of a case, and one value wherever it stands.

What is set apart or is abuse material is neither shown nor counted, in this case or another.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.acts import hashsets, known, linking, restricting, veiling
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.asking import source
from holdfast.acts.clocks import in_force
from holdfast.acts.examining import by_item
from holdfast.core import clock
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import DeniedError, InputError
from holdfast.examine import beside, values
from holdfast.examine.beside import Span
from holdfast.examine.hashsets import shelf
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from holdfast.acts.linking import Elsewhere
    from holdfast.cases.clocks import Clocks
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.examine.values import Annotate, Value

VALIDITIES = {"": None, "yes": True, "no": False}
TOGETHER = 30
"""Other values that are told beside one."""


@dataclass(frozen=True)
class FindIndicators:
    """Which values, and a place to go on from."""

    case: str
    kinds: tuple[str, ...] = ()
    valid: str = ""
    """`yes`, `no`, or empty for both."""
    mark: str = ""
    """One of `values.MARKS`, or empty for all."""
    text: str = ""
    """What the value contains."""
    after: str = ""
    limit: int = 100

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        given = {"after": self.after, "mark": self.mark, "text": self.text, "valid": self.valid}
        return {
            "kinds": [*self.kinds], "limit": self.limit,
            **{name: one for name, one in given.items() if one},
        }  # fmt: skip


@dataclass(frozen=True)
class FoundIndicators:
    """A page of values, the most frequent first, and what the whole comes to."""

    rows: tuple[Value, ...]
    next: str | None
    total: int
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    """`kinds`, `valid`, `mark`: each choice, and how many values it would give."""

    def as_json(self) -> dict[str, Any]:
        """Return the page as the API gives it."""
        return {
            "facets": {
                name: [{"choice": choice, "values": many} for choice, many in some]
                for name, some in self.facets.items()
            },
            "next": self.next,
            "total": self.total,
            "values": [told(one) for one in self.rows],
        }


def told(one: Value) -> dict[str, Json]:
    """Return a value as a line of JSON has it."""
    return {
        "items": one.items, "kind": one.type, "known_bad": [*one.bad], "known_good": [*one.good],
        "places": one.places, "valid": one.valid, "value": one.value,
    }  # fmt: skip


@act("indicators.find", Needs.AUTHORITY, reads=True)
def find(session: Session, request: FindIndicators) -> FoundIndicators:
    """Return a page of the case's indicators by value, with counts for each way to narrow it.

    Raises:
        InputError: no such validity or mark, no such place, or an odd limit.
    """
    if request.valid not in VALIDITIES:
        raise InputError(f"{request.valid!r} is no validity", "choose yes or no")
    if request.mark not in ("", *values.MARKS):
        choices = ", ".join(values.MARKS)
        raise InputError(f"{request.mark!r} is no mark", f"choose from {choices}")
    asked = values.Asked(
        request.kinds, VALIDITIES[request.valid], request.mark or None, request.text
    )
    unseen = restricting.unseen(session, request.case)
    with values.opened(session.vault.derived, by_item(session, request.case), unseen) as opened:
        opened.count(_annotate(session))
        rows, onward = opened.page(asked, request.after, request.limit)
        found = FoundIndicators(tuple(rows), onward, opened.total(asked), opened.facets(asked))
    _enter(session, "indicators.find", request, map(told, found.rows))
    return found


def _annotate(session: Session) -> Annotate | None:
    if any(one.kind in {shelf.GOOD, shelf.BAD} for one in session.look_up(hashsets.in_force)):
        return lambda rows: known.annotated(session, rows)
    return None


def _enter(
    session: Session, name: str, request: FindIndicators | OneIndicator,
    rows: Iterable[dict[str, Any]], **more: Json,
) -> None:  # fmt: skip
    lines = [orjson.dumps(row, option=orjson.OPT_SORT_KEYS) + b"\n" for row in rows]
    result: dict[str, Json] = {"lines": len(lines), "sha256": sha256_hex(b"".join(lines)), **more}
    facts: dict[str, Json] = {"request": request.facts(), "result": result}
    session.custody.enter(Draft(name, request.case, facts))


@dataclass(frozen=True)
class OneIndicator:
    """Which value, and a place among its mentions to go on from."""

    case: str
    kind: str
    value: str
    after: str = ""
    limit: int = 50

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        after = {"after": self.after} if self.after else {}
        return {"kind": self.kind, "limit": self.limit, "value": self.value, **after}


@dataclass(frozen=True)
class Pivoted:
    """One value wherever it stands."""

    value: Value
    """Counted over all its spellings."""
    spellings: tuple[str, ...]
    mentions: tuple[dict[str, Any], ...]
    """As `indicators --json` has them, and `record`: the record each lies in, with its time."""
    next: str | None
    together: tuple[tuple[str, str, bool, int], ...]
    """Other values in the same records: type, value, whether valid, in how many of those records
    that this page's mentions lie in."""
    elsewhere: tuple[Elsewhere, ...]
    unasked: str = ""
    """Why it isn't known whether other cases hold it; empty where it is."""

    def as_json(self) -> dict[str, Any]:
        """Return it as the API and `indicator show --json` give it."""
        return {
            **told(self.value),
            "elsewhere": [one.as_json() for one in self.elsewhere],
            "mentions": [*self.mentions],
            "next": self.next,
            "spellings": [*self.spellings],
            "together": [
                {"kind": kind, "records": many, "valid": valid, "value": value}
                for kind, value, valid, many in self.together
            ],
            "unasked": self.unasked,
        }


@act("indicator.show", Needs.AUTHORITY, reads=True)
def show(session: Session, request: OneIndicator) -> Pivoted:
    """Return every mention of a value, what stands beside it, and which other cases hold it.

    Other cases are asked only of a value that passes its own rules, as `links` does.

    Raises:
        InputError: the case shows no such value, or no such place.
    """
    held = by_item(session, request.case)
    derived = session.vault.derived
    unseen = restricting.unseen(session, request.case)
    with values.opened(derived, held, unseen) as opened:
        spelt = opened.spellings(request.kind, request.value)
        opened.count(_annotate(session), request.kind, spelt)
        counted, _ = opened.page(values.Asked(), "", values.LARGEST)
        if not counted:
            raise InputError(
                f"the case shows no {request.kind} {request.value!r}", "see `holdfast indicators`"
            )
        rows, onward = opened.mentions(request.kind, spelt, request.after, request.limit)
    whole = _summed(request, counted)
    places = [_span(row) for row in rows]
    around = beside.records(derived, places)
    mentions = _mentions(session, request.case, held, rows, around)
    together = _together(session, request, spelt, beside.spans(places, around))
    others, unasked = _elsewhere(session, request, whole)
    _enter(
        session, "indicator.show", request, mentions,
        elsewhere=any(one.case is None for one in others),
    )  # fmt: skip
    return Pivoted(
        whole, tuple(one.value for one in counted), tuple(mentions), onward, tuple(together),
        tuple(others), unasked,
    )  # fmt: skip


def _summed(request: OneIndicator, counted: Sequence[Value]) -> values.Value:
    """Return all spellings as one value; an item that has two of them counts for each."""
    return values.Value(
        request.kind, request.value, any(one.valid for one in counted),
        sum(one.places for one in counted), max(one.items for one in counted),
        tuple(dict.fromkeys(name for one in counted for name in one.good)),
        tuple(dict.fromkeys(name for one in counted for name in one.bad)),
    )  # fmt: skip


def _span(row: dict[str, Any]) -> Span:
    start = row["offset"] or 0
    return Span(row["item"], row["path"] or "", start, start + (row["length"] or 1))


def _mentions(
    session: Session, case: str, held: dict[str, Exhibit], rows: Sequence[dict[str, Any]],
    around: dict[int, dict[str, Any]],
) -> list[dict[str, Any]]:  # fmt: skip
    clocks, hides = in_force(session, case), restricting.hidden(session, case)
    veil = veiling.veil(session, case)
    found = []
    for number, row in enumerate(rows):
        record = around.get(number)
        if record is not None and (
            hides(row["item"], row["path"] or "", record["kind"])
            or veil.covers(row["item"], row["path"] or "", offset=record["offset"])
        ):
            record = None
        found.append(
            {
                **source(held, row["item"], row["path"] or ""),
                "context": row["context"], "kind": row["type"], "length": row["length"],
                "offset": row["offset"], "parser": row["parser"], "valid": bool(row["valid"]),
                "record": None if record is None else _record(record, clocks),
                "value": row["value"],
            }
        )  # fmt: skip
    return found


def _record(row: dict[str, Any], clocks: Clocks) -> dict[str, Any]:
    """Return the record that a mention lies in; its time corrected as the timeline's is."""
    time, nanos = row["time"], row["time_nanos"]
    offset = None if time is None else clocks.of(row["item"], row["host"])
    ahead = offset.ahead if offset is not None else 0
    return {
        "host": row["host"], "kind": row["kind"], "message": row["message"],
        "offset": row["offset"], "parser": row["parser"], "row": row["row"], "seq": row["seq"],
        "time": None if time is None else clock.to_text(time - ahead, nanos),
        "time_meaning": row["time_meaning"], "user": row["user"],
    }  # fmt: skip


def _together(
    session: Session, request: OneIndicator, spelt: Sequence[str], spans: Sequence[Span]
) -> list[tuple[str, str, bool, int]]:
    unseen = restricting.unseen(session, request.case)
    records: dict[tuple[str, str], set[int]] = defaultdict(set)
    valid: dict[tuple[str, str], bool] = defaultdict(bool)
    for row in beside.indicators(session.vault.derived, spans):
        path = row["path"] or ""
        if row["item"] in unseen.items and unseen.covers(row["item"], path, row["offset"]):
            continue
        if row["type"] == request.kind and row["value"] in spelt:
            continue
        name = (row["type"], row["value"])
        records[name].add(row["number"])
        valid[name] = valid[name] or bool(row["valid"])
    ordered = sorted(records, key=lambda name: (-len(records[name]), name))
    return [(*name, valid[name], len(records[name])) for name in ordered[:TOGETHER]]


def _elsewhere(
    session: Session, request: OneIndicator, whole: Value
) -> tuple[list[Elsewhere], str]:
    if not whole.valid:
        return [], ""
    try:
        return linking.elsewhere(session, request.case, request.kind, request.value), ""
    except DeniedError as refusal:
        return [], refusal.what
