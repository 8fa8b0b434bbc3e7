"""The act of taking an original out of the vault: a copy, hashed on its way.

Its entry comes before the first byte. It goes out as bytes to be kept, never to be opened here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.originals import open_original
from holdfast.acts.viewing import chosen
from holdfast.core import durable
from holdfast.core.digest import CHUNK
from holdfast.core.errors import IntegrityError
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Generator

    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class GetItem:
    """Which exhibit."""

    case: str
    item: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"item": self.item}


@dataclass(frozen=True)
class Taken:
    """An original on its way out."""

    exhibit: Exhibit
    entry: int
    pieces: Generator[bytes, None, None]
    """Its bytes; to be read once, to their end."""


@act("item.get", Needs.AUTHORITY, reads=True)
def get_item(session: Session, request: GetItem) -> Taken:
    """Give a copy of an original.

    Raises:
        InputError: the case has no such exhibit.
        DeniedError: it is on a list of abuse material, which leaves in a bundle only.
        IntegrityError: the object is missing; while the pieces are read: it was altered.
    """
    exhibit = chosen(session, request.case, request.item)
    with durable.disk_errors(session.vault.derived):
        stream = open_original(session.vault, exhibit)
    fields: dict[str, Json] = {
        "item": exhibit.item, "request": request.facts(), "result": {"size": exhibit.size},
    }  # fmt: skip
    try:
        (entered,) = session.custody.enter(Draft("item.get", exhibit.case, fields))
    except BaseException:
        stream.close()
        raise

    def pieces() -> Generator[bytes, None, None]:
        hasher = hashlib.sha256()
        with stream:
            while chunk := stream.read(CHUNK):
                hasher.update(chunk)
                yield chunk
        if hasher.hexdigest() != exhibit.item:
            raise IntegrityError(
                f"{exhibit.label} is not what it was when it was collected", "run `holdfast verify`"
            )

    return Taken(exhibit, entered.index, pieces())


def safe_name(exhibit: Exhibit) -> str:
    """Return a name for the copy that leads nowhere and means nothing to a shell.

    It starts with the exhibit, so that copies of one case don't take one another's place.
    """
    last = exhibit.path.rpartition("/")[2]
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in last)
    return f"{exhibit.label.replace('/', '-')}_{kept[-100:].lstrip('.-') or 'item'}"
