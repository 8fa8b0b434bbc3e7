"""Findings: written, cited, graded, reviewed by another person before a report may have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import findings
from holdfast.cases.findings import INFORMATION, OUTCOMES, PEER, SECOND, SOURCES, grade_text
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page
from holdfast.web.said import Said

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("findings", N_("Findings"), order=730)
ONE = "/cases/{case}/findings/{number:int}"
WORDS = (
    N_("draft"), N_("returned"), N_("reviewed"), N_("withdrawn"), N_("passed"), N_("agrees"),
    N_("partly"), N_("disagrees"),
)  # fmt: skip
"""States and outcomes, for the catalogues."""
GRADES = (
    N_("no doubt about the source's trustworthiness, or always reliable so far"),
    N_("mostly reliable so far"),
    N_("mostly unreliable so far"),
    N_("its reliability can't be assessed"),
    N_("known to be accurate without reservation"),
    N_("known personally to the source, not to the officer"),
    N_("not known personally to the source, but corroborated"),
    N_("not known personally to the source, and not corroborated"),
)
"""What `cases.findings` says of grades, for the catalogues."""


@PAGE.get("/cases/{case}/findings", acts=["findings"])
def show(visit: Visit) -> Response:
    """List the findings."""
    found = findings.findings(visit.session, findings.ListFindings(visit.case))
    return visit.render("findings.html", findings=[Said(findings.as_json(one)) for one in found])


@PAGE.get("/cases/{case}/new-finding", acts=["finding.add"])
def ask(visit: Visit) -> Response:
    """Ask for a finding; `?cite=` names what it stands on."""
    return visit.render(
        "finding_new.html",
        sources=SOURCES,
        information=INFORMATION,
        cites="\n".join(visit.query.getlist("cite")),
        words=Said(),
    )


@PAGE.post("/cases/{case}/new-finding", acts=["finding.add"])
def add(visit: Visit) -> Response:
    """Write a finding."""
    made = findings.add_finding(
        visit.session,
        findings.AddFinding(
            visit.case, visit.field("title"), visit.field("statement"), visit.field("grade"),
            _cites(visit), visit.field("method"), bool(visit.field("for_suspect")),
        ),
    )  # fmt: skip
    return visit.go(
        f"/cases/{visit.case}/findings/{made.number}",
        gettext("The finding is a draft until another person has reviewed it."),
    )


@PAGE.get(ONE, acts=["findings"])
def one(visit: Visit) -> Response:
    """Show a finding, what it stands on, and who looked at it."""
    (found,) = findings.findings(
        visit.session, findings.ListFindings(visit.case, visit.path["number"])
    )
    return visit.render(
        "finding.html",
        finding=Said(findings.as_json(found)),
        latest=found.latest,
        own=visit.person.name in {one.name for one in found.authors},
        grade=[gettext(one) for one in grade_text(str(found.words.get("grade", ""))).split("; ")],
        sources=SOURCES,
        information=INFORMATION,
        outcomes=OUTCOMES,
    )


@PAGE.post(f"{ONE}/revise", acts=["finding.revise"])
def revise(visit: Visit) -> Response:
    """Say the finding anew."""
    asked = findings.ReviseFinding(
        visit.case, visit.path["number"], visit.field("title"), visit.field("statement"),
        visit.field("grade"), _cites(visit), visit.field("method"),
        bool(visit.field("for_suspect")),
    )  # fmt: skip
    findings.revise_finding(visit.session, asked)
    return _back(visit, gettext("The finding was revised; it has to be reviewed again."))


@PAGE.post(f"{ONE}/withdraw", acts=["finding.withdraw"])
def withdraw(visit: Visit) -> Response:
    """Withdraw the finding."""
    asked = findings.WithdrawFinding(visit.case, visit.path["number"], visit.field("reason"))
    findings.withdraw_finding(visit.session, asked)
    return _back(visit, gettext("The finding was withdrawn."))


@PAGE.post(f"{ONE}/review", acts=["finding.review"])
def review(visit: Visit) -> Response:
    """Say what a peer, or a second examiner, makes of the version that was shown."""
    version = visit.field("version")
    asked = findings.ReviewFinding(
        visit.case, visit.path["number"], visit.field("outcome"), visit.field("remarks"),
        SECOND if visit.field("way") == SECOND else PEER,
        int(version) if version.isascii() and version[:18].isdigit() else -1,
    )  # fmt: skip
    findings.review_finding(visit.session, asked)
    return _back(visit, gettext("What you make of it is entered."))


def _cites(visit: Visit) -> tuple[str, ...]:
    return tuple(one.strip() for one in visit.field("cites").splitlines() if one.strip())


def _back(visit: Visit, said: str) -> Response:
    return visit.go(f"/cases/{visit.case}/findings/{visit.path['number']}", said)
