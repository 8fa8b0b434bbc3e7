"""`restricted`: items with abuse material, and who may be given them."""

from __future__ import annotations

import click

from holdfast.cli.common import CASE, JSON, Where, emit, say, warn, where


@click.group()
def restricted() -> None:
    """Items with abuse material: shown to nobody, handed only to those who are named for it.

    An item is restricted when a file in it is on a list of the kind `abuse` (`holdfast hashset`).
    """


@restricted.command("list")
@where
@CASE
@JSON
def list_(place: Where, *, case: str, as_json: bool) -> None:
    """List the case's restricted exhibits, and who may be given each.

    \b
    Example:
      holdfast restricted list --case 2026-0001
    """
    from holdfast.acts import restricting  # noqa: PLC0415

    with place.session() as session:
        found = restricting.restricted(session, restricting.ListRestricted(case))
    for one in found:
        if as_json:
            emit(one.as_json())
            continue
        who = ", ".join(f"{each.recipient} (entry {each.entry})" for each in one.releases)
        say(f"{one.exhibit.label}  {one.exhibit.item[:16]}  {who or 'nobody may be given it'}")
    if not found and not as_json:
        warn("no exhibit of the case is restricted")


@restricted.command()
@where
@CASE
@click.argument("item", metavar="I")
@click.option("--for", "recipient", required=True, metavar="NAME", help="Who may be given it.")
@click.option("--order", required=True, metavar="TEXT", help="By whose order.")
@click.option(
    "--sealed-to", multiple=True, metavar="AGE1...", help="Only sealed to these keys; repeat."
)
@JSON
def release(
    place: Where, *, case: str, item: str, recipient: str, order: str, sealed_to: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Name somebody who may be given a restricted item; needs a supervisor or prosecutor.

    \b
    Example:
      holdfast restricted release AL/3 --case 2026-0001 --for "Court of X" --order "order 5/26" \\
        --sealed-to age1...
    """
    from holdfast.acts import restricting  # noqa: PLC0415

    request = restricting.ReleaseItem(case, item, recipient, order, sealed_to)
    with place.session() as session:
        entry = restricting.release(session, request)
    if as_json:
        emit({"entry": entry, "item": item, "recipient": recipient})
    else:
        say(f"{recipient} may be given {item} (entry {entry}), sealed to the keys named")


@restricted.command()
@where
@CASE
@click.argument("entry", type=click.IntRange(0), metavar="ENTRY")
@click.option("--reason", required=True, metavar="TEXT", help="Why it ends.")
@JSON
def withdraw(place: Where, *, case: str, entry: int, reason: str, as_json: bool) -> None:
    """End a release, named by its entry: `restricted list` shows it.

    \b
    Example:
      holdfast restricted withdraw 41 --case 2026-0001 --reason "the order was quashed"
    """
    from holdfast.acts import restricting  # noqa: PLC0415

    with place.session() as session:
        done = restricting.withdraw(session, restricting.WithdrawRelease(case, entry, reason))
    if as_json:
        emit({"entry": done, "release": entry})
    else:
        say(f"Withdrawn: nobody is given the item under entry {entry} any more")
