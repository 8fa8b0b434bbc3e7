"""`case handover`: a case goes from one officer to another, by two entries."""

from __future__ import annotations

import click

from holdfast.acts import handover as acts
from holdfast.cli.commands.work import list_pieces, tell
from holdfast.cli.common import CASE, JSON, Where, where

NUMBER = click.argument("number", type=click.IntRange(1, 10**9))
REMARKS = click.option("--remarks", default="", metavar="T", help="What the other must know.")


@click.group()
def handover() -> None:
    """Hand a case over to another officer, who has to accept it."""


@handover.command("give")
@where
@click.argument("name")
@CASE
@REMARKS
@click.option("--stay", is_flag=True, help="You stay a lead, too.")
@JSON
def give(place: Where, *, name: str, case: str, remarks: str, stay: bool, as_json: bool) -> None:
    """Give the case to NAME, with a list of what is open. It is yours until they accept.

    \b
    Example:
      holdfast case handover give bob --case 2026-0001 --remarks "The bank answers by May"
    """
    with place.session() as session:
        made = acts.give_case(session, acts.GiveCase(case, name, remarks, stay))
    left = len(made.words["open"])
    tell(made, f"Hand-over {made.number} to {name}, {left} things open", as_json=as_json)


def _answer(place: Where, request: acts.SettleHandover, *, as_json: bool) -> None:
    with place.session() as session:
        made = acts.settle(session, request)
    tell(made, f"Hand-over {made.number} was {made.state}", as_json=as_json)


@handover.command("accept")
@where
@NUMBER
@CASE
@REMARKS
@JSON
def accept(place: Where, *, number: int, case: str, remarks: str, as_json: bool) -> None:
    """Accept a case: you lead it from now on.

    \b
    Example:
      holdfast case handover accept 1 --case 2026-0001
    """
    request = acts.SettleHandover(case, number, acts.ACCEPTED, remarks)
    _answer(place, request, as_json=as_json)


@handover.command("decline")
@where
@NUMBER
@CASE
@REMARKS
@JSON
def decline(place: Where, *, number: int, case: str, remarks: str, as_json: bool) -> None:
    """Decline a case that was given to you; say why.

    \b
    Example:
      holdfast case handover decline 1 --case 2026-0001 --remarks "On leave until June"
    """
    request = acts.SettleHandover(case, number, acts.DECLINED, remarks)
    _answer(place, request, as_json=as_json)


@handover.command("recall")
@where
@NUMBER
@CASE
@REMARKS
@JSON
def recall(place: Where, *, number: int, case: str, remarks: str, as_json: bool) -> None:
    """Recall a hand-over that nobody has answered.

    \b
    Example:
      holdfast case handover recall 1 --case 2026-0001
    """
    request = acts.SettleHandover(case, number, acts.RECALLED, remarks)
    _answer(place, request, as_json=as_json)


@handover.command("list")
@where
@CASE
@JSON
def list_(place: Where, *, case: str, as_json: bool) -> None:
    """List the hand-overs of a case.

    \b
    Example:
      holdfast case handover list --case 2026-0001
    """
    list_pieces(place, case, acts.KIND, "to", as_json=as_json)
