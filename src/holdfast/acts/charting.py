"""Acts on the chart of a case: shown, given away as a file; a link that was wrong is taken back.

Links that people entered carry their grade and records. Beside them stand those that the data
alone says: two whose identifiers occur in one record. docs/decisions/0132.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.acts import citing, pieces, restricting, veiling
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.asking import source
from holdfast.acts.entities import LINK, ListEntities
from holdfast.acts.entities import entities as listed
from holdfast.acts.examining import by_item
from holdfast.cases import chart_files
from holdfast.cases.chart import CONFIRMED, DERIVED, SUSPECTED, UNGRADED, Chart, Node, Tie
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError
from holdfast.examine import together
from holdfast.examine.together import Sought
from holdfast.vault import casework
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from holdfast.acts.entities import Entity, Link
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.examine.search import Hit
    from holdfast.examine.together import Together
    from holdfast.vault.casework import Piece

CITED = 5
"""Records that a derived link cites; it says how many there are."""
_NO_RECORDS = frozenset({"failure", "indicator"})
"""Kinds that say nothing of two: an indicator has one value, and its surroundings by chance."""
_NOT_FOUND_IN_DATA = frozenset({"born", "other"})


@dataclass(frozen=True)
class ShowChart:
    """Of which case, around whom, with or without what the data alone says."""

    case: str
    around: int | None = None
    """An entity: those alone that hang together with it."""
    derived: bool = True

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        around = {} if self.around is None else {"around": self.around}
        return {"derived": self.derived, **around}


@act("chart", Needs.AUTHORITY, reads=True)
def chart(session: Session, request: ShowChart) -> Chart:
    """Return the entities of a case and how they hang together, by people and by the data.

    Raises:
        InputError: there is no entity to draw it around.
        IntegrityError: the text index can't be read.
    """
    made = _made(session, request)
    told = orjson.dumps(made.as_json(), option=orjson.OPT_SORT_KEYS)
    result: dict[str, Json] = {"links": len(made.ties), "sha256": sha256_hex(told)}
    facts: dict[str, Json] = {"request": request.facts(), "result": result}
    session.custody.enter(Draft("chart", request.case, facts))
    return made


@dataclass(frozen=True)
class ExportChart:
    """Which chart, as what."""

    case: str
    form: str
    """One of `chart_files.FORMS`."""
    around: int | None = None
    derived: bool = True

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"form": self.form, **ShowChart(self.case, self.around, self.derived).facts()}


@dataclass(frozen=True)
class Exported:
    """A file that leaves."""

    name: str
    media_type: str
    data: bytes


@act("chart.export", Needs.AUTHORITY, reads=True)
def export(session: Session, request: ExportChart) -> Exported:
    """Return a chart as a file for other programs, or as a picture; its entry has the digest.

    Raises:
        InputError: there is no such form, or no entity to draw it around.
        IntegrityError: the text index can't be read.
    """
    if request.form not in chart_files.FORMS:
        known = ", ".join(chart_files.FORMS)
        raise InputError(f"a chart is not given as {request.form!r}", f"choose from {known}")
    write, media_type = chart_files.FORMS[request.form]
    data = write(_made(session, ShowChart(request.case, request.around, request.derived)))
    result: dict[str, Json] = {"sha256": sha256_hex(data), "size": len(data)}
    facts: dict[str, Json] = {"request": request.facts(), "result": result}
    session.custody.enter(Draft("chart.export", request.case, facts))
    return Exported(f"chart-{request.case}.{request.form}", media_type, data)


@dataclass(frozen=True)
class UnlinkEntities:
    """Which link was wrong, and why."""

    case: str
    link: int
    reason: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"link": self.link}


@act("entity.unlink", Needs.CASE)
def unlink(session: Session, request: UnlinkEntities) -> Piece:
    """Take a link back; it stays in the log, with the reason.

    Raises:
        InputError: no such link, no reason, or it was taken back before.
    """
    reason = pieces.said(request.reason, "a reason", "--reason TEXT")

    def take_back(
        found: Piece, _connection: Connection
    ) -> tuple[str, Mapping[str, Json], Sequence[Draft]]:
        if found.state == casework.WITHDRAWN:
            raise InputError(f"link {found.number} was taken back already", "nothing to do")
        return casework.WITHDRAWN, {"reason": reason}, ()

    return pieces.go_on(
        session, "entity.unlink", request.case, kind=LINK, number=request.link, decide=take_back
    )


def _made(session: Session, request: ShowChart) -> Chart:
    found = listed(session, ListEntities(request.case))
    if request.around is not None and request.around not in {one.number for one in found.entities}:
        raise InputError(
            f"case {request.case} has no entity {request.around}", "see `holdfast entity list`"
        )
    nodes = tuple(
        Node(one.number, one.sort, one.role, one.name, one.identifiers) for one in found.entities
    )
    whole = Chart(nodes, tuple(map(_entered, found.links)))
    if request.derived:
        whole = _derived(session, request.case, whole, found.entities)
    return whole if request.around is None else whole.around(request.around)


def _entered(one: Link) -> Tie:
    return Tie(
        f"link-{one.number}", one.source, one.target, one.relation, one.grade,
        CONFIRMED if one.confirmed else SUSPECTED, tuple(map(citing.shown, one.cites)),
        len(one.cites), one.by, one.entry,
    )  # fmt: skip


def _derived(session: Session, case: str, whole: Chart, entities: Iterable[Entity]) -> Chart:
    """Add what the data says: two whose identifiers occur in one record."""
    sought = [
        Sought(one.number, kind, value)
        for one in entities
        for kind, value in one.identifiers
        if kind not in _NOT_FOUND_IN_DATA
    ]
    index = session.vault.index(case)
    if not (index / "text").is_dir():
        return Chart(whole.nodes, whole.ties, left=len(sought))
    held = by_item(session, case)
    veil, abuse = veiling.veil(session, case), restricting.abuse(session, case)

    def shown(hits: Iterable[Hit]) -> Iterator[Hit]:
        for hit in hits:
            if not (
                hit.kind in _NO_RECORDS
                or hit.item not in held
                or veil.covers(hit.item, hit.path, offset=hit.offset)
                or abuse(hit.item, hit.path, hit.kind)
            ):
                yield hit

    met = together.meetings(index, sought, shown)
    ties = (_tie(held, one) for one in met.found)
    return Chart(whole.nodes, (*whole.ties, *ties), met.cut, met.left)


def _tie(held: dict[str, Exhibit], one: Together) -> Tie:
    cites = dict.fromkeys(citing.of_row(_row(held, hit)) for hit in one.hits)
    name = f"data-{one.source}-{one.target}-{one.relation.replace(' ', '-')}"
    return Tie(
        name, one.source, one.target, one.relation, UNGRADED, DERIVED, tuple([*cites][:CITED]),
        len(one.hits), directed=one.relation != together.NAMED,
    )  # fmt: skip


def _row(held: dict[str, Exhibit], hit: Hit) -> dict[str, Any]:
    return {**source(held, hit.item, hit.path), "offset": hit.offset, "row": hit.row}
