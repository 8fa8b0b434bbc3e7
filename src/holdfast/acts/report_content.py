"""What a report says, taken from its case: findings, what they cite, exhibits, methods, people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from holdfast.acts import continuity, findings, restricting
from holdfast.acts.restricting import WITHHELD
from holdfast.cases import case as cases
from holdfast.cases import findings as rules
from holdfast.cases import people
from holdfast.core import clock
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError
from holdfast.examine import ledger as ledgers
from holdfast.examine import quoting
from holdfast.exchange.report import document, methods
from holdfast.exchange.report.content import (
    Cited,
    Content,
    Method,
    Shown,
    Standing,
    Statement,
    Step,
    Verified,
)
from holdfast.exchange.report.withholding import AUDIENCES, Person, withhold
from holdfast.exchange.report.words import Words
from holdfast.vault import casework, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from holdfast.acts.act import Session
    from holdfast.core.canonical import Json
    from holdfast.vault.casework import Piece

ENTITY = "entity"
_READS = frozenset({"read", "denial"})


@dataclass(frozen=True)
class Report:
    """Which findings, for whom, in which language."""

    case: str
    findings: tuple[int, ...] = ()
    """Numbers of reviewed findings; all of them, if left out. Those that speak for the suspect
    are in any report."""
    audience: str = "court"
    """One of `AUDIENCES`."""
    language: str = "en"
    docx: bool = False
    """Make a DOCX as well."""
    template: bytes | None = None
    """The unit's own DOCX, whose paragraphs say what goes where."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "audience": self.audience,
            "findings": list(self.findings),
            "language": self.language,
            **({"template": sha256_hex(self.template)} if self.template is not None else {}),
        }


def gathered(session: Session, request: Report) -> Content:
    """Return all that the report says, as its audience may read it; nothing is entered.

    Raises:
        InputError: no such finding, language or audience.
        DeniedError: a finding was not reviewed.
        IntegrityError: the log or derived data is damaged.
    """
    words = Words.of(request.language)
    if request.audience not in AUDIENCES:
        raise InputError(
            f"{request.audience!r} is no audience", f"choose from {', '.join(AUDIENCES)}"
        )
    every = session.look_up(lambda c: casework.pieces(c, request.case, findings.KIND))
    chosen = _chosen(session, request, every)
    case = session.look_up(lambda c: cases.find(c, request.case))
    hides = restricting.hidden(session, case.id)
    statements = tuple(_statement(session, one, hides) for one in chosen)
    exhibits = _exhibits(session, case.id, statements)
    head = session.vault.current()
    reviewed = [one for one in every if one.state == rules.REVIEWED]
    waiting = [one for one in every if one.state in {rules.DRAFT, rules.RETURNED}]
    standing = case.authority
    content = Content(
        language=request.language,
        case=case.id,
        title=case.title,
        purpose=case.purpose,
        authority=Standing(
            standing.basis,
            standing.issuer,
            standing.scope,
            clock.to_text(standing.valid_from),
            clock.to_text(standing.valid_until),
            _opened(session, case.id),
        ),
        audience=request.audience,
        made=clock.to_text(clock.now()),
        maker=session.operator,
        log=head.origin,
        entries=head.size,
        root=head.root.hex(),
        findings=statements,
        left_out=len(reviewed) - len(chosen),
        unreviewed=len(waiting),
        exhibits=exhibits,
        methods=_methods(statements, words),
        ledger=_ledger(session, exhibits),
        withheld={},
        validator="",
        software=document.software(),
    )
    return withhold(content, _people(session, case.id), words.person)


def _chosen(session: Session, request: Report, every: Sequence[Piece]) -> list[Piece]:
    """Return the findings of a report: those that were chosen, and those for the suspect.

    Raises:
        InputError: there is none of such a number.
        DeniedError: one was not reviewed, and so one that speaks for the suspect isn't in it.
    """
    reviewed = {one.number for one in every if one.state == rules.REVIEWED}
    for_suspect = {one.number for one in every if findings.speaks_for_suspect(one)} & reviewed
    wanted = sorted({*(request.findings or reviewed), *for_suspect})
    found = session.look_up(lambda c: findings.reportable(c, request.case, wanted))
    if not found:
        raise InputError(
            f"case {request.case} has no reviewed finding, so there is nothing to report",
            "write one: `holdfast finding add`, and have it reviewed",
        )
    return found


def _statement(session: Session, finding: Piece, hides: Any) -> Statement:
    said = finding.words
    grade = str(said.get("grade", "")).ljust(2)
    (*_, review) = list(findings.looked_at(finding, rules.PEER))
    return Statement(
        number=str(finding.number),
        title=str(said.get("title", "(erased)")),
        text=str(said.get("statement", "(erased)")),
        source=grade[0].strip(),
        information=grade[1].strip(),
        author=finding.authors[-1].name,
        reviewer=str(review["by"]),
        made=finding.latest,
        reviewed=int(review["entry"]),
        exonerates=findings.speaks_for_suspect(finding),
        cited=tuple(
            one for cited in said.get("cites", []) for one in _cited(session, cited, hides)
        ),
        method=str(said.get("method", "")),
        verified=tuple(
            Verified(
                str(one.get("outcome", "")), str(one.get("remarks", "")), one["by"], one["entry"]
            )
            for one in findings.looked_at(finding, rules.SECOND)
        ),
    )


def _cited(session: Session, cited: dict[str, Any], hides: Any) -> list[Cited]:
    """Return what a finding cites: a record as it is quoted, a file, or an exhibit as a whole."""
    exhibit, item, path = str(cited["exhibit"]), str(cited["item"]), str(cited.get("path", ""))
    by = next((name for name in ("row", "offset") if name in cited), "")
    if not by:
        return [Cited(exhibit, item, path, "", "", "", "", "", "")]
    at = int(cited[by])
    quoted = quoting.quote(session.vault.derived, item, path, by, at)
    place = f"{by} {at}"
    if not quoted:
        # Examined again since, or dropped: what was cited then is said, and that it isn't there.
        return [
            Cited(exhibit, item, path, place, one["kind"], "", "", one["parser"], _version(one))
            for one in cited.get("records", [])
        ] or [Cited(exhibit, item, path, place, "", "", "", "", "")]
    return [
        Cited(
            exhibit, item, path, place, one.kind, one.time,
            WITHHELD if hides(item, path, one.kind) else one.message, one.parser, one.version,
        )
        for one in quoted
    ]  # fmt: skip


def _version(record: dict[str, Any]) -> str:
    return str(record.get("version", ""))


def _exhibits(session: Session, case: str, statements: Iterable[Statement]) -> tuple[Shown, ...]:
    labels = dict.fromkeys(cited.exhibit for one in statements for cited in one.cited)
    shown = []
    for label in labels:
        stated, exhibit = continuity.of_exhibit(session, case, label)
        listed = [one for one in stated.steps if one.kind not in _READS]
        unchanged = stated.checked.startswith("hashed for this statement: unchanged")
        shown.append(
            Shown(
                label=stated.exhibit,
                item=stated.item,
                size=stated.size,
                path=stated.path,
                collected=exhibit.collected,
                entry=exhibit.entry,
                checked="unchanged" if unchanged else stated.checked,
                steps=tuple(
                    Step(one.entry, one.time, one.actor, one.signed, one.act, one.kind)
                    for one in listed
                ),
                more=len(stated.steps) - len(listed),
            )
        )
    return tuple(shown)


def _methods(statements: Iterable[Statement], words: Words) -> tuple[Method, ...]:
    used = {
        (cited.module, cited.version) for one in statements for cited in one.cited if cited.module
    }
    # What was cited as a whole was collected, and copying has its weaknesses, too.
    return tuple(
        methods.method(module, version, words) for module, version in sorted({*used, ("files", "")})
    )


def _ledger(session: Session, exhibits: Iterable[Shown]) -> dict[str, int]:
    sums: Counter[str] = Counter(
        dict.fromkeys(("failed", "not_examined", "parsed", "unsupported"), 0)
    )
    items = sorted({one.item for one in exhibits if one.item})
    for line in ledgers.ledger(session.vault.derived, items):
        if not line.module:
            for name in sums:
                sums[name] += getattr(line, name)
    return dict(sums)


def _opened(session: Session, case: str) -> int:
    table = tables.entries
    query = select(func.min(table.c.index)).where(table.c.case == case)
    return int(session.look_up(lambda c: c.scalar(query)) or 0)


def _people(session: Session, case: str) -> list[Person]:
    found = session.look_up(lambda c: casework.pieces(c, case, ENTITY))
    return [
        Person(
            role=str(one.words.get("role", people.OTHER)),
            details=tuple(
                str(detail)
                for detail in (
                    one.words.get("name", ""),
                    *(each["value"] for each in one.words.get("identifiers", [])),
                )
                if detail
            ),
            released=one.state == people.RELEASED,
        )
        for one in found
    ]
