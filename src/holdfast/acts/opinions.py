"""Acts that hold readings of the same evidence against each other.

Two versions of a parser (`examine --compare`), or a parser and a second reader (`disagreements`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.acts import restricting
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.asking import answer, digests, source
from holdfast.acts.examining import by_item
from holdfast.acts.restricting import WITHHELD
from holdfast.core.errors import InputError
from holdfast.examine import results, timeline
from holdfast.examine.comparison import PREVIOUS, Change, Comparison, compare, pairs
from holdfast.examine.crosscheck import Disagreement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.examine.results import Result


@dataclass(frozen=True)
class CompareResults:
    """Which earlier results are held against those in force."""

    case: str
    old: str = PREVIOUS
    """`previous`, a module's name, `name@version`, or the start of a result's key."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"old": self.old}


@act("examine.compare", Needs.AUTHORITY, reads=True)
def compare_results(session: Session, request: CompareResults) -> Iterator[bytes]:
    """Yield each record that differs, and after them the sums of each item and module.

    Raises:
        InputError: no item has such an earlier result.
    """
    held = by_item(session, request.case)
    derived = session.vault.derived
    there = False
    for item in held:
        now = results.current(derived, item)
        if now is not None and next(pairs(now, request.old), None) is not None:
            there = True
            break
    if not there:
        raise InputError(
            f"no item of case {request.case} has an earlier result {request.old!r}",
            "give `previous`, a parser's name, name@version, or the start of a result's key; "
            "results stay where a later examination had another version or setting",
        )
    rows = _compared(session, held, request.case, request.old)
    return answer(session, "examine.compare", request, rows)


def _compared(
    session: Session, held: dict[str, Exhibit], case: str, old: str
) -> Iterator[dict[str, Any]]:
    derived = session.vault.derived
    hides = restricting.hidden(session, case)
    for item in held:
        now = results.current(derived, item)
        for label, before, after in pairs(now, old) if now else ():
            for one in compare(derived, now, label, before, after):  # type: ignore[arg-type]
                if isinstance(one, Change):
                    row = _change(held, one)
                    withheld = hides(item, one.path, restricting.INDICATOR)
                    yield {**row, "fields": {}, "message": WITHHELD} if withheld else row
                else:
                    yield _sums(held, one)


def _change(held: dict[str, Exhibit], one: Change) -> dict[str, Any]:
    return {
        **source(held, one.item, one.path),
        "change": one.change,
        "fields": {name: {"new": new, "old": old} for name, (old, new) in one.fields.items()},
        "kind": "change",
        "length": one.length,
        "message": one.message,
        "module": one.module,
        "offset": one.offset,
        "record": one.kind,
        "row": one.row,
    }


def _sums(held: dict[str, Exhibit], one: Comparison) -> dict[str, Any]:
    return {
        **source(held, one.item, ""),
        "kind": "comparison",
        "ledger": {name: {"new": new, "old": old} for name, (old, new) in one.ledger.items()},
        "module": one.module,
        "new": _side(one.new),
        "old": _side(one.old),
        "records": {kind: vars(counts) for kind, counts in one.kinds.items()},
        "same": one.same,
    }


def _side(result: Result | None) -> dict[str, Any] | None:
    if result is None:
        return None
    facts = {name: result.facts.get(name) for name in ("decoders", "settings", "version")}
    return {"key": result.key, **facts}


@dataclass(frozen=True)
class Disagreements:
    """Which disagreements between a parser and a second reader."""

    case: str
    items: tuple[str, ...] = ()
    parsers: tuple[str, ...] = ()
    """Parsers that the second reader is held against; empty for all."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": list(self.items), "parsers": list(self.parsers)}


@act("disagreements", Needs.AUTHORITY, reads=True)
def disagreements(session: Session, request: Disagreements) -> Iterator[bytes]:
    """Yield what parsers and second readers say differently, by item, in order of the source."""
    held = by_item(session, request.case)
    rows = timeline.records(
        session.vault.derived,
        digests(held, request.items) or list(held),
        kind=Disagreement.KIND,
    )
    hides = restricting.hidden(session, request.case)
    nothing = dict.fromkeys(("message", "ours", "theirs", "thing"), WITHHELD)
    wanted = (
        {**_disagreement(held, row), **(nothing if _hidden(row, hides) else {})}
        for row in rows
        if not request.parsers or row["of_parser"] in request.parsers
    )
    return answer(session, "disagreements", request, wanted)


def _hidden(row: dict[str, Any], hides: Callable[[str, str, str], bool]) -> bool:
    """Say whether what two readers say of a file may not be shown: of a container, they say what
    is in it, as bytes do."""
    return hides(row["item"], row["path"], restricting.INDICATOR)


def _disagreement(held: dict[str, Exhibit], row: dict[str, Any]) -> dict[str, Any]:
    return {
        **source(held, row["item"], row["path"]),
        "field": row["field_name"],
        "kind": row["kind"],
        "length": row["length"],
        "message": row["message"],
        "offset": row["offset"],
        "ours": row["ours"],
        "parser": row["of_parser"],
        "record": row["of_kind"],
        "row": row["row"],
        "second": row["second"],
        "theirs": row["theirs"],
        "thing": row["thing"],
    }
