"""Acts on findings: written, revised, looked at by another person, withdrawn.

What speaks for the suspect is marked, and no later version takes that mark off: it goes with
every hand-over from then on (`bundling`), whatever becomes of the finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.acts import citing, pieces
from holdfast.acts.act import Needs, Session, act
from holdfast.cases import findings as rules
from holdfast.cases.findings import Person
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import casework, team

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json
    from holdfast.vault.casework import Piece
    from holdfast.vault.entry import Draft

KIND = "finding"
FOR_SUSPECT = "for_suspect"


@dataclass(frozen=True)
class AddFinding:
    """What was found, what shows it, and how good that is."""

    case: str
    title: str
    statement: str
    grade: str
    """4x4: `A1` to `X4`."""
    cites: tuple[str, ...]
    method: str = ""
    """How it was found, and what that method can't show."""
    for_suspect: bool = False
    """Whether it speaks for the suspect."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"cites": [*self.cites], "for_suspect": self.for_suspect, "grade": self.grade}


@act("finding.add", Needs.CASE)
def add_finding(session: Session, request: AddFinding) -> Piece:
    """Write a finding; it is a draft until another person has reviewed it.

    Raises:
        InputError: no title or statement, no such grade, or nothing in the case is cited.
    """
    return pieces.begin(
        session,
        "finding.add",
        request.case,
        kind=KIND,
        state=rules.DRAFT,
        words=_words(session, request),
    )


def _words(session: Session, request: AddFinding) -> dict[str, Json]:
    cites = citing.resolved(session, request.case, request.cites)
    if not cites:
        raise InputError("a finding cites what shows it", "name a record: --cite AL/1:PATH#row=3")
    return {
        "cites": cites,
        FOR_SUSPECT: request.for_suspect,
        "grade": rules.check_grade(request.grade),
        "method": pieces.fitting(request.method, "a method"),
        "statement": pieces.said(request.statement, "a statement", "--statement TEXT"),
        "title": pieces.said(request.title, "a title", "TITLE"),
    }


@dataclass(frozen=True)
class ReviseFinding:
    """What of a finding is said anew; None leaves it as it is."""

    case: str
    finding: int
    title: str | None = None
    statement: str | None = None
    grade: str | None = None
    cites: tuple[str, ...] | None = None
    """All that it cites from now on."""
    method: str | None = None
    for_suspect: bool = False

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"finding": self.finding, "for_suspect": self.for_suspect, "grade": self.grade}


@act("finding.revise", Needs.CASE)
def revise_finding(session: Session, request: ReviseFinding) -> Piece:
    """Say a finding anew: it is a draft again, to be reviewed again.

    Raises:
        InputError: no such finding, or what it says is not in order.
        DeniedError: it was withdrawn.
    """
    before = pieces.find(session, request.case, KIND, request.finding).words

    def kept(name: str, given: str | None) -> str:
        return str(before.get(name, "")) if given is None else given

    cites = request.cites
    if cites is None:
        cites = tuple(citing.shown(one) for one in before.get("cites", []))
    words = _words(
        session,
        AddFinding(
            request.case, kept("title", request.title), kept("statement", request.statement),
            kept("grade", request.grade), cites, kept("method", request.method),
        ),
    )  # fmt: skip

    def revise(
        found: Piece, _connection: Connection
    ) -> tuple[str, Mapping[str, Json], Sequence[Draft]]:
        _check_stands(found)
        # The mark is for good: nobody takes it off before a hand-over and puts it back after.
        marked = request.for_suspect or speaks_for_suspect(found)
        return rules.DRAFT, {**words, FOR_SUSPECT: marked}, ()

    return pieces.go_on(
        session, "finding.revise", request.case, kind=KIND, number=request.finding, decide=revise
    )


def speaks_for_suspect(finding: Piece) -> bool:
    """Say whether any version of a finding is marked as speaking for the suspect."""
    return any(one.words.get(FOR_SUSPECT) for one in finding.authors)


def _check_stands(finding: Piece) -> None:
    if finding.state == rules.WITHDRAWN:
        raise DeniedError(f"finding {finding.number} was withdrawn", "write a new one")


@dataclass(frozen=True)
class WithdrawFinding:
    """Which finding, and why it is no longer held."""

    case: str
    finding: int
    reason: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"finding": self.finding}


@act("finding.withdraw", Needs.CASE)
def withdraw_finding(session: Session, request: WithdrawFinding) -> Piece:
    """Withdraw a finding: it stays readable, and enters no report any more.

    Raises:
        InputError: no such finding, or no reason.
        DeniedError: it was withdrawn before.
    """
    reason = pieces.said(request.reason, "a reason", "--reason TEXT")

    def withdraw(
        found: Piece, _connection: Connection
    ) -> tuple[str, Mapping[str, Json], Sequence[Draft]]:
        _check_stands(found)
        return rules.WITHDRAWN, {"reason": reason}, ()

    return pieces.go_on(
        session,
        "finding.withdraw",
        request.case,
        kind=KIND,
        number=request.finding,
        decide=withdraw,
    )


@dataclass(frozen=True)
class ReviewFinding:
    """Who looked at a finding in which way is the entry's; what it came to is here."""

    case: str
    finding: int
    outcome: str
    """`passed` or `returned`; of a verification `agrees`, `partly` or `disagrees`."""
    remarks: str = ""
    kind: str = rules.PEER
    """`review`: a peer reads it. `verification`: a second examiner examines again."""
    version: int | None = None
    """The entry of the version that was looked at; the newest, if left out."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"finding": self.finding, "kind": self.kind, "outcome": self.outcome}


@act("finding.review", Needs.CASE)
def review_finding(session: Session, request: ReviewFinding) -> Piece:
    """Say what another person makes of a finding: a peer's review, or a second examination.

    Raises:
        InputError: no such finding or outcome; or another outcome than the best, without remarks;
            or it was revised since the version that was looked at.
        DeniedError: the operator wrote it, or it was withdrawn.
    """
    remarks = pieces.fitting(request.remarks, "remarks")
    best = rules.OUTCOMES.get(request.kind, ("",))[0]
    if not remarks and (request.outcome != best or request.kind == rules.SECOND):
        raise InputError("that needs remarks", "say what was looked at and found: --remarks TEXT")

    def review(
        found: Piece, _connection: Connection
    ) -> tuple[str, Mapping[str, Json], Sequence[Draft]]:
        me = Person(session.operator, session.custody.key_id)
        rules.check_other(found.number, me, [Person(one.name, one.key) for one in found.authors])
        state = rules.state_after(found.state, request.kind, request.outcome)
        if request.version not in {None, found.latest}:
            raise InputError(
                f"finding {found.number} was revised meanwhile", "read its newest version first"
            )
        words: dict[str, Json] = {
            "outcome": request.outcome, "remarks": remarks, "version": found.latest,
            "way": request.kind,
        }  # fmt: skip
        return state, words, ()

    return pieces.go_on(
        session, "finding.review", request.case, kind=KIND, number=request.finding, decide=review
    )


@dataclass(frozen=True)
class ListFindings:
    """Which findings of a case."""

    case: str
    number: int | None = None
    state: str = ""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"number": self.number, "state": self.state}


@act("findings", Needs.CASE, reads=True)
def findings(session: Session, request: ListFindings) -> list[Piece]:
    """Return the case's findings; to the defence, those that speak for the suspect.

    Raises:
        InputError: there is none of that number to see.
    """
    numbers = None if request.number is None else [request.number]
    found = session.look_up(lambda c: casework.pieces(c, request.case, KIND, numbers))
    roles = session.look_up(lambda c: team.held(c, request.case, session.operator))
    if roles <= {"defence"}:
        found = [one for one in found if speaks_for_suspect(one)]
    if request.number is not None and not found:
        raise InputError(
            f"case {request.case} has no finding {request.number}", "see `holdfast finding list`"
        )
    return [one for one in found if request.state in {"", one.state}]


def reportable(connection: Connection, case: str, numbers: Sequence[int]) -> list[Piece]:
    """Return findings that a report may have; and none without those for the suspect.

    Raises:
        InputError: there is none of such a number.
        DeniedError: one was not reviewed, or one that speaks for the suspect is left out.
    """
    every = {one.number: one for one in casework.pieces(connection, case, KIND)}
    for number in numbers:
        if number not in every:
            raise InputError(f"case {case} has no finding {number}", "see `holdfast finding list`")
        rules.check_reportable(number, every[number].state)
    for one in every.values():
        if one.number not in numbers and one.state != rules.WITHDRAWN and speaks_for_suspect(one):
            raise DeniedError(
                f"finding {one.number} speaks for the suspect and is left out",
                "have it reviewed, and put it in",
            )
    return [every[number] for number in numbers]


def looked_at(finding: Piece, way: str) -> list[dict[str, Any]]:
    """Return the reviews of a kind that are of a finding's newest version."""
    return [
        {**one.words, "by": one.name, "entry": one.entry, "time": one.time}
        for one in finding.steps
        if one.act == "finding.review"
        and one.words.get("way") == way and one.words.get("version") == finding.latest
    ]  # fmt: skip


def for_suspect(connection: Connection, case: str) -> list[Piece]:
    """Return the findings that go with every hand-over: those that speak for the suspect."""
    return [one for one in casework.pieces(connection, case, KIND) if speaks_for_suspect(one)]


def as_json(finding: Piece) -> dict[str, Any]:
    """Return a finding as `--json` prints it."""
    return {
        **pieces.as_json(finding),
        "cites": citing.told(finding.words.get("cites", [])),
        FOR_SUSPECT: speaks_for_suspect(finding),
        "reviews": looked_at(finding, rules.PEER),
        "verifications": looked_at(finding, rules.SECOND),
    }
