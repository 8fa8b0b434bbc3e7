"""Acts that show evidence: a page of a file, what lies in a container. One look, one entry.

The entry holds what was asked and the SHA-256 of what is shown; it is written before anything is.
Evidence is decoded in the sandbox only (`examine.viewing`). Abuse material is shown to nobody.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from holdfast.acts import exposing, restricting, veiling
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.originals import open_file
from holdfast.cases import exhibits
from holdfast.core import canonical, durable
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError
from holdfast.examine import contents, viewing
from holdfast.vault import restrictions
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.examine.contents import Inside
    from holdfast.examine.viewing import Shown

_PATH = 4096
"""Characters of a path inside an item that can be asked for."""
_PAGES = 1 << 40


@dataclass(frozen=True, kw_only=True)
class View:
    """Which page of which file is shown, and how."""

    case: str
    item: str
    """The exhibit, its digest, or the digest's first 8 or more digits."""
    inside: str = ""
    """The file's path inside the item; empty for the item itself."""
    viewer: str = ""
    page: int = 0
    part: str = ""
    picture: str = ""
    """Which picture of the page is wanted as well: `blurred` or `clear`."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        told: dict[str, Json] = {
            "as": self.viewer, "page": self.page, "part": self.part, "path": self.inside,
            "picture": self.picture,
        }  # fmt: skip
        return {"item": self.item, **{name: one for name, one in told.items() if one}}


@dataclass(frozen=True)
class Viewed:
    """A page that was shown."""

    exhibit: Exhibit
    shown: Shown
    entry: int
    picture: bytes | None = None
    """PNG, where one was asked for."""

    def as_json(self) -> dict[str, Json]:
        """Return what `view --json` prints."""
        return {
            "entry": self.entry, "exhibit": self.exhibit.label, "item": self.exhibit.item,
            "sha256": self.shown.digest, **self.shown.as_json(),
        }  # fmt: skip


@act("view", Needs.AUTHORITY, reads=True)
def view(session: Session, request: View) -> Viewed:
    """Show a page of a file; its entry comes before it.

    Raises:
        InputError: the case has no such exhibit, the page no such picture.
        DeniedError: it is on a list of abuse material, and who asks does not sit to look at such,
            or has looked enough; or it may be privileged.
        ResourceError: no process can be started that shows it safely.
    """
    exhibit, sitting = _to_look(session, request)
    _check(request.inside, request.page)
    asked = viewing.Asked(
        path=request.inside, viewer=request.viewer, page=request.page, part=request.part
    )
    with durable.disk_errors(session.vault.derived):
        shown = viewing.show(source(session, exhibit), asked)
    picture = None
    if request.picture and not shown.failed:
        if request.picture not in shown.pictures:
            raise InputError(
                f"this page has no picture {request.picture!r}", "ask for blurred or clear"
            )
        picture = viewing.picture(shown, request.picture)
    result: dict[str, Json] = {"sha256": shown.digest, "viewer": shown.viewer}
    if shown.failed:
        result["failed"] = shown.failed
    entry = enter(session, "view", exhibit, request.facts(), result, sitting=sitting)
    return Viewed(exhibit, shown, entry, picture)


@dataclass(frozen=True, kw_only=True)
class ListInside:
    """What of a container is listed."""

    case: str
    item: str
    inside: str = ""
    page: int = 0

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        told: dict[str, Json] = {"page": self.page, "path": self.inside}
        return {"item": self.item, **{name: one for name, one in told.items() if one}}


@dataclass(frozen=True)
class ListedInside:
    """Some of what lies in a container."""

    exhibit: Exhibit
    inside: Inside
    entry: int

    def as_json(self) -> dict[str, Json]:
        """Return what programs are told."""
        return {
            "entry": self.entry,
            "examined": self.inside.examined,
            "exhibit": self.exhibit.label,
            "item": self.exhibit.item,
            "members": [one.as_json() for one in self.inside.members],
            "more": self.inside.more,
            "stopped": self.inside.stopped or None,
        }


@act("view.inside", Needs.AUTHORITY, reads=True)
def list_inside(session: Session, request: ListInside) -> ListedInside:
    """List what lies directly in an item or in a file inside it, two hundred to a page.

    As the examination found it, where the item was examined; else as its openers find it now.

    Raises:
        InputError: the case has no such exhibit.
        DeniedError: it is on a list of abuse material.
        ResourceError: no process can be started that lists it safely.
    """
    exhibit = chosen(session, request.case, request.item, request.inside, of_bytes=False)
    _check(request.inside, request.page)
    with durable.disk_errors(session.vault.derived):
        found = contents.of(source(session, exhibit), request.inside, request.page)
    veil = veiling.veil(session, request.case)
    kept = tuple(one for one in found.members if not veil.covers(exhibit.item, one.path))
    found = replace(found, members=kept)
    rows: list[Json] = [one.as_json() for one in found.members]
    result: dict[str, Json] = {
        "members": len(rows), "more": found.more, "sha256": sha256_hex(canonical.dumps(rows)),
    }  # fmt: skip
    return ListedInside(
        exhibit, found, enter(session, "view.inside", exhibit, request.facts(), result)
    )


def _to_look(session: Session, request: View) -> tuple[Exhibit, int | None]:
    """Return the exhibit and, where it is on a list of abuse material, the sitting of this look.

    Raises:
        InputError: the case has no such exhibit, or it was not looked at blurred first.
        DeniedError: who asks may not look.
    """
    case = request.case
    held = session.look_up(lambda c: list(exhibits.of_case(c, case)))
    exhibit = next(iter(exhibits.choose(held, [request.item])))
    restricting.screen(session, case)
    if exhibit.item not in session.look_up(restrictions.restricted):
        restricting.check_preview(session, case, [exhibit], request.inside)
        return exhibit, None
    restricting.check_privilege(session, case, [exhibit], request.inside)
    sitting = exposing.sitting(session, case)
    if request.picture == "clear" and not sitting.views:
        raise InputError("abuse material is looked at blurred first", "ask for blurred")
    return exhibit, sitting.entry


def chosen(
    session: Session, case: str, item: str, path: str | None = None, *, of_bytes: bool = True
) -> Exhibit:
    """Return the exhibit that is meant, once it, or the file at `path` in it, may be looked at.

    Raises:
        InputError: the case has no such exhibit.
        DeniedError: it is on a list of abuse material.
    """
    held = session.look_up(lambda c: list(exhibits.of_case(c, case)))
    exhibit = next(iter(exhibits.choose(held, [item])))
    restricting.check_preview(session, case, [exhibit], path, of_bytes=of_bytes)
    return exhibit


def _check(path: str, page: int) -> None:
    if len(path) > _PATH or "\0" in path:
        raise InputError("no file inside an item has such a path")
    if not 0 <= page < _PAGES:
        raise InputError(f"there is no page {page + 1}", "count from 1")


def source(session: Session, exhibit: Exhibit) -> viewing.Source:
    """Return how viewers come to an exhibit's bytes."""
    vault = session.vault

    def opened() -> int:
        with open_file(vault, exhibit) as stream:
            return os.dup(stream.fileno())

    name = exhibit.path.rpartition("/")[2]
    return viewing.Source(vault.derived, exhibit.item, name, opened)


def enter(
    session: Session, name: str, exhibit: Exhibit, asked: dict[str, Json], result: dict[str, Json],
    *, sitting: int | None = None,
) -> int:  # fmt: skip
    """Enter a look at an exhibit, before anything is shown; return the entry's number."""
    fields: dict[str, Json] = {"item": exhibit.item, "request": asked, "result": result}
    fields |= {} if sitting is None else {"sitting": sitting}
    (entered,) = session.custody.enter(Draft(name, exhibit.case, fields))
    return entered.index
