"""The act of handing over: a bundle that its recipient can check without us."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from holdfast.acts import entities, findings, publishing, restricting
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.cases import OneCase
from holdfast.acts.examining import ledger
from holdfast.acts.originals import open_original
from holdfast.cases import case as cases
from holdfast.cases import exhibits, things
from holdfast.cases.findings import REVIEWED
from holdfast.collect.interfaces import path_field
from holdfast.core.errors import InputError
from holdfast.examine import results
from holdfast.exchange import package
from holdfast.exchange.disclosure import Selection, Working, everything
from holdfast.vault import casework
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.exchange.package import Commit, Written
    from holdfast.vault.casework import Piece
    from holdfast.vault.entry import Entry


@dataclass(frozen=True)
class Bundle:
    """What is handed over, where to, and to whom."""

    case: str
    target: str
    items: tuple[str, ...] = ()
    """Exhibits, or digests or their starts; empty for all. The others are withheld: their entries
    are counted and proven, and show nothing but that they are."""
    recipient: str = ""
    withhold: tuple[str, ...] = ()
    """Of these, the ones that are withheld."""
    role: str = ""
    """As what they get it: one of `package.ROLES`, or empty."""
    order: str = ""
    """Under what order the rest is withheld."""
    completeness: bool | None = None
    """Whether to prove that no entry is left out; None where the log is not too large."""
    sealed_to: tuple[str, ...] = ()
    """Recipients of age, for whom alone it is encrypted."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "as": self.role,
            "items": list(self.items),
            "order": self.order,
            "recipient": self.recipient,
            "sealed_to": list(self.sealed_to),
            "target": path_field(os.fsencode(self.target)),
            "withhold": list(self.withhold),
        }


@act("bundle", Needs.CASE)
def bundle(session: Session, request: Bundle) -> Written:
    """Write the bundle; its own entry is in it.

    Raises:
        InputError: the target is in use, an item is not the case's, an order withholds nothing.
        DeniedError: an item is on a list of abuse material, and the recipient isn't named for it.
        IntegrityError: an original is not what was collected.
        ResourceError: the disk refused; there is no bundle then.
    """
    vault = session.vault
    case = session.look_up(lambda connection: cases.find(connection, request.case))
    held = session.look_up(lambda connection: list(exhibits.of_case(connection, case.id)))
    chosen = _chosen(held, request)
    restricting.check_leaving(session, case.id, chosen, request.recipient, request.sealed_to)
    items = {one.item for one in chosen}
    complete = len(chosen) == len(held)
    if complete and request.order:
        raise InputError(
            "nothing is withheld, so no order for it can be named",
            "leave out --order, or say what is withheld: --withhold ITEM",
        )

    outward = session.look_up(lambda c: _outward(c, case.id, None if complete else items))

    def enter(commit: Commit) -> Entry:
        def build(connection: Connection) -> Sequence[Draft]:
            fields = {"request": request.facts(), **commit(connection)}
            return [Draft(package.ACT, case.id, fields)]

        return session.custody.decide(build)[0]

    contents = package.Contents(
        case=case,
        exhibits=chosen,
        open_original=partial(open_original, vault),
        recipient=request.recipient or "(not named)",
        role=request.role,
        order=request.order,
        completeness=request.completeness,
        sealed_to=request.sealed_to,
        datasets=results.datasets(vault.derived, sorted(items)),
        tables={
            "ledger.jsonl": _ledger(session, case.id, {one.label for one in chosen}),
            **({"findings.jsonl": _lines(outward, items)} if outward.findings else {}),
        },
        disclose=Working(
            everything if complete else Selection.of(chosen, _things(session, chosen)),
            outward.entries,
            None if complete else frozenset(items),
        ),
        complete=complete,
        progress=session.progress,
    )
    return package.write_bundle(
        Path(request.target), contents, vault, enter, lambda: _published(session)
    )


@dataclass(frozen=True)
class _Outward:
    """What of the case's working papers leaves."""

    findings: tuple[Piece, ...]
    """Those that speak for the suspect, always; of the others, those that were reviewed and cite
    nothing that is withheld."""
    entries: frozenset[int]
    """Their entries; of a whole case also those on people whose details may leave."""


def _outward(connection: Connection, case: str, items: set[str] | None) -> _Outward:
    """Return what leaves with these items, or with all."""

    def goes(one: Piece) -> bool:
        cited = {each.get("item") for each in one.words.get("cites", [])}
        return one.state == REVIEWED and (items is None or cited <= items)

    chosen = tuple(
        one
        for one in casework.pieces(connection, case, findings.KIND)
        if findings.speaks_for_suspect(one) or goes(one)
    )
    steps = {step.entry for one in chosen for step in one.steps}
    people = entities.outward(connection, case) if items is None else set[int]()
    return _Outward(chosen, frozenset(steps | people))


def _lines(outward: _Outward, items: set[str]) -> Iterator[bytes]:
    """Yield each finding that leaves, as people and programs read it."""
    for one in outward.findings:
        facts = findings.as_json(one)
        cites = [each for each in facts["cites"] if each.get("item") in items]
        told = {**facts, "cites": cites, "cites_withheld": len(facts["cites"]) - len(cites)}
        del told["steps"]
        yield orjson.dumps(told, option=orjson.OPT_SORT_KEYS) + b"\n"


def _published(session: Session) -> None:
    """Ask witnesses and time authorities about the hand-over's own checkpoint; wait for them.

    Who does not answer can't keep the evidence from the court: the bundle says what is missing.
    """
    publishing.publish(session)


def _chosen(held: list[Exhibit], request: Bundle) -> list[Exhibit]:
    """Return what is handed over of `held`.

    Raises:
        InputError: a wish names nothing.
    """
    chosen = list(exhibits.choose(held, request.items))
    if not request.withhold:
        return chosen
    withheld = {one.entry for one in exhibits.choose(held, request.withhold)}
    return [one for one in chosen if one.entry not in withheld]


def _things(session: Session, chosen: list[Exhibit]) -> set[int]:
    """Return the numbers of the physical exhibits from which these items were made."""

    def read(connection: Connection) -> set[int]:
        return {
            number for one in chosen for number in things.sources(connection, one.case, one.number)
        }

    return session.look_up(read)


def _ledger(session: Session, case: str, labels: set[str]) -> Iterator[bytes]:
    """Yield the ledger's lines of what is handed over."""
    for one in ledger(session, OneCase(case)):
        if one.exhibit.label in labels:
            facts = {"exhibit": one.exhibit.label, **vars(one.line)}
            yield orjson.dumps(facts, option=orjson.OPT_SORT_KEYS) + b"\n"
