"""The act of logging a decision: what was decided, why, what else was weighed, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts import pieces
from holdfast.acts.act import Needs, Session, act

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.vault.casework import Piece


@dataclass(frozen=True)
class Decision:
    """A decision on the case."""

    case: str
    decision: str
    reasons: str
    alternatives: str = ""
    """What else was weighed, and why it was not done."""
    decided_by: str = ""
    """Who decided; the operator, if left out."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"decided_by": self.decided_by}


@act("decision.add", Needs.CASE)
def decide(session: Session, request: Decision) -> Piece:
    """Log a decision; a later one may overrule it, but it stays.

    Raises:
        InputError: it says no decision, or no reasons.
    """
    words: dict[str, Json] = {
        "alternatives": pieces.fitting(request.alternatives, "alternatives"),
        "decided_by": pieces.fitting(request.decided_by, "a name") or session.operator,
        "decision": pieces.said(request.decision, "a decision", "--decision TEXT"),
        "reasons": pieces.said(request.reasons, "reasons", "--reasons TEXT"),
    }
    return pieces.begin(
        session, "decision.add", request.case, kind="decision", state="kept", words=words
    )
