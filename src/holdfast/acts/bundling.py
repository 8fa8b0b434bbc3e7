"""The act of handing over: a bundle that its recipient can check without us."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.cases import OneCase
from holdfast.acts.examining import ledger
from holdfast.acts.originals import open_original
from holdfast.cases import case as cases
from holdfast.cases import exhibits
from holdfast.collect.interfaces import path_field
from holdfast.examine import results
from holdfast.exchange import package
from holdfast.exchange.disclosure import Selection, everything
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json
    from holdfast.exchange.package import Commit, Written
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

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "items": list(self.items),
            "recipient": self.recipient,
            "target": path_field(os.fsencode(self.target)),
        }


@act("bundle", Needs.CASE)
def bundle(session: Session, request: Bundle) -> Written:
    """Write the bundle; its own entry is in it.

    Raises:
        InputError: the target is in use, or an item is not the case's.
        IntegrityError: an original is not what was collected.
        ResourceError: the disk refused; there is no bundle then.
    """
    vault = session.vault
    case = session.look_up(lambda connection: cases.find(connection, request.case))
    held = session.look_up(lambda connection: list(exhibits.of_case(connection, case.id)))
    chosen = list(exhibits.choose(held, request.items))
    items = {one.item for one in chosen}

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
        datasets=results.datasets(vault.derived, sorted(items)),
        tables={"ledger.jsonl": _ledger(session, case.id, items)},
        disclose=Selection(frozenset(items)) if request.items else everything,
        complete=not request.items,
        progress=session.progress,
    )
    return package.write_bundle(Path(request.target), contents, vault, enter)


def _ledger(session: Session, case: str, items: set[str]) -> Iterator[bytes]:
    """Yield the ledger's lines of what is handed over."""
    for one in ledger(session, OneCase(case)):
        if one.line.item in items:
            facts = {"exhibit": one.exhibit.label, **vars(one.line)}
            yield orjson.dumps(facts, option=orjson.OPT_SORT_KEYS) + b"\n"
