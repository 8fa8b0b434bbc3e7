"""Abuse material: such an item is shown to nobody, and leaves for recipients named by name only.

An item is restricted when a file in it is on a list of the kind `abuse`. The entry that says so
stays in force whatever becomes of derived data or of the list; docs/decisions/0085.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from holdfast.acts import hashsets, veiling
from holdfast.acts.act import Needs, Session, act
from holdfast.cases import exhibits
from holdfast.core.errors import DeniedError, InputError
from holdfast.examine import marks
from holdfast.examine.hashsets import shelf
from holdfast.examine.unseen import Unseen
from holdfast.exchange import sealing
from holdfast.vault import restrictions, roles, tables
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.examine.marks import Marked

INDICATOR = "indicator"
_OF_BYTES = (INDICATOR,)
"""Kinds of records that show text found in any file's bytes, a container's too."""
WITHHELD = "(withheld: on a list of abuse material)"


def mark(session: Session, case: str) -> Marked:
    """Look up the case's files in every set, and enter which items are restricted from now on.

    Raises:
        IntegrityError: a set is missing or altered: an item that might be restricted isn't judged
            by what is left.
    """
    vault = session.vault
    held = {one.item for one in session.look_up(lambda c: list(exhibits.of_case(c, case)))}
    digests = [one.digest for one in session.look_up(hashsets.in_force)]
    found = marks.build(
        vault.derived, held, hashsets.folder(session), digests, vault.index(case)
    )  # fmt: skip
    if found.abuse:
        session.custody.decide(lambda connection: _restrict(connection, case, found.abuse))
    return found


def _restrict(connection: Connection, case: str, abuse: dict[str, set[str]]) -> Sequence[Draft]:
    table = tables.restrictions
    known: set[tuple[str, str]] = {
        (row.item, row.set) for row in connection.execute(select(table.c.item, table.c.set))
    }
    drafts = []
    for item, found in sorted(abuse.items()):
        fresh: list[Json] = [*sorted(one for one in found if (item, one) not in known)]
        if fresh:
            fields: dict[str, Json] = {"item": item, "restriction": {"sets": fresh}}
            drafts.append(Draft("item.restrict", case, fields))
    return drafts


def screen(session: Session, case: str) -> None:
    """See to it that the case's items were held against the lists that are in force now."""
    held = session.look_up(hashsets.in_force)
    if not any(one.kind == shelf.ABUSE for one in held):
        return
    items = {one.item for one in session.look_up(lambda c: list(exhibits.of_case(c, case)))}
    vault, digests = session.vault, [one.digest for one in held]
    if not marks.fresh(vault.derived, items, digests, vault.index(case)):
        mark(session, case)


def check_leaving(
    session: Session, case: str, chosen: Iterable[Exhibit], recipient: str,
    sealed_to: Sequence[str] = (),
) -> None:  # fmt: skip
    """Raise where a restricted item would leave for one who is not named for it.

    Raises:
        DeniedError: nobody of that name may have it, or not otherwise than sealed.
    """
    screen(session, case)
    listed = list(chosen)
    touched = veiling.veil(session, case).touched
    for one in listed:
        if one.item in touched:
            raise DeniedError(
                f"{one.label} holds what may be privileged, and is handed to nobody meanwhile",
                f"leave it out (--withhold {one.label}); the filter team decides on it",
            )
    restricted = session.look_up(restrictions.restricted)
    for one in listed:
        if one.item not in restricted:
            continue
        named = [each for each in _in_force(session, case, one.item) if each.recipient == recipient]
        if not recipient or not named:
            raise DeniedError(
                f"{one.label} holds a file on a list of abuse material, and "
                f"{recipient or 'an unnamed recipient'} is not authorised to be given it",
                f"leave it out (--withhold {one.label}), or have the recipient named: "
                "holdfast restricted release",
            )
        if not any(_seals(each, sealed_to) for each in named):
            raise DeniedError(
                f"{one.label} holds a file on a list of abuse material, and may be given to "
                f"{recipient} only sealed to the keys that were named",
                "give them with --sealed-to; see `holdfast restricted list`",
            )


def _seals(release: Release, sealed_to: Sequence[str]) -> bool:
    return bool(sealed_to) and set(sealed_to) <= set(release.sealed_to)


def check_preview(
    session: Session, case: str, chosen: Iterable[Exhibit], path: str | None = None,
    *, of_bytes: bool = True,
) -> None:  # fmt: skip
    """Raise where pages or pictures of a restricted item would be shown or copied.

    With `path`, a file inside the one that is chosen; without, all of it. Not `of_bytes`: names of
    what lies in it, and not its bytes.

    Raises:
        DeniedError: one of them is restricted, so that nobody is authorised to a preview; or it
            may be privileged.
    """
    chosen = list(chosen)
    check_privilege(session, case, chosen, path, of_bytes=of_bytes)
    screen(session, case)
    restricted = session.look_up(restrictions.restricted)
    for one in chosen:
        if one.item in restricted:
            raise DeniedError(
                f"{one.label} holds a file on a list of abuse material: it is not shown or copied",
                "hand the item over whole, to an authorised recipient: holdfast bundle",
            )


def check_privilege(
    session: Session, case: str, chosen: Iterable[Exhibit], path: str | None = None,
    *, of_bytes: bool = True,
) -> None:  # fmt: skip
    """Raise where what is shown of an item may be privileged; see `check_preview`.

    Raises:
        DeniedError: so.
    """
    veil = veiling.veil(session, case)
    for one in chosen:
        inside = path is not None and not veil.covers(one.item, path, of_bytes=of_bytes)
        if one.item in veil.touched and not inside:
            raise DeniedError(
                f"{one.label} holds what may be privileged: it is not shown or copied",
                "wait for the filter team; `holdfast privilege list` shows how far it is",
            )


def hidden(session: Session, case: str) -> Callable[[str, str, str], bool]:
    """Return whether text of a record, by its item, path inside and kind, may not be shown.

    Where it isn't known which files of a restricted item are meant, none of it may. What was
    found in a container's own bytes may be a file's inside, so none of that may either. What may
    be privileged is hidden as well.
    """
    veil, of_abuse = veiling.veil(session, case), abuse(session, case)
    if not veil.quarantines:
        return of_abuse
    return lambda item, path, kind: (
        of_abuse(item, path, kind) or veil.covers(item, path, of_bytes=kind in _OF_BYTES)
    )


def abuse(session: Session, case: str) -> Callable[[str, str, str], bool]:
    """Return whether text of a record may not be shown for what is on lists of abuse material."""
    screen(session, case)
    restricted = session.look_up(restrictions.restricted)
    if not restricted:
        return lambda _item, _path, _kind: False
    paths: dict[str, list[str]] = {}
    for row in marks.read(session.vault.index(case), [shelf.ABUSE]):
        paths.setdefault(row["item"], []).append(row["path"])

    def hides(item: str, path: str, kind: str) -> bool:
        return item in restricted and any(
            _within(path, one) or (kind in _OF_BYTES and _within(one, path))
            for one in paths.get(item, [""])
        )

    return hides


def unseen(session: Session, case: str) -> Unseen:
    """Return what of the bytes of the case's files may neither be shown nor counted."""
    veil, of_abuse = veiling.veil(session, case), abuse(session, case)
    kept = veil.unseen
    restricted = session.look_up(restrictions.restricted)
    if not restricted:
        return kept
    return Unseen(
        kept.items | restricted,
        lambda item, path, at: of_abuse(item, path, "indicator") or kept.covers(item, path, at),
    )


def _within(path: str, outer: str) -> bool:
    return not outer or path == outer or path.startswith(f"{outer}/")


@dataclass(frozen=True)
class Release:
    """Who may be given a restricted item."""

    entry: int
    item: str
    case: str
    recipient: str
    sealed_to: tuple[str, ...]

    def as_json(self) -> dict[str, Json]:
        """Return what `restricted list --json` prints of it."""
        return {"entry": self.entry, "recipient": self.recipient, "sealed_to": [*self.sealed_to]}


def _in_force(session: Session, case: str, item: str) -> list[Release]:
    table = tables.releases
    query = select(table).where(table.c.item == item, table.c.case == case)
    query = query.where(table.c.withdrawn.is_(None)).order_by(table.c.entry)
    rows: Sequence[Any] = session.look_up(lambda connection: connection.execute(query).all())
    return [
        Release(row.entry, row.item, row.case, row.recipient, tuple(json.loads(row.sealed_to)))
        for row in rows
    ]


@dataclass(frozen=True)
class ReleaseItem:
    """Which item may be given to whom, by whose order, sealed to which keys."""

    case: str
    item: str
    recipient: str
    order: str
    sealed_to: tuple[str, ...]

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "item": self.item,
            "order": self.order,
            "recipient": self.recipient,
            "sealed_to": list(self.sealed_to),
        }


@act("item.release", Needs.CASE)
def release(session: Session, request: ReleaseItem) -> int:
    """Name somebody who may be given a restricted item; return the entry's number.

    Raises:
        InputError: the item is not restricted, or no recipient, order or key is named.
        DeniedError: the operator holds none of the roles that approve.
    """
    for given, option in ((request.recipient, "--for NAME"), (request.order, "--order TEXT")):
        if not given.strip():
            raise InputError("a release names its recipient and the order it follows", option)
    if not request.sealed_to:
        raise InputError("such an item leaves sealed only", "name a key: --sealed-to AGE1…")
    sealing.recipients(request.sealed_to)
    name = session.operator

    def build(connection: Connection) -> Sequence[Draft]:
        if not set(roles.held(connection, name)) & set(roles.APPROVING):
            raise DeniedError(
                f"{name} holds neither of the roles {', '.join(roles.APPROVING)}",
                "ask one who does",
            )
        held = exhibits.choose(exhibits.of_case(connection, request.case), [request.item])
        items = {one.item for one in held}
        if not items <= restrictions.restricted(connection):
            raise InputError(f"{request.item} is not restricted", "it needs no release")
        facts: dict[str, Json] = {
            "order": request.order,
            "recipient": request.recipient,
            "sealed_to": list(request.sealed_to),
        }
        return [
            Draft("item.release", request.case, {"item": one, "release": facts})
            for one in sorted(items)
        ]

    return session.custody.decide(build)[0].index


@dataclass(frozen=True)
class WithdrawRelease:
    """Which release ends, and why."""

    case: str
    release: int
    reason: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"reason": self.reason, "release": self.release}


@act("item.withdraw", Needs.CASE)
def withdraw(session: Session, request: WithdrawRelease) -> int:
    """End a release: its recipient may not be given the item any more.

    Raises:
        InputError: there is no such release in force in the case, or no reason.
    """
    if not request.reason.strip():
        raise InputError("to withdraw a release needs a reason", "say why: --reason TEXT")
    table = tables.releases

    def build(connection: Connection) -> Sequence[Draft]:
        query = select(table.c.item).where(table.c.entry == request.release)
        query = query.where(table.c.case == request.case, table.c.withdrawn.is_(None))
        item = connection.scalar(query)
        if item is None:
            raise InputError(
                f"entry {request.release} is no release in force", "see `holdfast restricted list`"
            )
        facts: dict[str, Json] = {"entry": request.release}
        fields: dict[str, Json] = {"item": item, "reason": request.reason, "release": facts}
        return [Draft("item.withdraw", request.case, fields)]

    return session.custody.decide(build)[0].index


@dataclass(frozen=True)
class Restricted:
    """An exhibit that is restricted, and who may be given it."""

    exhibit: Exhibit
    sets: tuple[str, ...]
    releases: tuple[Release, ...]

    def as_json(self) -> dict[str, Json]:
        """Return what `restricted list --json` prints."""
        return {
            "exhibit": self.exhibit.label,
            "item": self.exhibit.item,
            "releases": [one.as_json() for one in self.releases],
            "sets": [*self.sets],
        }


@dataclass(frozen=True)
class ListRestricted:
    """Of which case."""

    case: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {}


@act("restricted", Needs.CASE, reads=True)
def restricted(session: Session, request: ListRestricted) -> list[Restricted]:
    """Return the case's restricted exhibits, by number."""
    screen(session, request.case)
    table = tables.restrictions
    by_item: dict[str, list[str]] = {}
    for row in session.look_up(lambda c: c.execute(select(table.c.item, table.c.set)).all()):
        by_item.setdefault(row.item, []).append(row.set)
    held = session.look_up(lambda c: list(exhibits.of_case(c, request.case)))
    return [
        Restricted(
            one, tuple(sorted(set(by_item[one.item]))),
            tuple(_in_force(session, request.case, one.item)),
        )
        for one in held if one.item in by_item
    ]  # fmt: skip
