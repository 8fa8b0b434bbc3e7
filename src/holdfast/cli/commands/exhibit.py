"""`exhibit`: physical exhibits, their chain, and how exhibits are numbered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.commands.exhibit_number import label, made, number, pattern
from holdfast.cli.commands.exhibit_transfer import accept, decline, destroy, hand, return_
from holdfast.cli.common import CASE, JSON, Where, emit, say, warn, where

if TYPE_CHECKING:
    from holdfast.acts.chains import Link, Shown
    from holdfast.cases.things import Thing

SEAL = click.option("--seal", "seals", multiple=True, metavar="N", help="Its number; repeat.")


@click.group()
def exhibit() -> None:
    """Physical exhibits, from the seizure to the return; and how exhibits are numbered.

    Whoever holds a thing acts on it. It goes on to another only when that one accepts it.
    """


for _command in (accept, decline, destroy, hand, label, made, number, pattern, return_):
    exhibit.add_command(_command)


def told(thing: Thing, *, as_json: bool, what: str) -> None:
    """Print what became of a physical exhibit."""
    if as_json:
        emit(thing.as_json())
    else:
        say(f"{thing.label}: {what}")


@exhibit.command()
@where
@CASE
@click.option("--what", required=True, metavar="TEXT", help="What it is, so that one knows it.")
@click.option("--where", "place_found", required=True, metavar="TEXT", help="Where it was taken.")
@click.option("--person", default="", metavar="NAME", help="From whom.")
@click.option("--when", default="", metavar="TIME", help="RFC 3339, UTC; else now.")
@click.option("--by", default="", metavar="NAME", help="Who took it, if not you.")
@SEAL
@click.option("--kept", default="", metavar="PLACE", help="Where it is kept.")
@click.option("--number", "label", default="", metavar="LABEL", help="If it has one already.")
@click.option("--part-of", default="", metavar="EXHIBIT", help="The thing it was found in.")
@JSON
def seize(
    place: Where, *, case: str, what: str, place_found: str, person: str, when: str, by: str,
    seals: tuple[str, ...], kept: str, label: str, part_of: str, as_json: bool,
) -> None:  # fmt: skip
    """Enter a seizure; the thing gets its exhibit number.

    \b
    Example:
      holdfast exhibit seize --case 2026-0001 --what "black phone, cracked screen" \\
        --where "Dock Street 4, kitchen" --person "J. Roe" --seal S-118
    """
    from holdfast.acts import seizing  # noqa: PLC0415

    request = seizing.Seize(
        case, what, place_found, person, when, by, seals, kept, label, part_of
    )  # fmt: skip
    with place.session() as session:
        thing = seizing.seize(session, request)
    told(thing, as_json=as_json, what=f"seized, with {thing.holder}")


@exhibit.command("list")
@where
@CASE
@JSON
def list_(place: Where, *, case: str, as_json: bool) -> None:
    """List the case's physical exhibits: where each is, and who answers for it.

    \b
    Example:
      holdfast exhibit list --case 2026-0001
    """
    from holdfast.acts import chains  # noqa: PLC0415
    from holdfast.acts.cases import OneCase  # noqa: PLC0415

    with place.session() as session:
        found = chains.listed(session, OneCase(case))
    for one in found:
        if as_json:
            emit(one.as_json())
        else:
            say(f"{one.thing.label:<12}  {_state(one)}  {one.what}")
    if not found and not as_json:
        warn("the case has no physical exhibit; `holdfast items` lists its files")


@exhibit.command()
@where
@CASE
@click.argument("exhibit_", metavar="EXHIBIT")
@JSON
def show(place: Where, *, case: str, exhibit_: str, as_json: bool) -> None:
    """Show the chain of an exhibit, or of an item made from one: everybody who held it.

    \b
    Example:
      holdfast exhibit show --case 2026-0001 AL/1/1
    """
    from holdfast.acts import chains  # noqa: PLC0415

    with place.session() as session:
        found = chains.chain(session, chains.OneExhibit(case, exhibit_))
    if as_json:
        emit(found.as_json())
        return
    for one in (*found.sources, *([found.shown] if found.shown else [])):
        say(f"{one.thing.label}: {one.what}, {_state(one)}")
    if found.item is not None:
        say(f"{found.exhibit}: item {found.item.item}")
    for link in found.links:
        say(_line(link))


@exhibit.command()
@where
@CASE
@click.argument("exhibit_", metavar="EXHIBIT")
@SEAL
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@JSON
def seal(
    place: Where, *, case: str, exhibit_: str, seals: tuple[str, ...], reason: str, as_json: bool
) -> None:
    """Enter that seals were put on a physical exhibit.

    \b
    Example:
      holdfast exhibit seal --case 2026-0001 AL/1 --seal S-119
    """
    from holdfast.acts import seizing  # noqa: PLC0415

    with place.session() as session:
        thing = seizing.seal(session, seizing.Seal(case, exhibit_, seals, reason))
    told(thing, as_json=as_json, what=f"under seal {', '.join(thing.seals)}")


@exhibit.command()
@where
@CASE
@click.argument("exhibit_", metavar="EXHIBIT")
@SEAL
@click.option("--reason", required=True, metavar="TEXT", help="Why it is opened.")
@click.option("--damaged", is_flag=True, help="It was found broken, and not by you.")
@JSON
def unseal(
    place: Where, *, case: str, exhibit_: str, seals: tuple[str, ...], reason: str, damaged: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Enter that seals were broken, why, and how they were found.

    \b
    Example:
      holdfast exhibit unseal --case 2026-0001 AL/1 --seal S-118 --reason "to image it"
    """
    from holdfast.acts import seizing  # noqa: PLC0415

    request = seizing.Unseal(case, exhibit_, seals, reason, damaged)
    with place.session() as session:
        thing = seizing.unseal(session, request)
    told(thing, as_json=as_json, what=f"seal {', '.join(seals)} broken")


@exhibit.command()
@where
@CASE
@click.argument("exhibit_", metavar="EXHIBIT")
@click.option("--to", "kept", required=True, metavar="PLACE", help="Where it is kept now.")
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@JSON
def move(place: Where, *, case: str, exhibit_: str, kept: str, reason: str, as_json: bool) -> None:
    """Enter that a physical exhibit was brought to another place.

    \b
    Example:
      holdfast exhibit move --case 2026-0001 AL/1 --to "store 2, shelf C"
    """
    from holdfast.acts import seizing  # noqa: PLC0415

    with place.session() as session:
        thing = seizing.move(session, seizing.Move(case, exhibit_, kept, reason))
    told(thing, as_json=as_json, what=f"now at {kept}")


def _state(one: Shown) -> str:
    thing = one.thing
    holder = f" with {thing.holder}" if thing.holder else ""
    offered = f", offered to {thing.offered_to}" if thing.offered_to else ""
    seals = f", seal {', '.join(thing.seals)}" if thing.seals else ""
    kept = f", {one.place}" if one.place and thing.holder else ""
    return f"{thing.state}{holder}{offered}{seals}{kept}"


def _line(link: Link) -> str:
    signed = "" if link.signed else " (actor unsigned)"
    said = "; ".join(f"{name} {_plain(value)}" for name, value in link.said.items())
    return f"{link.entry:>6}  {link.time}  {link.actor}{signed}  {link.act}  {said}".rstrip()


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)
