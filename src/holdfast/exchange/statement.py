"""The continuity statement of one exhibit: everybody who held, read, copied or changed it.

Made of the case's entries alone, each named by its number, so that whoever has the bundle or the
log can look every line up. Decided here on plain values; `as_pdf` renders it.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from holdfast.exchange import pdf

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.entry import Entry

KINDS = {
    "authority": frozenset({"case.close", "case.open"}),
    "acquisition": frozenset({"collect.end", "collect.item", "collect.skip", "collect.start"}),
    "transformation": frozenset({"examine.end", "examine.start"}),
    "read": frozenset(
        {"collect.check", "collect.diff", "indicators", "search", "timeline", "web.check"}
    ),
    "copy": frozenset(
        {"bundle", "report", "statement", "vault.backup", "vault.restore", "web.redact"}
    ),
    "possession": frozenset(
        {
            *("exhibit.accept", "exhibit.decline", "exhibit.destroyed", "exhibit.hand"),
            *("exhibit.move", "exhibit.return", "exhibit.seal", "exhibit.seize", "exhibit.unseal"),
        }
    ),
    "denial": frozenset({"denied"}),
}
"""What an act was to the exhibit; an act that stands nowhere here is `other`, never left out."""
_OF_ALL = frozenset({"examine.end", "examine.start", "search", "vault.backup", "vault.restore"})
"""Acts that touch everything the case, or the vault, holds."""
_SHOWN = (
    "what",
    "where",
    "person",
    "seizure",
    "exhibit",
    "place",
    "receipt",
    "order",
    "how",
    "path",
    "stored",
    "reason",
    "refused",
    "request",
    "totals",
    "title",
    "result",
    "verdict",
)
_DETAIL = 400
_DIGEST = re.compile(r"\b([0-9a-f]{16})[0-9a-f]{48}\b")
"""The first digits are enough to look a digest up; a whole one fits into no column."""


@dataclass(frozen=True)
class Step:
    """One entry, as it concerns the exhibit."""

    entry: int
    time: str
    """RFC 3339, UTC, as this unit's clock had it."""
    actor: str
    signed: bool
    """By a key; else 'actor unsigned'."""
    by: str
    """Whose key that was: `own`; `session` or `token` where a server signed for them, which is
    less; empty where there is none."""
    act: str
    kind: str
    detail: str


@dataclass(frozen=True)
class Statement:
    """What is stated of one exhibit."""

    case: str
    title: str
    exhibit: str
    item: str
    size: int
    path: str
    log: str
    """The log's origin."""
    entries: int
    """Entries that the log had when this was stated; its root binds all of them."""
    root: str
    checked: str
    """What was found when the stored bytes were hashed for this statement."""
    steps: tuple[Step, ...]

    def as_json(self) -> dict[str, Json]:
        """Return it as plain values."""
        return {**asdict(self), "steps": [asdict(one) for one in self.steps]}


def state(
    exhibit: Exhibit,
    title: str,
    head: Checkpoint,
    entries: Iterable[Entry],
    checked: str,
    *,
    lent: Mapping[str, str],
    sources: Collection[int] = (),
) -> Statement:
    """Return the statement of `exhibit`, given the entries of its case and of the vault itself.

    `sources` are the numbers of the physical exhibits from which it was made; `lent` the keys of
    sessions and tokens, each with which of both it is.
    """
    things = {exhibit.number, *sources}
    run = ""
    steps = []
    for entry in sorted(entries, key=lambda one: one.index):
        fields = entry.fields
        if entry.index == exhibit.entry:
            run = str(fields.get("run", ""))
        if _concerns(entry, exhibit, things):
            steps.append(_step(entry, lent))
    # The run that brought it begins before its own entry, so it is known only at the end.
    kept = [one for one in steps if one[1] in {"", run}]
    return Statement(
        case=exhibit.case,
        title=title,
        exhibit=exhibit.label,
        item=exhibit.item,
        size=exhibit.size,
        path=exhibit.path,
        log=head.origin,
        entries=head.size,
        root=head.root.hex(),
        checked=checked,
        steps=tuple(step for step, _ in kept),
    )


def _concerns(entry: Entry, exhibit: Exhibit, things: Collection[int]) -> bool:
    fields = entry.fields
    if entry.act.startswith("exhibit.") or not exhibit.item:
        return _of_things(entry, exhibit, things)
    if entry.act == "collect.item":
        return entry.index == exhibit.entry or fields.get("item") == exhibit.item
    if entry.act in KINDS["acquisition"]:
        return entry.act != "collect.skip"
    if entry.case is None:
        return entry.act in _OF_ALL and entry.index > exhibit.entry
    if entry.act in _OF_ALL:
        return entry.index > exhibit.entry
    named = _items(fields)
    labels = {exhibit.label, *exhibit.former}
    return not named or any(
        one in labels or (len(one) >= 8 and exhibit.item.startswith(one)) for one in named
    )


def _of_things(entry: Entry, exhibit: Exhibit, things: Collection[int]) -> bool:
    """Say whether an entry is a link in the chain of physical exhibits."""
    about = entry.fields.get("exhibit") or {}
    if entry.act == "collect.item":
        return (about.get("made") or {}).get("from") in things
    if entry.act.startswith("exhibit."):
        # Of other items that were made from the same thing, nothing.
        other = bool(exhibit.item) and about.get("made", exhibit.number) != exhibit.number
        return about.get("number") in things and not other
    return entry.act in KINDS["authority"]


def _items(fields: Mapping[str, Any]) -> list[str]:
    """Return the items that an entry is limited to; none where it is about all of them."""
    request = fields.get("request")
    listed = request.get("items") if isinstance(request, dict) else None
    named = [str(one) for one in listed] if isinstance(listed, list) else []
    return named + ([str(fields["item"])] if isinstance(fields.get("item"), str) else [])


def _step(entry: Entry, lent: Mapping[str, str]) -> tuple[Step, str]:
    """Return an entry as a step; and, of a run of a collection, which one."""
    fields = entry.fields
    actor = fields.get("actor") or {}
    told = "; ".join(f"{name}: {_plain(fields[name])}" for name in _SHOWN if fields.get(name))
    of_a_run = entry.act in {"collect.end", "collect.start"}
    step = Step(
        entry=entry.index,
        time=str(fields.get("time", "(erased)")),
        actor=str(actor.get("name", "(erased)")),
        signed=actor.get("key") is not None,
        by="" if actor.get("key") is None else lent.get(actor["key"], "own"),
        act=entry.act or "(erased)",
        kind=next((kind for kind, acts in KINDS.items() if entry.act in acts), "other"),
        detail=_DIGEST.sub(r"\1…", told)[:_DETAIL],
    )
    return step, str(fields.get("run", "")) if of_a_run else ""


def _plain(value: object) -> str:
    if isinstance(value, dict):
        if set(value) <= {"bytes", "text"}:
            return str(value.get("text", ""))
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items() if one)
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)


def as_pdf(statement: Statement, entry: int) -> bytes:
    """Return the statement as PDF/A-2b; `entry` is its own entry in the log."""
    return pdf.made("statement", {"entry": entry, **statement.as_json()})
