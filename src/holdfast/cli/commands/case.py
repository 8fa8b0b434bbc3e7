"""`case`: open, show, list, close, and its team."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.acts import cases, papers, pieces, teams, zones
from holdfast.cases.access import ROLES
from holdfast.cases.case import WARN
from holdfast.cases.web_scope import WebScope
from holdfast.cli.commands.handover import handover
from holdfast.cli.common import CASE, EVIDENCE, JSON, Where, emit, say, warn, where
from holdfast.core import clock

if TYPE_CHECKING:
    from holdfast.cases.case import Case


ROLE = click.Choice(ROLES)


@click.group()
def case() -> None:
    """Open, show, list and close cases; say who works on them."""


case.add_command(handover)
DAYS = click.option(
    "--days", type=click.IntRange(0, 36_500), default=WARN, show_default=True, metavar="N",
    help="How far to look ahead.",
)  # fmt: skip


@case.command("open")
@where
@click.option("--title", required=True, metavar="T", help="What the case is called.")
@click.option("--basis", required=True, metavar="B", help="The legal basis: provision or order.")
@click.option("--authority", required=True, metavar="A", help="Who issued it.")
@click.option("--until", required=True, metavar="DATE", help="Last day (or time) it is valid.")
@click.option("--from", "start", default="", metavar="DATE", help="First day; now, if left out.")
@click.option(
    "--scope",
    multiple=True,
    metavar="S",
    help="A folder or file, which limits collecting; or domain:NAME, words. Repeat.",
)
@click.option("--purpose", default="", metavar="P", help="What the case is for.")
@click.option(
    "--review",
    default="",
    metavar="DATE",
    help="When to decide whether it is still needed; a year after --until, if left out.",
)
@click.option("--lead", default="", metavar="NAME", help="Who leads it; you, if left out.")
@click.option("--document", default="", metavar="FILE", help="The order itself, as an exhibit.")
@JSON
def open_(
    place: Where,
    *,
    title: str,
    basis: str,
    authority: str,
    until: str,
    start: str,
    scope: tuple[str, ...],
    purpose: str,
    lead: str,
    review: str,
    document: str,
    as_json: bool,
) -> None:
    """Open a case under an authority; nothing is done in a case outside it.

    \b
    Example:
      holdfast case open --title "Fake bank" --basis "CPA s. 8" --authority "Court of X" \\
        --until 2027-03-31 --scope /media/seized
    """
    request = cases.OpenCase(
        title, basis, authority, until, start, tuple(scope), purpose, lead, review
    )
    with place.session() as session:
        opened = cases.open_case(session, request)
        if document:
            papers.attach(session, papers.Paper(opened.id, document))
    for one in opened.authority.scope:
        if not (one.startswith(("path:", "domain:")) or WebScope.of(opened.id, [one]).entries):
            warn(f"the scope {one!r} is no file or folder here: it limits no collecting of files")
    if as_json:
        emit(opened.as_json())
    else:
        say(f"Opened case {opened.id}: {opened.title}")


@case.command("show")
@where
@click.argument("number", required=False)
@click.option("--case", "option", metavar="CASE", help="The case's number.")
@DAYS
@JSON
def show(place: Where, *, number: str | None, option: str | None, days: int, as_json: bool) -> None:
    """Show a case and its authority; warn where that ends soon.

    \b
    Example:
      holdfast case show 2026-0001
    """
    with place.session() as session:
        shown = cases.show_case(session, cases.OneCase(_one(number, option)))
        here = session.elsewhere is None
        documents = session.look_up(lambda c: papers.of_case(c, shown.id)) if here else []
    _show(shown, as_json=as_json)
    for one in () if as_json else documents:
        said = one.words
        say(f"{'document':<12} {said.get('exhibit')}  {said.get('title', '(erased)')}")
    if here and shown.ends_soon(clock.now(), days):
        warn(_left(shown))


@case.command("expiring")
@where
@DAYS
@JSON
def expiring(place: Where, *, days: int, as_json: bool) -> None:
    """List open cases whose authority ends soon, or has ended.

    \b
    Example:
      holdfast case expiring --days 14
    """
    with place.session() as session:
        for one in cases.expiring_cases(session, days):
            if as_json:
                emit({**one.as_json(), "days_left": one.days_left(clock.now())})
            else:
                say(f"{one.id}  {_left(one)}  {one.title}")


def _left(one: Case) -> str:
    left, until = one.days_left(clock.now()), clock.to_text(one.authority.valid_until)[:16]
    if left < 0:
        return f"the authority of case {one.id} ended at {until}Z"
    return f"the authority of case {one.id} ends at {until}Z, in {left} days"


@case.command("document")
@where
@click.argument("path", metavar=EVIDENCE)
@CASE
@click.option("--title", default="", metavar="T", help="What it is: order of the court of X.")
@JSON
def document(place: Where, *, path: str, case: str, title: str, as_json: bool) -> None:
    """Put the authority's own document (order, warrant, consent) into the case, as an exhibit.

    \b
    Example:
      holdfast case document order.pdf --case 2026-0001 --title "Order of 3 May"
    """
    with place.session() as session:
        made = papers.attach(session, papers.Paper(case, path, title))
    if as_json:
        emit(pieces.as_json(made))
    else:
        say(f"{made.words['exhibit']}: {made.words['title']}")


@case.command("list")
@where
@JSON
def list_(place: Where, *, as_json: bool) -> None:
    """List the vault's cases, oldest first.

    \b
    Example:
      holdfast case list
    """
    with place.session() as session:
        for one in cases.some_cases(session, cases.ListCases()):
            if as_json:
                emit(one.as_json())
            else:
                state = f"closed {one.closed}" if one.closed else "open"
                say(f"{one.id}  {state:<6}  {one.exhibits:>6} exhibits  {one.title}")


@case.command("due")
@where
@JSON
def due(place: Where, *, as_json: bool) -> None:
    """List cases whose review date has passed. Nothing is deleted by itself.

    \b
    Example:
      holdfast case due
    """
    with place.session() as session:
        for one in cases.due_cases(session):
            if as_json:
                emit(one.as_json())
            else:
                facts = one.as_json()
                say(f"{one.id}  due {facts['review']}  {one.exhibits:>6} exhibits  {one.title}")


@case.command("team")
@where
@click.argument("number", required=False)
@click.option("--case", "option", metavar="CASE", help="The case's number.")
@JSON
def team(place: Where, *, number: str | None, option: str | None, as_json: bool) -> None:
    """List who works on a case, in which roles.

    \b
    Example:
      holdfast case team 2026-0001
    """
    with place.session() as session:
        for one in teams.members(session, cases.OneCase(_one(number, option))):
            if as_json:
                emit(one.as_json())
            else:
                say(f"{one.name:<20} {', '.join(one.roles)}  (entry {one.since})")


@case.command("role")
@where
@click.argument("name")
@click.option("--case", "number", required=True, metavar="CASE", help="The case's number.")
@click.option("--add", "added", multiple=True, type=ROLE, help="A role that NAME gets; repeat.")
@click.option("--remove", "removed", multiple=True, type=ROLE, help="One that NAME loses; repeat.")
@JSON
def role(
    place: Where,
    *,
    name: str,
    number: str,
    added: tuple[str, ...],
    removed: tuple[str, ...],
    as_json: bool,
) -> None:
    """Give NAME roles in a case, or take them. Without a role nobody works on a case or reads it.

    \b
    Example:
      holdfast case role bob --case 2026-0001 --add examiner
    """
    request = teams.ChangeTeam(number, name, added, removed)
    with place.session() as session:
        held = teams.change_team(session, request)
    if as_json:
        emit({"case": number, "operator": name, "roles": list(held)})
    else:
        say(f"{name} is {', '.join(held) or 'nobody'} in case {number}")


@case.command("zone")
@where
@click.argument("zone")
@click.option("--case", "number", required=True, metavar="CASE", help="The case's number.")
@JSON
def zone(place: Where, *, zone: str, number: str, as_json: bool) -> None:
    """State the case's time zone: pages show every time by UTC and by it.

    \b
    Example:
      holdfast case zone Africa/Nairobi --case 2026-0001
    """
    with place.session() as session:
        changed = zones.set_zone(session, zones.SetZone(number, zone))
    if as_json:
        emit(changed.as_json())
    else:
        say(f"Case {changed.id} reads its clocks in {changed.zone}")


@case.command("close")
@where
@click.argument("number", required=False)
@click.option("--case", "option", metavar="CASE", help="The case's number.")
@click.option("--reason", default="concluded", show_default=True, help="Why it ends.")
@JSON
def close(
    place: Where, *, number: str | None, option: str | None, reason: str, as_json: bool
) -> None:
    """Close a case: nothing is collected or examined in it any more.

    \b
    Example:
      holdfast case close 2026-0001 --reason "judgment of 3 May"
    """
    request = cases.CloseCase(_one(number, option), reason)
    with place.session() as session:
        closed = cases.close_case(session, request)
    if as_json:
        emit(closed.as_json())
    else:
        say(f"Closed case {closed.id}: {reason}")


def _one(number: str | None, option: str | None) -> str:
    """Return the case named as an argument or as an option.

    Raises:
        UsageError: neither, or two that differ.
    """
    named = {one for one in (number, option) if one}
    if len(named) != 1:
        raise click.UsageError("name one case: its number, or --case NUMBER")
    return named.pop()


def _show(one: Case, *, as_json: bool) -> None:
    facts = one.as_json()
    if as_json:
        emit(facts)
        return
    for name in ("case", "title", "purpose", "lead", "basis", "authority", "scope"):
        value = facts[name]
        text = ", ".join(str(v) for v in value) if isinstance(value, list) else str(value)
        say(f"{name:<12} {text or '(not limited)' if name == 'scope' else text}")
    say(f"{'valid':<12} {facts['valid_from']} to {facts['valid_until']}")
    say(f"{'review':<12} {facts['review']}")
    say(f"{'zone':<12} {facts['zone']}")
    say(f"{'exhibits':<12} {facts['exhibits']}")
    say(f"{'opened':<12} {facts['opened']}")
    if one.closed:
        say(f"{'closed':<12} {one.closed}: {one.closed_why}")
