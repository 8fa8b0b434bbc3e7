"""Acts on records: tag one, take the tag off, comment on it, read what was said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.examining import by_item
from holdfast.core.errors import InputError
from holdfast.examine import windows
from holdfast.vault import remarks
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json

_TAG, _COMMENT = 64, 4000


@dataclass(frozen=True)
class Tag:
    """Which event of the timeline, by its place, and the tag."""

    case: str
    place: str
    tag: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"place": self.place, "tag": self.tag}


@act(remarks.TAG, Needs.AUTHORITY)
def tag(session: Session, request: Tag) -> int:
    """Tag an event; return the entry. A tag that it has already enters nothing.

    Raises:
        InputError: no such event, or no word that can be a tag.
    """
    name = request.tag.strip()
    if not name or len(name) > _TAG or not name.isprintable() or set(name) & set('"*\\'):
        raise InputError(
            f"{request.tag!r} can't be a tag", f"use up to {_TAG} letters, digits and signs"
        )
    cited = _cited(session, request.case, request.place)
    found = -1

    def build(connection: Connection) -> Sequence[Draft]:
        nonlocal found
        for one in remarks.of_case(connection, request.case, [cited["item"]]):
            if one.tag == name and _same(one, cited):
                found = one.entry
                return []
        fields: dict[str, Json] = {"cited": cited["record"], "item": cited["item"], "tag": name}
        return [Draft(remarks.TAG, request.case, fields)]

    entered = session.custody.decide(build)
    return entered[0].index if entered else found


@dataclass(frozen=True)
class Untag:
    """Which tag, by the entry that put it on."""

    case: str
    entry: int

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"entry": self.entry}


@act(remarks.UNTAG, Needs.AUTHORITY)
def untag(session: Session, request: Untag) -> int:
    """Take a tag off; that it was there stays in the log.

    Raises:
        InputError: no tag in force was put on by that entry.
    """

    def build(connection: Connection) -> Sequence[Draft]:
        for one in remarks.of_case(connection, request.case):
            if one.entry == request.entry and one.tag is not None:
                facts: dict[str, Json] = {"item": one.item, "untag": {"entry": one.entry}}
                return [Draft(remarks.UNTAG, request.case, facts)]
        raise InputError(f"entry {request.entry} put on no tag that is still there", "look again")

    return session.custody.decide(build)[0].index


@dataclass(frozen=True)
class Comment:
    """Which event, by its place, and what is said of it."""

    case: str
    place: str
    comment: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"place": self.place}


@act(remarks.COMMENT, Needs.AUTHORITY)
def comment(session: Session, request: Comment) -> int:
    """Comment on an event; return the entry.

    Raises:
        InputError: no such event, or no text.
    """
    text = request.comment.strip()
    if not text or len(text) > _COMMENT:
        raise InputError(
            "a comment has no text, or too much of it", f"write up to {_COMMENT} characters"
        )
    cited = _cited(session, request.case, request.place)
    fields: dict[str, Json] = {"cited": cited["record"], "comment": text, "item": cited["item"]}
    return session.custody.enter(Draft(remarks.COMMENT, request.case, fields))[0].index


@dataclass(frozen=True)
class OneEvent:
    """Which event, by its place."""

    case: str
    place: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"place": self.place}


@dataclass(frozen=True)
class Remark:
    """A tag or a comment."""

    entry: int
    by: str
    time: str
    tag: str | None
    comment: str | None
    """None for a tag."""

    def as_json(self) -> dict[str, Json]:
        """Return what `remark list --json` prints."""
        return dict(vars(self))


@act("record.remarks", Needs.CASE, reads=True)
def said(session: Session, request: OneEvent) -> list[Remark]:
    """Return the tags and comments of an event, by entry: who, when, what.

    Raises:
        InputError: that is no place.
    """
    item, path, parser, _, seq = windows.named(request.place)
    session.vault.current()
    found = []
    for one in session.look_up(lambda c: remarks.of_case(c, request.case, [item])):
        if (one.path, one.parser, one.seq) != (path, parser, seq):
            continue
        (entry,) = session.vault.log.entries(one.entry, one.entry + 1)
        fields: dict[str, Any] = entry.fields
        found.append(
            Remark(
                one.entry,
                str((fields.get("actor") or {}).get("name", "(erased)")),
                str(fields.get("time", "(erased)")),
                one.tag,
                str(fields.get("comment", "(erased)")) if one.tag is None else None,
            )
        )
    return found


def _cited(session: Session, case: str, place: str) -> dict[str, Any]:
    """Return the record at a place of the timeline, as entries cite it.

    Raises:
        InputError: there is none in this case.
    """
    item, path, parser, kind, seq = windows.named(place)
    found = None
    if item in by_item(session, case):
        found = windows.find(session.vault.index(case), place)
    if found is None:
        raise InputError("there is no such event in this case's timeline", "look it up again")
    record: dict[str, Json] = {
        "kind": kind, "parser": parser, "path": path, "seq": seq, "version": found,
    }  # fmt: skip
    return {"item": item, "record": record}


def _same(row: Any, cited: dict[str, Any]) -> bool:
    record = cited["record"]
    return (row.path, row.parser, row.seq) == (record["path"], record["parser"], record["seq"])
