"""`finding`: write, revise, review, withdraw and read findings."""

from __future__ import annotations

from typing import Any

import click

from holdfast.acts import findings
from holdfast.cases.findings import OUTCOMES, PEER, SECOND, grade_text
from holdfast.cli.commands.work import CITE, tell
from holdfast.cli.common import CASE, JSON, Where, emit, say, where

NUMBER = click.argument("number", type=click.IntRange(1, 10**9))
FOR_SUSPECT = click.option(
    "--for-suspect", is_flag=True, help="It speaks for the suspect: it goes with every hand-over."
)


@click.group()
def finding() -> None:
    """Write findings that cite records; have them reviewed."""


@finding.command("add")
@where
@click.argument("title")
@CASE
@click.option("--statement", required=True, metavar="T", help="What was found.")
@click.option("--grade", required=True, metavar="G", help="Source A B C X, information 1 to 4: B2.")
@CITE
@click.option("--method", default="", metavar="T", help="How, and what that can't show.")
@FOR_SUSPECT
@JSON
def add(
    place: Where,
    *,
    title: str,
    case: str,
    statement: str,
    grade: str,
    cites: tuple[str, ...],
    method: str,
    for_suspect: bool,
    as_json: bool,
) -> None:
    """Write a finding: a draft, until another person has reviewed it.

    \b
    Example:
      holdfast finding add "The page asks for a PIN" --case 2026-0001 --grade A1 \\
        --statement "Its form sends the PIN to pin.example" --cite AL/1
    """
    request = findings.AddFinding(case, title, statement, grade, cites, method, for_suspect)
    with place.session() as session:
        made = findings.add_finding(session, request)
    tell(made, f"Finding {made.number}: {made.state}", as_json=as_json)


@finding.command("revise")
@where
@NUMBER
@CASE
@click.option("--title", metavar="T", help="What it is called.")
@click.option("--statement", metavar="T", help="What was found.")
@click.option("--grade", metavar="G", help="Source A B C X, information 1 to 4: B2.")
@CITE
@click.option("--method", metavar="T", help="How, and what that can't show.")
@FOR_SUSPECT
@JSON
def revise(
    place: Where,
    *,
    number: int,
    case: str,
    title: str | None,
    statement: str | None,
    grade: str | None,
    cites: tuple[str, ...],
    method: str | None,
    for_suspect: bool,
    as_json: bool,
) -> None:
    """Say a finding anew; it has to be reviewed again. No revision takes --for-suspect off.

    \b
    Example:
      holdfast finding revise 1 --case 2026-0001 --statement "Its form sends the PIN by POST"
    """
    request = findings.ReviseFinding(
        case, number, title, statement, grade, cites or None, method, for_suspect
    )
    with place.session() as session:
        made = findings.revise_finding(session, request)
    tell(made, f"Finding {made.number}: {made.state}", as_json=as_json)


@finding.command("withdraw")
@where
@NUMBER
@CASE
@click.option("--reason", required=True, metavar="T", help="Why it is no longer held.")
@JSON
def withdraw(place: Where, *, number: int, case: str, reason: str, as_json: bool) -> None:
    """Withdraw a finding: it stays readable, and enters no report.

    \b
    Example:
      holdfast finding withdraw 1 --case 2026-0001 --reason "The clock was wrong"
    """
    with place.session() as session:
        made = findings.withdraw_finding(session, findings.WithdrawFinding(case, number, reason))
    tell(made, f"Finding {made.number}: {made.state}", as_json=as_json)


@finding.command("review")
@where
@NUMBER
@CASE
@click.option("--outcome", required=True, type=click.Choice(OUTCOMES[PEER]))
@click.option("--remarks", default="", metavar="T", help="What to mend.")
@JSON
def review(
    place: Where, *, number: int, case: str, outcome: str, remarks: str, as_json: bool
) -> None:
    """Review a finding of somebody else: passed, it may enter a report.

    \b
    Example:
      holdfast finding review 1 --case 2026-0001 --outcome passed
    """
    request = findings.ReviewFinding(case, number, outcome, remarks)
    with place.session() as session:
        made = findings.review_finding(session, request)
    tell(made, f"Finding {made.number}: {made.state}", as_json=as_json)


@finding.command("verify")
@where
@NUMBER
@CASE
@click.option("--outcome", required=True, type=click.Choice(OUTCOMES[SECOND]))
@click.option("--remarks", required=True, metavar="T", help="How it was examined again.")
@JSON
def verify(
    place: Where, *, number: int, case: str, outcome: str, remarks: str, as_json: bool
) -> None:
    """Record that you examined the evidence again, and whether you come to the same.

    \b
    Example:
      holdfast finding verify 1 --case 2026-0001 --outcome agrees --remarks "Read by hand"
    """
    request = findings.ReviewFinding(case, number, outcome, remarks, SECOND)
    with place.session() as session:
        made = findings.review_finding(session, request)
    tell(made, f"Finding {made.number}: {made.state}", as_json=as_json)


@finding.command("list")
@where
@CASE
@JSON
def list_(place: Where, *, case: str, as_json: bool) -> None:
    """List the findings of a case.

    \b
    Example:
      holdfast finding list --case 2026-0001
    """
    with place.session() as session:
        for one in findings.findings(session, findings.ListFindings(case)):
            facts = findings.as_json(one)
            if as_json:
                emit(facts)
                continue
            speaks = "  FOR THE SUSPECT" if facts["for_suspect"] else ""
            title = facts.get("title", "(erased)")
            say(f"{one.number:>4}  {one.state:<9} {facts.get('grade', ''):<3} {title}{speaks}")


@finding.command("show")
@where
@NUMBER
@CASE
@JSON
def show(place: Where, *, number: int, case: str, as_json: bool) -> None:
    """Show a finding, what it cites, and who looked at it.

    \b
    Example:
      holdfast finding show 1 --case 2026-0001
    """
    with place.session() as session:
        (found,) = findings.findings(session, findings.ListFindings(case, number))
    facts = findings.as_json(found)
    if as_json:
        emit(facts)
        return
    say(f"{'finding':<12} {number}: {facts.get('title', '(erased)')}")
    say(f"{'state':<12} {found.state}")
    say(f"{'by':<12} {facts['by']}, {facts['time']}")
    grade = str(facts.get("grade", ""))
    say(f"{'grade':<12} {grade}: {grade_text(grade)}")
    if facts["for_suspect"]:
        say(f"{'speaks':<12} for the suspect: goes with every hand-over")
    say(f"{'statement':<12} {facts.get('statement', '(erased)')}")
    say(f"{'method':<12} {facts.get('method') or '(not said)'}")
    for one in facts["cites"]:
        say(f"{'cites':<12} {one['as']}  {one['item'][:16]}")
    for way in ("reviews", "verifications"):
        for one in facts[way]:
            say(f"{way[:-1]:<12} {_looked(one)}")


def _looked(one: dict[str, Any]) -> str:
    remarks = f": {one['remarks']}" if one.get("remarks") else ""
    return f"{one.get('outcome', '')} by {one['by']}, {one['time']}{remarks}"
