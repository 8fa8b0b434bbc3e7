"""Acts on lists of known files and values: add, remove, list. They belong to no case.

A set is built first, under a name that is its digest; the entry makes it count.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from holdfast.acts.act import Needs, Session, act
from holdfast.collect.interfaces import path_field
from holdfast.core import durable
from holdfast.core.errors import InputError, IntegrityError
from holdfast.examine.hashsets import shelf
from holdfast.examine.hashsets.sources import Source
from holdfast.examine.hashsets.table import WIDTHS
from holdfast.vault import tables
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json
    from holdfast.examine.hashsets.shelf import Described, HashSet


@dataclass(frozen=True)
class AddSet:
    """Which list, what it is, and what of it is taken."""

    path: str
    described: Described
    form: str = ""
    """One of `FORMATS`; found out where empty."""
    algorithms: tuple[str, ...] = ()
    categories: tuple[int, ...] = ()
    """Of Project VIC: the categories of media that are taken; empty for all."""
    values: str = ""
    """The kind of values it lists; empty for digests of files."""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "algorithms": list(self.algorithms),
            "categories": list(self.categories),
            "format": self.form,
            "path": path_field(os.fsencode(self.path)),
            "values": self.values,
            **vars(self.described),
        }


def folder(session: Session) -> Path:
    """Return where this vault's sets lie."""
    return session.vault.root / "sets"


@act("hashset.add", Needs.NOTHING)
def add_set(session: Session, request: AddSet) -> HashSet:
    """Build a set of a list, and hold files against it from the next examination on.

    Raises:
        InputError: the list can't be read, or a set in force has its name.
        ResourceError: no room.
    """
    _check_name(session.look_up(in_force), request.described.name)
    path, place = Path(request.path), folder(session)
    if not path.exists():
        raise InputError(f"{path} does not exist", "name a list, or a MISP feed's folder")
    with durable.disk_errors(place):
        if request.values:
            built = shelf.build_values(path, request.values, request.described, place)
        else:
            source = Source(
                path, request.form, algorithms=request.algorithms, categories=request.categories
            )

            def tell(done: int) -> None:
                session.progress(done, None, path.name)

            built = shelf.build(source, request.described, place, tell)
    made = shelf.load(place, built.name)

    def build(connection: Connection) -> Sequence[Draft]:
        _check_name(in_force(connection), request.described.name)
        facts: dict[str, Json] = {**made.as_json(), "source": made.facts["source"]}
        fields: dict[str, Json] = {"hashset": facts, "request": request.facts()}
        return [Draft("hashset.add", None, fields)]

    session.custody.decide(build)
    return made


def _check_name(held: list[Held], name: str) -> None:
    if any(one.name == name for one in held):
        raise InputError(
            f"there is a set named {name!r}", "choose another name, or remove that one first"
        )


@dataclass(frozen=True)
class Held:
    """A set that files are held against."""

    entry: int
    digest: str
    name: str
    kind: str
    counts: dict[str, int]

    def as_json(self) -> dict[str, Json]:
        """Return what the log itself knows of the set."""
        counts: dict[str, Json] = dict(self.counts)
        return {"counts": counts, "entry": self.entry, "kind": self.kind, "name": self.name,
                "set": self.digest}  # fmt: skip


def in_force(connection: Connection) -> list[Held]:
    """Return the sets that were added and not removed, oldest first."""
    table = tables.hash_sets
    query = select(table).where(table.c.removed.is_(None)).order_by(table.c.entry)
    rows: Sequence[Any] = connection.execute(query).all()
    return [Held(row.entry, row.set, row.name, row.kind, json.loads(row.tables)) for row in rows]


def needed(held: list[Held]) -> list[Json]:
    """Return the algorithms, besides SHA-256, that some set can be looked up by."""
    return [name for name in WIDTHS if name != "sha256" and any(name in one.counts for one in held)]


def sets(session: Session) -> list[dict[str, Json]]:
    """Return the sets in force as `hashset list --json` prints them; `here` says whether whole."""
    session.vault.current()
    found = []
    for one in session.look_up(in_force):
        try:
            row, here = shelf.load(folder(session), one.digest).as_json(), True
        except IntegrityError:
            row, here = one.as_json(), False
        found.append({**row, "entry": one.entry, "here": here})
    return found


@dataclass(frozen=True)
class RemoveSet:
    """Which set goes, by name or the start of its digest, and why."""

    name: str
    reason: str
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"name": self.name, "reason": self.reason}


@act("hashset.remove", Needs.NOTHING)
def remove_set(session: Session, request: RemoveSet) -> Held:
    """Remove a set: marks by it go with the next examination, restrictions by it stay.

    Raises:
        InputError: there is no such set, or no reason.
    """
    if not request.reason.strip():
        raise InputError("to remove a set needs a reason", "say why: --reason TEXT")
    chosen: list[Held] = []

    def build(connection: Connection) -> Sequence[Draft]:
        chosen[:] = [one for one in in_force(connection) if _means(one, request.name)]
        if len(chosen) != 1:
            raise InputError(f"{request.name!r} means {len(chosen)} sets", "see `hashset list`")
        facts: dict[str, Json] = {
            "entry": chosen[0].entry, "name": chosen[0].name, "set": chosen[0].digest,
        }  # fmt: skip
        return [Draft("hashset.remove", None, {"hashset": facts, "reason": request.reason})]

    session.custody.decide(build)
    shutil.rmtree(folder(session) / chosen[0].digest, ignore_errors=True)
    return chosen[0]


def _means(one: Held, name: str) -> bool:
    return one.name == name or (len(name) >= 8 and one.digest.startswith(name))
