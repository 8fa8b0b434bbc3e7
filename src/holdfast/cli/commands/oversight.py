"""`oversight`, `audit`: what a supervisor and an auditor see; neither shows what evidence says."""

from __future__ import annotations

import click

from holdfast.cli.common import JSON, Where, emit, say, where


@click.command()
@where
@JSON
def oversight(place: Where, *, as_json: bool) -> None:
    """Show what waits, what ends soon and what nobody examined in the cases you supervise.

    \b
    Example:
      holdfast oversight
    """
    from holdfast.acts import overseeing  # noqa: PLC0415

    with place.session() as session:
        found = overseeing.oversight(session, overseeing.Oversee())
    if as_json:
        emit(found.as_json())
        return
    for one in found.cases:
        left = "closed" if one.closed else f"{one.days_left} days left"
        due = ", review due" if one.review_due else ""
        say(f"{one.case}  {left}{due}  {one.unexamined} of {one.items} items not examined")
        for handed in one.handovers:
            say(f"  waits to be accepted: {handed}")
        if one.undecided:
            say(f"  waits for the filter team: {one.undecided}")
        if one.holds:
            say(f"  legal holds: {one.holds}")
    for asked in found.waiting:
        say(f"request {asked.request}  {asked.kind} by {asked.by}, until {asked.expires}")
    for person in found.looked:
        rests = ", rests" if person.rests else ""
        say(f"{person.name} looked {person.views} times today, {person.minutes} minutes{rests}")


@click.command()
@where
@click.option("--from", "start", default="", metavar="TIME", help="From then on.")
@click.option("--to", "end", default="", metavar="TIME", help="Until then.")
@click.option("--by", default="", metavar="NAME", help="Only this person's acts.")
@click.option("--case", "of", default="", metavar="CASE", help="Only of this case.")
@JSON
def audit(place: Where, *, start: str, end: str, by: str, of: str, as_json: bool) -> None:
    """Show who read evidence, what left and what was refused; needs the role `auditor`.

    No search word, path or title is among it. That you audited is an entry, too.

    \b
    Example:
      holdfast audit --from 2026-05-01 --by bob
    """
    from holdfast.acts import auditing  # noqa: PLC0415

    with place.session() as session:
        found = auditing.audit(session, auditing.Audit(start, end, by, of))
    if as_json:
        emit(found.as_json())
        return
    say(f"{found.entries} entries by {found.people} people, {found.unsigned} unsigned")
    for read in found.reads:
        say(f"read     {read.by}  {read.case or '-'}  {read.act}  {read.times}  last {read.last}")
    for left in found.exports:
        to = f" to {left.recipient}" if left.recipient else ""
        say(f"left     {left.entry}  {left.time}  {left.by}  {left.case or '-'}  {left.act}{to}")
    for one in found.denials:
        say(f"refused  {one.entry}  {one.time}  {one.by}  {one.case or '-'}  {one.act}")
