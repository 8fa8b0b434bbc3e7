"""The act of putting the authority's own document into the case: the order, warrant or consent."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from holdfast.acts import collecting, pieces
from holdfast.acts.act import Needs, Session, act
from holdfast.collect.interfaces import path_field
from holdfast.core.errors import InputError
from holdfast.vault import casework

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@contextmanager
def received(name: str, stream: BinaryIO) -> Iterator[str]:
    """Keep a document that a browser sent in a folder of its own; yield its path for `Paper`."""
    kept = "".join(one for one in Path(name).name if one.isprintable())[-100:].strip(". ")
    with tempfile.TemporaryDirectory(prefix="holdfast-document-") as folder:
        path = Path(folder) / (kept or "document")
        with path.open("xb") as target:
            shutil.copyfileobj(stream, target)
        yield str(path)


def of_case(connection: Connection, case: str) -> list[Piece]:
    """Return the documents that a case stands on."""
    return casework.pieces(connection, case, KIND)
