"""The act of writing something down: a note on the case, or on a record of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts import citing, pieces
from holdfast.acts.act import Needs, Session, act

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.vault.casework import Piece


@dataclass(frozen=True)
class Note:
    """What is noted, and about what."""

    case: str
    text: str
    cites: tuple[str, ...] = ()
    """Records that it is about: see `citing`."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"cites": [*self.cites]}


@act("note.add", Needs.CASE)
def note(session: Session, request: Note) -> Piece:
    """Write a note; it can't be changed any more, as no page of a notebook can.

    Raises:
        InputError: there is no text, or what it cites is not in the case.
    """
    text = pieces.said(request.text, "a text", "--text TEXT")
    words: dict[str, Json] = {
        "cites": citing.resolved(session, request.case, request.cites),
        "text": text,
    }
    return pieces.begin(session, "note.add", request.case, kind="note", state="kept", words=words)
