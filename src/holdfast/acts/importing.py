"""Acts on what another tool exported: which items hold such rows, and taking them over.

Their file is an item like any other, and its rows are records of kinds of their own. Events and
indicators stay that. What people work with is taken over by the acts that a person would do it
with, each piece citing its row: entities, tasks, notes, and findings that nobody has reviewed.
docs/formats/imports.md.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.acts import asking, entities, findings, notes, restricting, tasks, veiling
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.examining import by_item
from holdfast.acts.viewing import chosen
from holdfast.cases import people
from holdfast.core import clock
from holdfast.core.errors import InputError
from holdfast.examine import records, results
from holdfast.examine import timeline as timelines
from holdfast.vault import casework, team

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.acts.cases import OneCase
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.vault.casework import Piece

PREFIX = "imported."
STAY = ("imported.event", "imported.indicator")
"""Kinds whose rows are records and nothing else."""
UNMAPPED = "imported.row"
TOOLS = ("iris_case", "timesketch", "tracking_workbook")
"""The parsers that give these kinds."""
UNGRADED = "X4"
"""Neither the source nor what it says can be assessed: nobody here has looked at it yet."""
_DONE = frozenset({"done", "closed", "complete", "completed", "finished", "resolved"})
_DROPPED = frozenset({"canceled", "cancelled", "dropped", "rejected", "wontfix"})


@act("imports", Needs.AUTHORITY, reads=True)
def imports(session: Session, request: OneCase) -> Iterator[bytes]:
    """Yield the items that hold another tool's rows, with how many of each kind."""
    held = by_item(session, request.case)
    touched = veiling.veil(session, request.case).touched
    found: dict[tuple[str, str], Counter[str]] = {}
    for dataset in results.datasets(session.vault.derived, held):
        if dataset.kind.startswith(PREFIX) and dataset.item not in touched:
            parser = dataset.module.rpartition(":")[2]
            kinds = found.setdefault((dataset.item, parser), Counter())
            kinds[dataset.kind.removeprefix(PREFIX)] += records.count(dataset.path)
    rows = (
        {
            "exhibit": held[item].label, "item": item, "kinds": dict(sorted(kinds.items())),
            "parser": parser, "path": held[item].path,
        }
        for (item, parser), kinds in found.items()
    )  # fmt: skip
    return asking.answer(session, "imports", request, rows)


@dataclass(frozen=True)
class TakeOver:
    """The rows of which item."""

    case: str
    item: str
    """Exhibit or digest."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"item": self.item}


@act("imports.show", Needs.AUTHORITY, reads=True)
def show(session: Session, request: TakeOver) -> Iterator[bytes]:
    """Yield each row that could be taken over or can't be: new, known already, or why it is left.

    Raises:
        InputError: the case has no such exhibit, or it was not examined yet.
        DeniedError: it is on a list of abuse material, or may be privileged.
    """
    taking = _taking(session, request, only_shown=True)
    return asking.answer(session, "imports.show", request, taking.lines())


@act("import.take", Needs.AUTHORITY, long=True)
def take_over(session: Session, request: TakeOver) -> Iterator[bytes]:
    """Take over what another tool exported, and yield what became of each row.

    A row that was taken over before, from this export or another, is known and adds nothing.

    Raises:
        InputError: the case has no such exhibit, or it was not examined yet.
        DeniedError: it is on a list of abuse material, or may be privileged.
    """
    return asking.answer(session, "import.take", request, _taking(session, request).lines())


def _taking(session: Session, request: TakeOver, *, only_shown: bool = False) -> _Taking:
    exhibit = chosen(session, request.case, request.item)
    if results.current(session.vault.derived, exhibit.item) is None:
        raise InputError(f"{exhibit.label} was not examined yet", asking.NOT_EXAMINED)
    return _Taking(session, exhibit, only_shown)


@dataclass(frozen=True)
class _Taking:
    """One export on its way into its case."""

    session: Session
    exhibit: Exhibit
    only_shown: bool = False
    """Whether nothing is taken over, and what would be is said."""

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield a line for each row that is taken over or can't be, and each kind that stays."""
        known = _Known(self.session, self.exhibit.case)
        for kind, make in _MAKERS.items():
            for row in self._rows(kind):
                yield {**_place(row), "became": self._made(row, make, known)}
        for row in self._rows(UNMAPPED):
            yield {**_place(row), "became": "not mapped", "reason": row["reason"]}
        for row in self._rows("failure"):
            if row["parser"] in TOOLS:
                yield {**_place(row), "became": "not read", "reason": row["reason"]}
        for kind in STAY:
            if count := sum(1 for _ in self._rows(kind)):
                yield {**_place({"kind": kind, **self._of({})}), "became": f"{count} records"}

    def _rows(self, kind: str) -> Iterator[dict[str, Any]]:
        session, case = self.session, self.exhibit.case
        hides = restricting.hidden(session, case)
        found = timelines.records(session.vault.derived, [self.exhibit.item], kind=kind)
        rows = ({**row, **self._of(row)} for row in found if not hides(self.exhibit.item,
                str(row["path"]), kind))  # fmt: skip
        return veiling.veil(session, case).shown("import.take", rows)

    def _of(self, row: dict[str, Any]) -> dict[str, Any]:
        return asking.source(
            {self.exhibit.item: self.exhibit}, self.exhibit.item, str(row.get("path", ""))
        )

    def _made(
        self, row: dict[str, Any], make: Callable[[_Taking, dict[str, Any]], Piece], known: _Known
    ) -> str:
        if earlier := known.of(row):
            return f"known: {earlier}"
        if self.only_shown:
            return "new"
        try:
            piece = make(self, row)
        except InputError as error:
            return f"refused: {error.what}"
        known.add(row, piece)
        self.session.progress(0, None, str(row["message"]))
        return f"{piece.kind} {piece.number}"

    def cite(self, row: dict[str, Any]) -> tuple[str]:
        return (f"{self.exhibit.label}:{row['inside']}#row={row['row']}",)

    def told(self, row: dict[str, Any], *more: str) -> str:
        """Return where a piece comes from, and what of its row has no field of ours."""
        place = row.get("place") or f"row {row['row']}"
        origin = f"Taken over from {self.exhibit.label}, {place} ({row['parser']})"
        return "\n".join(filter(None, (*more, origin)))

    def entity(self, row: dict[str, Any]) -> Piece:
        sort = row["sort"] if row["sort"] in people.CLASSES else "device"
        return entities.add_entity(
            self.session,
            entities.AddEntity(
                self.exhibit.case, sort, row["name"], identifiers=tuple(row["identifiers"] or ()),
                remarks=self.told(row, row["details"] or ""), cites=self.cite(row),
            ),
        )  # fmt: skip

    def task(self, row: dict[str, Any]) -> Piece:
        session, case = self.session, self.exhibit.case
        who, due, state = row["assigned"] or "", row["due"] or "", row["state"] or ""
        ours = who if session.look_up(lambda c: team.held(c, case, who)) else ""
        day = _day(due)
        left = [
            row["details"] or "",
            f"Given there to: {who}" if who != ours else "",
            f"Due there: {due}" if due and not day else "",
            f"State there: {state}" if state else "",
        ]
        asked = tasks.AddTask(
            case, row["title"], self.told(row, *left), ours, day, cites=self.cite(row)
        )
        piece = tasks.add_task(session, asked)
        over = "done" if state in _DONE else "dropped" if state in _DROPPED else ""
        if not over:
            return piece
        return tasks.change_task(session, tasks.ChangeTask(case, piece.number, state=over))

    def note(self, row: dict[str, Any]) -> Piece:
        text = self.told(row, *filter(None, (row["title"], row["text"])))
        return notes.note(self.session, notes.Note(self.exhibit.case, text, self.cite(row)))

    def finding(self, row: dict[str, Any]) -> Piece:
        statement = row["text"] or row["title"]
        return findings.add_finding(
            self.session,
            findings.AddFinding(
                self.exhibit.case, row["title"] or row["message"][:200], statement, UNGRADED,
                self.cite(row), method=self.told(row, "Others' conclusion; not examined here."),
            ),
        )  # fmt: skip


_MAKERS: dict[str, Callable[[_Taking, dict[str, Any]], Piece]] = {
    "imported.entity": _Taking.entity,
    "imported.task": _Taking.task,
    "imported.note": _Taking.note,
    "imported.finding": _Taking.finding,
}


class _Known:
    """What the case has already: by the row that it cites, and by what it says."""

    def __init__(self, session: Session, case: str) -> None:
        self._by: dict[tuple[object, ...], str] = {}
        for kind in _MAKERS:
            name = kind.removeprefix(PREFIX)
            for piece in session.look_up(lambda c, name=name: casework.pieces(c, case, name)):  # type: ignore[misc]
                told = f"{piece.kind} {piece.number}"
                for step in piece.authors:
                    for one in step.words.get("cites") or []:
                        place = (name, one["item"], one.get("path"), one.get("row"))
                        self._by.setdefault(place, told)
                    if said := _said(name, step.words):
                        self._by.setdefault(said, told)

    def of(self, row: dict[str, Any]) -> str | None:
        """Return the piece that a row is already; None where it is none."""
        return next((self._by[key] for key in _keys(row) if key in self._by), None)

    def add(self, row: dict[str, Any], piece: Piece) -> None:
        for key in _keys(row):
            self._by[key] = f"{piece.kind} {piece.number}"


def _keys(row: dict[str, Any]) -> list[tuple[object, ...]]:
    """Return what makes a row the same as a piece: its place, or that it says the same."""
    name = str(row["kind"]).removeprefix(PREFIX)
    keys: list[tuple[object, ...]] = [(name, row["item"], row["inside"], row["row"])]
    words = {**row, "statement": row.get("text") or row.get("title")}
    if said := _said(name, words):
        keys.append(said)
    return keys


def _said(name: str, words: dict[str, Any]) -> tuple[object, ...] | None:
    """Return by what a piece of a kind is the same in another export; notes by their row alone."""
    fields = {"entity": ("sort", "name"), "finding": ("title", "statement"), "task": ("title",)}
    named = [str(words.get(one) or "").strip() for one in fields.get(name, ())]
    return (name, *named) if named and all(named) else None


def _place(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: row.get(name) for name in ("exhibit", "item", "inside", "kind", "place", "row")},
        "message": " ".join(str(row.get("message") or "").split())[:300],
    }


def _day(text: str) -> str:
    """Return a due day as tasks have it; nothing where it can't be read as one."""
    try:
        return clock.to_text(clock.end_of(text)) if text else ""
    except InputError:
        return ""
