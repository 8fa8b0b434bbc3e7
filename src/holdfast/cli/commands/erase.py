"""`erase`, `hold`, `requests`, `request`: what one person alone can't do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.acts import approving, erasing, holding
from holdfast.cli.common import CASE, JSON, Where, emit, say, where

if TYPE_CHECKING:
    from holdfast.acts.two_person import Asked

ORDER = click.option(
    "--order", required=True, metavar="TEXT", help="Whose order: court, file, day."
)
NUMBER = click.argument("number", type=click.IntRange(0, 2**53), metavar="REQUEST")
REASON = click.option("--reason", default="", metavar="TEXT", help="Why.")


def tell(asked: Asked, *, as_json: bool) -> None:
    """Print a request that was entered, and what is to become of it."""
    if as_json:
        emit(asked.as_json())
        return
    say(f"Asked, as request {asked.entry}: {_brief(asked)}")
    say(
        f"Somebody else approves it until {asked.expires}: "
        f"holdfast request approve {asked.entry} --operator NAME"
    )


@click.group()
def erase() -> None:
    """Erase by order; another person must approve."""


@erase.command("request")
@where
@CASE
@ORDER
@click.argument("items", nargs=-1, metavar="[ITEM]...")
@click.option(
    "--entry",
    "entries",
    multiple=True,
    type=click.IntRange(0, 2**53),
    metavar="N",
    help="An entry of the case that is to lose fields; repeat.",
)
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="F",
    help="Which fields of these entries; all that can be, if left out.",
)
@click.option(
    "--days", default=14, show_default=True, type=click.IntRange(1, 366), help="How long it waits."
)
@JSON
def erase_request(
    place: Where,
    *,
    case: str,
    order: str,
    items: tuple[str, ...],
    entries: tuple[int, ...],
    fields: tuple[str, ...],
    days: int,
    as_json: bool,
) -> None:
    """Ask to erase exhibits or fields of entries. Nothing is erased before it is approved.

    ITEM is an exhibit (AL/1), or a digest or its first digits: then every exhibit of these bytes.

    \b
    Example:
      holdfast erase request --case 2026-0001 --order "District Court, 3 May, 4 Gs 12/26" AL/7
    """
    request = erasing.Erasure(case, order, items, entries, fields, days)
    with place.session() as session:
        tell(erasing.request_erasure(session, request), as_json=as_json)


@erase.command("approve")
@where
@NUMBER
@JSON
def erase_approve(place: Where, *, number: int, as_json: bool) -> None:
    """Approve a request, as another person; with the last approval it is carried out.

    \b
    Example:
      holdfast erase approve 41 --operator bob
    """
    _approve(place, number, as_json=as_json)


@erase.command("list")
@where
@JSON
def erase_list(place: Where, *, as_json: bool) -> None:
    """List what was erased, and the backups that were not repeated since.

    \b
    Example:
      holdfast erase list --json
    """
    with place.session() as session:
        for one in erasing.orders(session):
            if as_json:
                emit(one.as_json())
                continue
            mass = ", a mass deletion" if one.mass else ""
            say(f"entry {one.entry}  {one.time}  case {one.case}  {one.items} items{mass}")
            say(f"  by order {one.order}")
            for copy in one.behind:
                say(f"  the backup {copy} holds it still: repeat `holdfast backup {copy}`")


@erase.command("limits")
@where
@click.option(
    "--entries", required=True, type=click.IntRange(0, 2**53), help="Entries in 24 hours."
)
@click.option(
    "--bytes", "size", required=True, type=click.IntRange(0, 2**53), help="Bytes in 24 hours."
)
@JSON
def erase_limits(place: Where, *, entries: int, size: int, as_json: bool) -> None:
    """Ask to change from where on an erasure needs a second approval; it must be approved, too.

    \b
    Example:
      holdfast erase limits --entries 20 --bytes 1000000000
    """
    with place.session() as session:
        asked = erasing.request_limits(session, erasing.Limits(entries, size))
        tell(asked, as_json=as_json)


@click.group()
def hold() -> None:
    """Set, list and lift legal holds, which stop erasure."""


@hold.command("set")
@where
@CASE
@ORDER
@click.argument("items", nargs=-1, metavar="[ITEM]...")
@JSON
def hold_set(place: Where, *, case: str, order: str, items: tuple[str, ...], as_json: bool) -> None:
    """Hold items, or the whole case: nothing of it may be erased.

    \b
    Example:
      holdfast hold set --case 2026-0001 --order "Court of Appeal, 9 June" AL/7
    """
    with place.session() as session:
        entry = holding.set_hold(session, holding.SetHold(case, order, items))
    if as_json:
        emit({"case": case, "entry": entry, "items": list(items)})
    else:
        say(f"Held by entry {entry}; to lift it: holdfast hold lift {entry} --order TEXT")


@hold.command("lift")
@where
@click.argument("entry", type=click.IntRange(0, 2**53), metavar="HOLD")
@ORDER
@JSON
def hold_lift(place: Where, *, entry: int, order: str, as_json: bool) -> None:
    """Ask to lift the hold that entry HOLD set; another person approves.

    \b
    Example:
      holdfast hold lift 57 --order "Court of Appeal, 1 August"
    """
    with place.session() as session:
        tell(holding.request_lift(session, holding.LiftHold(entry, order)), as_json=as_json)


@hold.command("list")
@where
@JSON
def hold_list(place: Where, *, as_json: bool) -> None:
    """List the holds, and what became of them.

    \b
    Example:
      holdfast hold list
    """
    with place.session() as session:
        for one in holding.holds(session):
            if as_json:
                emit(one.as_json())
                continue
            what = ", ".join(item[:16] for item in one.items) or "everything"
            state = "in force" if one.lifted is None else f"lifted by entry {one.lifted}"
            say(f"entry {one.entry}  {one.time}  case {one.case}  {what}  {state}  {one.order}")


@click.command()
@where
@JSON
def requests(place: Where, *, as_json: bool) -> None:
    """List what waits for another person's approval.

    \b
    Example:
      holdfast requests --json
    """
    with place.session() as session:
        for one in approving.requests(session):
            if as_json:
                emit(one.as_json())
            else:
                say(_line(one))


@click.group()
def request() -> None:
    """Approve, refuse or withdraw what waits; see `requests`."""


@request.command("approve")
@where
@NUMBER
@JSON
def request_approve(place: Where, *, number: int, as_json: bool) -> None:
    """Approve a request, as another person; with the last approval it is carried out.

    \b
    Example:
      holdfast request approve 41 --operator bob
    """
    _approve(place, number, as_json=as_json)


@request.command("refuse")
@where
@NUMBER
@REASON
def request_refuse(place: Where, *, number: int, reason: str) -> None:
    """Refuse a request, for good.

    \b
    Example:
      holdfast request refuse 41 --operator bob --reason "it names another file"
    """
    with place.session() as session:
        approving.refuse(session, approving.Answer(number, reason))
    say(f"Refused request {number}")


@request.command("withdraw")
@where
@NUMBER
@REASON
def request_withdraw(place: Where, *, number: int, reason: str) -> None:
    """Take back a request of your own.

    \b
    Example:
      holdfast request withdraw 41 --reason "wrong exhibit"
    """
    with place.session() as session:
        approving.withdraw(session, approving.Answer(number, reason))
    say(f"Withdrew request {number}")


def _approve(place: Where, number: int, *, as_json: bool) -> None:
    with place.session() as session:
        done = approving.approve(session, approving.Answer(number))
    if as_json:
        emit({"done": not done.missing, "missing": done.missing, "request": number})
    elif done.missing:
        say(f"Approved request {number}; it needs {done.missing} more, of other people")
    else:
        say(f"Approved request {number} and carried it out")


def _line(one: Asked) -> str:
    case = f"  case {one.case}" if one.case else ""
    return f"{one.entry:>6}  {one.kind}{case}  by {one.name}  until {one.expires}  {_brief(one)}"


def _brief(one: Asked) -> str:
    facts = one.asked
    if one.kind == "log.key":
        era = facts["era"]
        why = f" ({facts['reason']})" if facts["reason"] else ""
        return f"the log's key {era['ended']} was {era['why']}{why}; next: {era['log']}"
    if one.kind != "erase":
        return ", ".join(f"{name} {value}" for name, value in sorted(facts.items()))
    fields = [f"{f['entry']} ({', '.join(f['names'])})" for f in facts["fields"]]
    more = f" and {len(fields) - 5} more" if len(fields) > 5 else ""
    exhibits = ", ".join(facts["exhibits"][:5]) or "no exhibit"
    left = f" and {len(facts['exhibits']) - 5} more" if len(facts["exhibits"]) > 5 else ""
    return (
        f"erase {exhibits}{left}, fields of entries {', '.join(fields[:5])}{more}, by order "
        f"{facts['order']}"
    )
