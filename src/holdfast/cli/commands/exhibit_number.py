"""`exhibit pattern`, `number`, `made`: how exhibits are numbered, and what was made from what."""

from __future__ import annotations

import click

from holdfast.cases import things
from holdfast.cli.common import CASE, JSON, Where, emit, new_file, say, where
from holdfast.core import durable


@click.command()
@where
@click.option("--case", "case", metavar="CASE", help="Of this case; else of the whole vault.")
@click.option("--whole", default="", metavar="PATTERN", help="Such as {initials}/{number}.")
@click.option("--part", default="", metavar="PATTERN", help="Such as {parent}/{part}.")
@JSON
def pattern(place: Where, *, case: str | None, whole: str, part: str, as_json: bool) -> None:
    """Show how exhibit numbers read, or change it for those that are yet to be given.

    \b
    Places: {initials} and {letter} of who collects, {number} in the case, {own} of the
    collector, {case}, {year}; in parts {parent} and {part}. {number:04} gives 0001.

    \b
    Example:
      holdfast exhibit pattern --case 2026-0001 --whole "{case}-{letter}-{own}"
    """
    from holdfast.acts import numbering  # noqa: PLC0415

    with place.session() as session:
        if not whole and not part:
            chosen = numbering.pattern(session, case)
        elif case is not None:
            chosen = numbering.set_pattern(session, numbering.SetPattern(case, whole, part))
        else:
            chosen = numbering.set_default(session, numbering.SetDefault(whole, part))
    if as_json:
        emit(chosen.as_json())
    else:
        say(f"{chosen.whole}, parts {chosen.part}")


@click.command()
@where
@CASE
@click.argument("exhibit", metavar="EXHIBIT")
@click.option("--as", "label", default="", metavar="LABEL", help="Which; else the next.")
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@JSON
def number(
    place: Where, *, case: str, exhibit: str, label: str, reason: str, as_json: bool
) -> None:
    """Give an exhibit another number; the former one stays its own, and is never given again.

    \b
    Example:
      holdfast exhibit number --case 2026-0001 AL/3 --as "P-17" --reason "number at court"
    """
    from holdfast.acts import numbering  # noqa: PLC0415

    with place.session() as session:
        given = numbering.renumber(session, numbering.Renumber(case, exhibit, label, reason))
    if as_json:
        emit({"exhibit": given, "former": exhibit})
    else:
        say(f"{exhibit} is {given} from here on")


@click.command()
@where
@CASE
@click.argument("item", metavar="ITEM")
@click.option("--from", "source", required=True, metavar="EXHIBIT", help="The thing.")
@click.option("--kind", type=click.Choice(things.KINDS), default=things.IMAGE, help="What it is.")
@click.option("--how", default="", metavar="TEXT", help="Tool and method.")
@JSON
def made(
    place: Where, *, case: str, item: str, source: str, kind: str, how: str, as_json: bool
) -> None:
    """Enter that an item of the case was made from a physical exhibit, or shows it.

    \b
    Example:
      holdfast exhibit made --case 2026-0001 AL/2 --from AL/1 --how "ewfacquire, write blocker"
    """
    from holdfast.acts import numbering  # noqa: PLC0415

    request = numbering.MadeFrom(case, item, source, kind, how)
    with place.session() as session:
        numbering.made(session, request)
    if as_json:
        emit({"from": source, "item": item, "kind": kind})
    else:
        say(f"{item} is a {kind} of {source}")


@click.command()
@where
@CASE
@click.argument("exhibit", metavar="EXHIBIT")
@click.option("--to", "target", required=True, metavar="FILE", help="A new file, SVG.")
@JSON
def label(place: Where, *, case: str, exhibit: str, target: str, as_json: bool) -> None:
    """Write the QR code for an exhibit's label: number, case, first entry, digest.

    \b
    Example:
      holdfast exhibit label --case 2026-0001 AL/3 --to AL-3.svg
    """
    from holdfast.acts import chains, labelling  # noqa: PLC0415

    file = new_file(target, {".svg"})
    with place.session() as session:
        made = labelling.label(session, chains.OneExhibit(case, exhibit))
    with durable.disk_errors(file):
        durable.create(file, made.code(), 0o644)
    if as_json:
        emit({"case": made.case, "exhibit": made.exhibit, "file": target, "text": made.text})
    else:
        for line in made.text.splitlines():
            say(line)
