"""The act of putting the authority's own document into the case: the order, warrant or consent."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts import collecting, pieces
from holdfast.acts.act import Needs, Session, act
from holdfast.collect.interfaces import path_field
from holdfast.core.errors import InputError
from holdfast.vault import casework

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from holdfast.core.canonical import Json
    from holdfast.vault.casework import Piece

KIND = "document"


@dataclass(frozen=True)
class Paper:
    """A document that the case stands on."""

    case: str
    path: str
    title: str = ""
    """What it is: `order of the court of X, 3 May`."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"path": path_field(os.fsencode(self.path))}


@act("case.document", Needs.AUTHORITY)
def attach(session: Session, request: Paper) -> Piece:
    """Collect the document as an exhibit, and enter that it is what the case stands on.

    The scope says where evidence may be taken from; this is none, so it doesn't bind here.

    Raises:
        InputError: it is no file, or could not be collected.
    """
    if not os.path.isfile(request.path):  # noqa: PTH113 - a Path raises on a NUL
        raise InputError(f"{request.path} is no file", "name the document's file")
    taken = collecting.collect_paper(session, request.case, request.path)
    words: dict[str, Json] = {
        "exhibit": taken.exhibit,
        "item": taken.item,
        "title": pieces.fitting(request.title, "a title") or "the authority",
    }
    return pieces.begin(
        session, "case.document", request.case, kind=KIND, state="kept", words=words
    )


def of_case(connection: Connection, case: str) -> list[Piece]:
    """Return the documents that a case stands on."""
    return casework.pieces(connection, case, KIND)
