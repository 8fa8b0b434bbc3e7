"""Erasure by order: asked by one person, approved by others, carried out, and never undone.

What is erased is the original (unless another case or exhibit holds it), and fields of entries:
their values leave the bodies, their commitments and all proofs stay. docs/formats/custody.md.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import func, select

from holdfast.acts import two_person
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.examining import by_item
from holdfast.acts.holding import check_hold
from holdfast.acts.two_person import Asked, Kind
from holdfast.cases import exhibits
from holdfast.core import clock, durable
from holdfast.core.errors import InputError
from holdfast.examine import links, search, timeline
from holdfast.exchange.proofs import Reader
from holdfast.vault import erasure, settings, tables
from holdfast.vault.entry import MASS, Draft
from holdfast.vault.mass import LIMITS, MOST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.vault.entry import Entry

OF_ITEM = ("path", "record", "stored")
"""Fields of `collect.item` that go with the item; its number, digest and time stay."""
KEPT = frozenset(
    {"act", "actor", "case", "context", "exhibit", "handover", "item", "opening", "run", "scope"}
    | {"for_suspect", "quarantine", "ruling", "schedule", "signature", "stored", "time", "work"}
    | {"limits", "sitting", "viewer"}
    | {"change", "expires", "pattern", "release", "restriction", "untag", "zone"}
)
"""Fields that can't be chosen: who did what when, under which authority, in which place; and what
the database is folded from, so that it can be folded again."""
_FOR_SUSPECT = frozenset({"statement", "title"})
"""Fields that stay of a finding that speaks for the suspect: it goes with every hand-over."""
_LASTING = ("erase", "hold.", "operator.", "request.", "vault.")
"""Acts whose entries stay whole: by them the log itself is read."""


@dataclass(frozen=True)
class Erasure:
    """What is to be erased, in one case, and by whose order."""

    case: str
    order: str
    items: tuple[str, ...] = ()
    """Exhibits (AL/1), or digests or their first digits, which name every exhibit of the item."""
    entries: tuple[int, ...] = ()
    fields: tuple[str, ...] = ()
    """Of these entries; empty for all that can be erased."""
    days: int = two_person.EXPIRES

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "entries": list(self.entries),
            "fields": list(self.fields),
            "items": list(self.items),
            "order": self.order,
        }


@act("erase.request", Needs.CASE)
def request_erasure(session: Session, request: Erasure) -> Asked:
    """Ask for an erasure; nothing is erased before another person approves it.

    Entries of the case that say the very path of an erased item lose the field that says it.

    Raises:
        InputError: nothing is named, or what is named is not the case's or can't be erased.
        DeniedError: a legal hold.
    """
    if not request.order.strip():
        raise InputError("an erasure needs the order it follows", "name it: --order TEXT")
    if not request.items and not request.entries:
        raise InputError("nothing is named to be erased", "name exhibits, or --entry N --field F")
    if request.fields and not request.entries:
        raise InputError("--field names fields of no entry", "name the entry, too: --entry N")

    def build(connection: Connection) -> tuple[dict[str, Json], dict[str, Json]]:
        asked = _asked(session, connection, request)
        check_hold(connection, request.case, _about(connection, asked))
        return asked, {}

    number = two_person.ask(session, "erase", request.case, build, days=request.days)
    return session.look_up(lambda connection: two_person.find(session, connection, number))


def _asked(session: Session, connection: Connection, request: Erasure) -> dict[str, Json]:
    held = list(exhibits.of_case(connection, request.case))
    chosen = list(exhibits.choose(held, request.items)) if request.items else []
    named: dict[int, set[str]] = {one.entry: set(OF_ITEM) for one in chosen}
    for entry in _named_entries(session, connection, request):
        known = set(_erasable(entry))
        wanted = set(request.fields) or known
        for name in sorted(wanted - known):
            raise InputError(
                f"the field {name!r} of entry {entry.index} can't be erased",
                f"choose from {', '.join(sorted(known)) or 'another entry'}",
            )
        named.setdefault(entry.index, set()).update(wanted)
    for index, names in _mentions(session, connection, request.case, chosen):
        named.setdefault(index, set()).update(names)
    fields: list[Json] = []
    for index, names in sorted(_not_yet(connection, named).items()):
        fields.append({"entry": index, "names": [*sorted(names)]})
    if not fields:
        raise InputError("all of that is erased already", "see `holdfast erase list`")
    objects = {one.object: one.size for one in chosen}
    return {
        "bytes": sum(objects.values()),
        "exhibits": [one.label for one in chosen],
        "fields": fields,
        "order": request.order,
    }


def _named_entries(session: Session, connection: Connection, request: Erasure) -> Iterator[Entry]:
    table = tables.entries
    for index in request.entries:
        query = select(table.c.case).where(table.c.index == index)
        if connection.scalar(query) != request.case:
            raise InputError(
                f"entry {index} is none of case {request.case}",
                f"see `holdfast custody --case {request.case}`",
            )
        yield from session.vault.log.entries(index, index + 1)


def _erasable(entry: Entry) -> list[str]:
    if entry.act.startswith(_LASTING):
        return []
    kept = KEPT | _FOR_SUSPECT if entry.fields.get("for_suspect") is True else KEPT
    return [name for name in entry.disclosures if name not in kept]


def _mentions(
    session: Session, connection: Connection, case: str, chosen: list[Exhibit]
) -> Iterator[tuple[int, set[str]]]:
    """Yield the case's other entries with a text that is the very path of a chosen exhibit.

    The command that collected it may have named it as seen from where it was run.
    """
    read = Reader(session.vault.log, session.vault.log.head()).entry
    paths = {one.path for one in chosen}
    by_run: dict[object, set[str]] = {}
    for one in chosen:
        by_run.setdefault(read(one.entry).fields.get("run"), set()).add(one.path)
    if not paths:
        return
    table = tables.entries
    query = select(table.c.index).where(table.c.case == case, table.c.act != "collect.item")
    for index in connection.scalars(query.order_by(table.c.index)).all():
        entry = read(index)
        tails = by_run.get(entry.fields.get("run"), set())
        names = {
            name
            for name in _erasable(entry)
            if any(text in paths or _is_tail(text, tails) for text in _texts(entry.fields[name]))
        }
        if names:
            yield index, names


def _is_tail(text: str, paths: set[str]) -> bool:
    """Say whether `text` is one of `paths` as seen from some folder above it."""
    if not text or text.startswith("/"):
        return False
    parts = os.path.normpath(text).split("/")
    while parts and parts[0] == "..":
        parts.pop(0)
    tail = "/" + "/".join(parts)
    return any(path.endswith(tail) for path in paths)


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _not_yet(connection: Connection, named: dict[int, set[str]]) -> dict[int, set[str]]:
    """Return `named` without the fields that an order has erased before."""
    table, before = tables.erasures, dict[int, set[str]]()
    indexes = sorted(named)
    for at in range(0, len(indexes), 500):
        some = indexes[at : at + 500]
        query = select(table.c.entry, table.c.field).where(table.c.entry.in_(some))
        for index, field in connection.execute(query):
            before.setdefault(index, set()).add(field)
    left = {index: names - before.get(index, set()) for index, names in named.items()}
    return {index: names for index, names in left.items() if names}


def _named(asked: dict[str, Any]) -> dict[int, set[str]]:
    return {one["entry"]: set(one["names"]) for one in asked["fields"]}


def _about(connection: Connection, asked: dict[str, Any]) -> set[str]:
    """Return the items that the entries of a request are about."""
    indexes, items = sorted(_named(asked)), set[str]()
    table = tables.entries
    for at in range(0, len(indexes), 500):
        some = indexes[at : at + 500]
        found = connection.scalars(select(table.c.item).where(table.c.index.in_(some)))
        items.update(item for item in found if item)
    return items


def mass(connection: Connection, asked: dict[str, Any]) -> bool:
    """Say whether this erasure, with those of the 24 hours before, is more than two may do."""
    limits = settings.read(connection, LIMITS)
    most = {**MOST, **cast("dict[str, int]", limits or {})}
    table = tables.orders
    since = clock.to_text(clock.now() - two_person.DAY)
    query = select(func.sum(table.c.entries), func.sum(table.c.bytes)).where(table.c.time >= since)
    count, size = connection.execute(query).one()
    return bool(
        (count or 0) + len(asked["fields"]) > most["entries"]
        or (size or 0) + asked["bytes"] > most["bytes"]
    )


def _needs(connection: Connection, asked: Asked) -> int:
    return 2 if mass(connection, asked.asked) else 1


def _perform(connection: Connection, asked: Asked, names: tuple[str, ...]) -> Sequence[Draft]:
    """Return the entry that erases, decided at its very position.

    Raises:
        DeniedError: a legal hold was set meanwhile.
        InputError: all of it was erased meanwhile.
    """
    assert asked.case is not None  # noqa: S101 - an erasure is of a case
    check_hold(connection, asked.case, _about(connection, asked.asked))
    left = _not_yet(connection, _named(asked.asked))
    if not left:
        raise InputError("all of that was erased meanwhile", "see `holdfast erase list`")
    taken = {entry for entry, fields in left.items() if "stored" in fields}
    held = [one for one in exhibits.of_case(connection, asked.case) if one.entry in taken]
    pairs = sorted({(one.item, one.object) for one in held})
    by: list[Json] = [*names]
    fields: list[Json] = [
        {"entry": entry, "names": [*sorted(names)]} for entry, names in sorted(left.items())
    ]
    items: list[Json] = [{"item": item, "object": digest} for item, digest in pairs]
    facts: dict[str, Json] = {
        "approved_by": by,
        "bytes": sum({one.object: one.size for one in held}.values()),
        "exhibits": [one.label for one in held],
        "fields": fields,
        "items": items,
        "order": asked.asked["order"],
        "request": asked.entry,
        "requested_by": asked.name,
    }
    many = mass(connection, asked.asked)
    name, mark = (MASS, MASS) if many else ("erase", "")
    return [Draft(name, asked.case, {"erasure": facts}, mark=mark)]


def _carry_out(session: Session, _asked: Asked) -> None:
    """Erase, then index anew what is left; a stop in between is finished by any later command."""
    vault = session.vault

    def index_anew(case: str) -> None:
        held = by_item(session, case)
        timeline.build(vault.derived, held, vault.index(case))
        search.build(vault.derived, held, vault.index(case))
        secret = links.key_of(vault.keyring.chain(None))
        links.build(vault.derived, held, vault.index(case), secret)

    with durable.disk_errors(vault.root):
        erasure.finish(vault, index_anew)


KIND = Kind("erase", _needs, _perform, _carry_out)


@dataclass(frozen=True)
class Limits:
    """From where on an erasure needs a second approval."""

    entries: int
    bytes: int
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"bytes": self.bytes, "entries": self.entries}


@act("erase.limits", Needs.NOTHING)
def request_limits(session: Session, request: Limits) -> Asked:
    """Ask to set from where on an erasure counts as a mass deletion; another person approves.

    Raises:
        InputError: a limit below nothing.
    """
    if request.entries < 0 or request.bytes < 0:
        raise InputError("a limit can't be less than nothing", "give 0 or more")
    number = two_person.ask(
        session, "erase.limits", None, lambda _connection: (request.facts(), {})
    )
    return session.look_up(lambda connection: two_person.find(session, connection, number))


LIMITS_KIND = Kind(
    "erase.limits",
    lambda _connection, _asked: 1,
    lambda _connection, asked, _names: [settings.change(LIMITS, asked.asked)],
)


@dataclass(frozen=True)
class Order:
    """An erasure that was done."""

    entry: int
    case: str
    order: str
    time: str
    items: int
    mass: bool
    behind: tuple[str, ...]
    """Backups that were last repeated before it: they hold it still."""

    def as_json(self) -> dict[str, Json]:
        """Return what `erase list --json` prints."""
        return {**vars(self), "behind": list(self.behind)}


def orders(session: Session) -> list[Order]:
    """Return the erasures that were done, oldest first."""
    session.vault.current()
    table = tables.orders
    found = session.look_up(
        lambda connection: connection.execute(select(table).order_by(table.c.entry)).all()
    )
    copies = _backups(session)
    return [
        Order(
            *(row.entry, row.case, row.order, row.time, row.items, row.act == "erase.mass"),
            behind=tuple(place for place, at in copies.items() if at < row.entry),
        )
        for row in found
    ]


def _backups(session: Session) -> dict[str, int]:
    """Return when each backup was last repeated, by its place: the entry."""
    table = tables.entries
    query = select(table.c.index).where(table.c.act == "vault.backup").order_by(table.c.index)
    indexes = session.look_up(lambda connection: connection.scalars(query).all())
    found: dict[str, int] = {}
    for index in indexes:
        (one,) = session.vault.log.entries(index, index + 1)
        found[str(one.fields["request"]["target"]["text"])] = index
    return found
