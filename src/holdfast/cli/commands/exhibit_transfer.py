"""`exhibit hand`, `accept`, `decline`, `return`, `destroy`: who has a physical exhibit next."""

from __future__ import annotations

import click

from holdfast.cli.common import CASE, JSON, Where, emit, say, where

EXHIBIT = click.argument("exhibit", metavar="EXHIBIT")
REASON = click.option("--reason", required=True, metavar="TEXT", help="Why.")
ORDER = click.option("--order", required=True, metavar="TEXT", help="By whose order.")


@click.command()
@where
@CASE
@EXHIBIT
@click.option("--to", "receiver", required=True, metavar="NAME", help="Who gets it.")
@REASON
@click.option("--receipt", default="", metavar="TEXT", help="For one who is no operator here.")
@JSON
def hand(
    place: Where, *, case: str, exhibit: str, receiver: str, reason: str, receipt: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Hand a physical exhibit over: an operator has to accept it before they hold it.

    Somebody outside signs a receipt; when the thing is back, `exhibit accept` enters that.

    \b
    Example:
      holdfast exhibit hand --case 2026-0001 AL/1 --to bob --reason "examination"
    """
    from holdfast.acts import handing  # noqa: PLC0415

    request = handing.Hand(case, exhibit, receiver, reason, receipt)
    with place.session() as session:
        thing = handing.hand(session, request)
    if as_json:
        emit(thing.as_json())
    elif thing.offered_to:
        say(f"{thing.label}: waits for {thing.offered_to} to accept it; {thing.holder} answers")
    else:
        say(f"{thing.label}: given to {receiver}, receipt {receipt}")


@click.command()
@where
@CASE
@EXHIBIT
@click.option("--seal", "seals", multiple=True, metavar="N", help="Seen on it, intact; repeat.")
@click.option("--kept", default="", metavar="PLACE", help="Where it is kept now.")
@click.option("--note", default="", metavar="TEXT", help="What was seen.")
@JSON
def accept(
    place: Where, *, case: str, exhibit: str, seals: tuple[str, ...], kept: str, note: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Accept a physical exhibit that was handed to you, or that is back from outside.

    Say each seal that you see on it: one that is missing or unknown to the log is entered, too.

    \b
    Example:
      holdfast exhibit accept --case 2026-0001 AL/1 --seal S-118 --kept "lab, safe 1"
    """
    from holdfast.acts import handing  # noqa: PLC0415

    with place.session() as session:
        thing = handing.accept(session, handing.Accept(case, exhibit, seals, kept, note))
    if as_json:
        emit(thing.as_json())
    else:
        say(f"{thing.label}: with {thing.holder}")


@click.command()
@where
@CASE
@EXHIBIT
@REASON
@JSON
def decline(place: Where, *, case: str, exhibit: str, reason: str, as_json: bool) -> None:
    """End a hand-over that waits: by whom it was offered to, or by who offered it.

    \b
    Example:
      holdfast exhibit decline --case 2026-0001 AL/1 --reason "seal S-118 is broken"
    """
    from holdfast.acts import handing  # noqa: PLC0415

    with place.session() as session:
        thing = handing.decline(session, handing.Decline(case, exhibit, reason))
    if as_json:
        emit(thing.as_json())
    else:
        say(f"{thing.label}: still with {thing.holder}")


@click.command("return")
@where
@CASE
@EXHIBIT
@click.option("--person", required=True, metavar="NAME", help="To whom.")
@ORDER
@JSON
def return_(
    place: Where, *, case: str, exhibit: str, person: str, order: str, as_json: bool
) -> None:
    """Enter that a physical exhibit was given back; a legal hold on the case stops it.

    \b
    Example:
      holdfast exhibit return --case 2026-0001 AL/1 --person "J. Roe" --order "order 9/26"
    """
    from holdfast.acts import seizing  # noqa: PLC0415

    with place.session() as session:
        thing = seizing.give_back(session, seizing.Return(case, exhibit, person, order))
    if as_json:
        emit(thing.as_json())
    else:
        say(f"{thing.label}: returned to {person}")


@click.command()
@where
@CASE
@EXHIBIT
@ORDER
@click.option("--method", required=True, metavar="TEXT", help="How it is done.")
@JSON
def destroy(
    place: Where, *, case: str, exhibit: str, order: str, method: str, as_json: bool
) -> None:
    """Ask for a physical exhibit's destruction; another person approves, as its witness.

    \b
    Example:
      holdfast exhibit destroy --case 2026-0001 AL/1 --order "order 9/26" --method "shredded"
    """
    from holdfast.acts import destroying  # noqa: PLC0415

    with place.session() as session:
        asked = destroying.destroy(session, destroying.Destroy(case, exhibit, order, method))
    if as_json:
        emit(asked.as_json())
    else:
        say(f"Request {asked.entry} waits for another person: holdfast request approve")
