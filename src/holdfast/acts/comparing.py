"""The act of comparing two captures: both are read, and the log says by whom and what was found.

The entry holds the verdict and the digest of the report; no text out of the evidence goes into the
log. The same two items give the same report again.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts import restricting
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.originals import open_file
from holdfast.cases import exhibits
from holdfast.collect.web import compare
from holdfast.core import durable
from holdfast.core.errors import InputError
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from holdfast.cases.exhibits import Exhibit
    from holdfast.collect.web.compare import Difference
    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class Compare:
    """Which two captures of a case: by exhibit, or digest."""

    case: str
    first: str
    second: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [self.first, self.second]}


@dataclass(frozen=True)
class Compared:
    """Two captures, and what differs between them."""

    first: Exhibit
    second: Exhibit
    difference: Difference
    entry: int

    def as_json(self) -> dict[str, Json]:
        """Return what `collect diff --json` prints."""
        return {
            "cloaking": self.difference.cloaking,
            "entry": self.entry,
            "exhibits": [self.first.label, self.second.label],
            "items": [self.first.item, self.second.item],
            "report": self.difference.report,
            "report_sha256": self.difference.digest,
            "verdict": self.difference.verdict,
            "what": self.difference.what,
        }


@act("collect.diff", Needs.AUTHORITY, long=True)
def compare_captures(session: Session, request: Compare) -> Compared:
    """Compare two captures of a case; what was found is entered before it is returned.

    Raises:
        InputError: the case has no such items, or it is one and the same.
        DeniedError: one of them is on a list of abuse material.
        ResourceError: no process can be started that reads them safely.
    """
    held = session.look_up(lambda c: list(exhibits.of_case(c, request.case)))
    first, second = (
        next(iter(exhibits.choose(held, [wanted]))) for wanted in (request.first, request.second)
    )
    if first.item == second.item:
        raise InputError(
            f"{request.first} and {request.second} are one item", "name two different captures"
        )
    restricting.check_preview(session, request.case, [first, second])
    return between(session, first, second)


def between(session: Session, first: Exhibit, second: Exhibit) -> Compared:
    """Compare two exhibits of one case, and enter what was found: an entry for each item.

    For acts that have checked their authority.
    """
    with ExitStack() as stack:
        with durable.disk_errors(session.vault.root):
            files = [
                stack.enter_context(open_file(session.vault, one)).fileno()
                for one in (first, second)
            ]
        difference = compare.compare(files[0], files[1])
    said: dict[str, Json] = {
        "cloaking": difference.cloaking,
        "items": [first.item, second.item],
        "report": difference.digest,
        "verdict": difference.verdict,
        "what": difference.what,
    }
    entries = session.custody.enter(
        *(
            Draft("collect.diff", one.case, {"item": one.item, "result": said})
            for one in (first, second)
        )
    )
    return Compared(first, second, difference, entries[-1].index)
