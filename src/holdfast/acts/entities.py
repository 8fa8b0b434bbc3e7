"""Acts on people and devices in the case: who and what they are, how they hang together.

Who is no suspect is nobody's business outside: their details are withheld from the defence and
from what is handed over until a lead or supervisor releases them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.acts import citing, pieces
from holdfast.acts.act import Needs, Session, act
from holdfast.cases import people
from holdfast.cases.findings import check_grade
from holdfast.core.errors import InputError
from holdfast.vault import casework, team

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json
    from holdfast.vault.casework import Piece
    from holdfast.vault.entry import Draft

KIND, LINK = "entity", "link"
WITHHELD = "(withheld)"


@dataclass(frozen=True)
class AddEntity:
    """Somebody or something in the case."""

    case: str
    sort: str
    """One of `people.CLASSES`: person, account, wallet …"""
    name: str
    role: str = people.OTHER
    """One of `people.ROLES`: suspect, victim, witness, other."""
    identifiers: tuple[str, ...] = ()
    """`KIND:VALUE`, as `email:anna@example.org`."""
    privilege: str = ""
    """Why communication with them may be privileged: one of `people.PRIVILEGES`."""
    remarks: str = ""
    cites: tuple[str, ...] = ()

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"role": self.role, "sort": self.sort}


@act("entity.add", Needs.CASE)
def add_entity(session: Session, request: AddEntity) -> Piece:
    """Name somebody or something that the case is about.

    Raises:
        InputError: no such sort, role, privilege or identifier; or what it cites is not there.
    """
    return pieces.begin(
        session,
        "entity.add",
        request.case,
        kind=KIND,
        state=people.HELD,
        words=_words(session, request),
    )


def _words(session: Session, request: AddEntity) -> dict[str, Json]:
    for given, known, what in (
        (request.sort, people.CLASSES, "sort"),
        (request.role, people.ROLES, "role"),
        (request.privilege, ("", *people.PRIVILEGES), "privilege"),
    ):
        if given not in known:
            raise InputError(
                f"{given!r} is no {what} of an entity",
                f"choose from {', '.join(one for one in known if one)}",
            )
    named: list[Json] = []
    for text in dict.fromkeys(request.identifiers):
        kind, value = people.check_identifier(text)
        named.append({"type": kind, "value": pieces.fitting(value, "an identifier")})
    return {
        "cites": citing.resolved(session, request.case, request.cites),
        "identifiers": named,
        "name": pieces.said(request.name, "a name", "NAME"),
        "privilege": request.privilege,
        "remarks": pieces.fitting(request.remarks, "remarks"),
        "role": request.role,
        "sort": request.sort,
    }


@dataclass(frozen=True)
class ChangeEntity:
    """What of an entity is said anew; None leaves it as it is."""

    case: str
    entity: int
    name: str | None = None
    role: str | None = None
    identifiers: tuple[str, ...] | None = None
    """All that it has from now on."""
    privilege: str | None = None
    remarks: str | None = None
    sort: str | None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"entity": self.entity, "role": self.role}


@act("entity.change", Needs.CASE)
def change_entity(session: Session, request: ChangeEntity) -> Piece:
    """Say anew who or what an entity is; whoever stops being a suspect is withheld again.

    Raises:
        InputError: no such entity, or as when it is added.
    """
    before = pieces.find(session, request.case, KIND, request.entity).words

    def kept(name: str) -> str:
        given = getattr(request, name)
        return str(before.get(name, "")) if given is None else given

    identifiers = request.identifiers
    if identifiers is None:
        identifiers = tuple(
            f"{one['type']}:{one['value']}" for one in before.get("identifiers", [])
        )
    words = _words(
        session,
        AddEntity(
            request.case, kept("sort"), kept("name"), kept("role"), identifiers,
            kept("privilege"), kept("remarks"),
        ),
    )  # fmt: skip
    words["cites"] = before.get("cites", [])

    def change(
        found: Piece, _connection: Connection
    ) -> tuple[str, Mapping[str, Json], Sequence[Draft]]:
        same = words["role"] == found.words.get("role")
        return found.state if same else people.HELD, words, ()

    return pieces.go_on(
        session, "entity.change", request.case, kind=KIND, number=request.entity, decide=change
    )


@dataclass(frozen=True)
class ReleaseEntity:
    """Whose details may be shown outside, or no longer."""

    case: str
    entity: int
    reason: str
    withdrawn: bool = False
    """Whether an earlier release ends."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"entity": self.entity, "withdrawn": self.withdrawn}


@act("entity.release", Needs.CASE)
def release_entity(session: Session, request: ReleaseEntity) -> Piece:
    """Release an entity's details to the defence and to hand-overs, or withhold them again.

    Raises:
        InputError: no such entity, no reason, or nothing would change.
    """
    reason = pieces.said(request.reason, "a reason", "--reason TEXT")
    state = people.HELD if request.withdrawn else people.RELEASED

    def release(
        found: Piece, _connection: Connection
    ) -> tuple[str, Mapping[str, Json], Sequence[Draft]]:
        if found.state == state:
            raise InputError(f"entity {found.number} is {state} already", "nothing to do")
        return state, {"reason": reason}, ()

    return pieces.go_on(
        session, "entity.release", request.case, kind=KIND, number=request.entity, decide=release
    )


@dataclass(frozen=True)
class LinkEntities:
    """How two entities hang together, and what shows it."""

    case: str
    source: int
    target: int
    relation: str
    """In the field's words: `uses`, `paid to`, `is a brother of`."""
    grade: str
    cites: tuple[str, ...] = ()
    confirmed: bool = False
    """Whether it is established; else it is a suspicion, and drawn as one."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"confirmed": self.confirmed, "source": self.source, "target": self.target}


@act("entity.link", Needs.CASE)
def link_entities(session: Session, request: LinkEntities) -> Piece:
    """Link two entities.

    Raises:
        InputError: no such entity or grade, no relation, or a confirmed one that cites nothing.
    """
    for number in (request.source, request.target):
        pieces.find(session, request.case, KIND, number)
    if request.confirmed and not request.cites:
        raise InputError("a confirmed link cites what confirms it", "name a record: --cite AL/1")
    words: dict[str, Json] = {
        "cites": citing.resolved(session, request.case, request.cites),
        "confirmed": request.confirmed,
        "grade": check_grade(request.grade),
        "relation": pieces.said(request.relation, "a relation", "--relation TEXT"),
        "source": request.source,
        "target": request.target,
    }
    return pieces.begin(session, "entity.link", request.case, kind=LINK, state="kept", words=words)


@dataclass(frozen=True)
class ListEntities:
    """Which entities of a case."""

    case: str
    number: int | None = None
    role: str = ""
    sort: str = ""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"number": self.number, "role": self.role, "sort": self.sort}


@dataclass(frozen=True)
class Entity:
    """Somebody or something, as the one who asks may see it."""

    number: int
    sort: str
    role: str
    name: str
    identifiers: tuple[tuple[str, str], ...]
    """(type, value)."""
    privilege: str
    remarks: str
    cites: tuple[dict[str, Any], ...]
    released: bool
    withheld: bool
    """Whether what stands here was left out for the one who asks."""
    entry: int
    by: str
    time: str

    def as_json(self) -> dict[str, Json]:
        """Return what `entity list --json` prints."""
        return {
            **{n: v for n, v in vars(self).items() if n not in {"cites", "identifiers", "number"}},
            "cites": [*citing.told(self.cites)],
            "entity": self.number,
            "identifiers": [{"type": kind, "value": value} for kind, value in self.identifiers],
        }


@dataclass(frozen=True)
class Link:
    """How two entities hang together."""

    number: int
    source: int
    target: int
    relation: str
    grade: str
    confirmed: bool
    cites: tuple[dict[str, Any], ...]
    entry: int
    by: str
    time: str

    def as_json(self) -> dict[str, Json]:
        """Return what `entity links --json` prints."""
        return {**vars(self), "cites": [*citing.told(self.cites)]}


@dataclass(frozen=True)
class People:
    """The case's entities, and their links."""

    entities: tuple[Entity, ...]
    links: tuple[Link, ...]


@act("entities", Needs.CASE, reads=True)
def entities(session: Session, request: ListEntities) -> People:
    """Return who and what is in the case, and how they hang together.

    To the defence, details of those who are no suspects are withheld unless they were released,
    and so are links with them.

    Raises:
        InputError: there is none of that number.
    """
    case = request.case
    found, links, roles = session.look_up(
        lambda c: (
            casework.pieces(c, case, KIND), casework.pieces(c, case, LINK),
            team.held(c, case, session.operator),
        )
    )  # fmt: skip
    everything = people.sees_all(roles)
    every = [_entity(one, everything=everything) for one in found]
    hidden = {one.number for one in every if one.withheld}
    shown = [
        one for one in every
        if request.number in {None, one.number}
        and request.role in {"", one.role} and request.sort in {"", one.sort}
    ]  # fmt: skip
    if request.number is not None and not shown:
        raise InputError(f"case {case} has no entity {request.number}", "`holdfast entity list`")
    numbers = {one.number for one in shown}
    of_them = [
        one for one in (_link(piece) for piece in links if piece.state != casework.WITHDRAWN)
        if {one.source, one.target} & numbers and not {one.source, one.target} & hidden
    ]  # fmt: skip
    return People(tuple(shown), tuple(of_them))


def _entity(piece: Piece, *, everything: bool) -> Entity:
    said = piece.words
    role = str(said.get("role", ""))
    hides = not everything and people.withheld(role, piece.state)
    if hides:
        said = {**said, "name": WITHHELD, "identifiers": [], "remarks": "", "cites": []}
    return Entity(
        piece.number,
        str(said.get("sort", "")),
        role,
        str(said.get("name", "(erased)")),
        tuple((one["type"], one["value"]) for one in said.get("identifiers", [])),
        "" if hides else str(said.get("privilege", "")),
        str(said.get("remarks", "")),
        tuple(said.get("cites", [])),
        released=piece.state == people.RELEASED,
        withheld=hides,
        entry=piece.entry,
        by=piece.begun.name,
        time=piece.begun.time,
    )


def _link(piece: Piece) -> Link:
    said = piece.words
    return Link(
        piece.number, int(said.get("source", 0)), int(said.get("target", 0)),
        str(said.get("relation", "(erased)")), str(said.get("grade", "")),
        bool(said.get("confirmed")), tuple(said.get("cites", [])), piece.entry,
        piece.begun.name, piece.begun.time,
    )  # fmt: skip


def outward(connection: Connection, case: str) -> set[int]:
    """Return the entries on entities whose words may leave the house."""
    return {
        step.entry
        for one in casework.pieces(connection, case, KIND)
        if not people.withheld(str(one.words.get("role", "")), one.state)
        for step in one.steps
    }


def privileged(connection: Connection, case: str) -> list[tuple[int, str, str, str]]:
    """Return (entity, why, type, value) of every identifier of a privileged contact.

    Whoever finds one of these in an item has found what may be privileged.
    """
    return [
        (one.number, str(one.words["privilege"]), found["type"], found["value"])
        for one in casework.pieces(connection, case, KIND)
        if one.words.get("privilege")
        for found in one.words.get("identifiers", [])
    ]


def terms(entity: Entity) -> tuple[str, ...]:
    """Return what names a privileged contact in the evidence: what to set apart (`privilege`)."""
    shortest = 3  # a term of two letters stands in nearly every file
    found = (value for kind, value in entity.identifiers if kind not in {"born", "other"})
    return tuple(one for one in dict.fromkeys((entity.name, *found)) if len(one) >= shortest)
