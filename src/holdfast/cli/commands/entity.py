"""`entity`: people and devices in a case."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from holdfast.acts import charting, citing, entities
from holdfast.cases.people import CLASSES, PRIVILEGES, ROLES
from holdfast.cli.commands.work import CITE, tell
from holdfast.cli.common import CASE, JSON, Where, emit, say, warn, where

if TYPE_CHECKING:
    from holdfast.vault.casework import Piece

NUMBER = click.argument("number", type=click.IntRange(1, 10**9))
IDENTIFIER = click.option(
    "--id", "identifiers", multiple=True, metavar="KIND:VALUE", help="As email:a@b.example. Repeat."
)


@click.group()
def entity() -> None:
    """People, accounts, hosts, wallets and devices in a case, and their links."""


@entity.command("add")
@where
@click.argument("name")
@CASE
@click.option("--sort", required=True, type=click.Choice(CLASSES), help="What it is.")
@click.option("--role", default="other", type=click.Choice(ROLES), help="In the case.")
@IDENTIFIER
@click.option("--privilege", type=click.Choice(PRIVILEGES), help="A privileged contact.")
@click.option("--remarks", default="", metavar="T", help="What else is known.")
@CITE
@JSON
def add(
    place: Where,
    *,
    name: str,
    case: str,
    sort: str,
    role: str,
    identifiers: tuple[str, ...],
    privilege: str | None,
    remarks: str,
    cites: tuple[str, ...],
    as_json: bool,
) -> None:
    """Name somebody or something that the case is about.

    \b
    Example:
      holdfast entity add "Anna B." --case 2026-0001 --sort person --role victim \\
        --id email:anna@example.org
    """
    request = entities.AddEntity(
        case, sort, name, role, identifiers, privilege or "", remarks, cites
    )
    with place.session() as session:
        made = entities.add_entity(session, request)
    _warn(made)
    tell(made, f"Entity {made.number}: {made.words['name']}", as_json=as_json)


def _warn(made: Piece) -> None:
    """Say what a privileged contact asks for."""
    if made.words.get("privilege"):
        values = [one["value"] for one in made.words.get("identifiers", [])]
        given = " ".join(f"--term {shlex.quote(one)}" for one in values) or "--term NAME"
        warn(
            f"what names entity {made.number} may be privileged; set it apart: "
            f"holdfast privilege set --case {made.case} {given} --reason TEXT"
        )


@entity.command("change")
@where
@NUMBER
@CASE
@click.option("--name", metavar="T", help="What they are called.")
@click.option("--sort", type=click.Choice(CLASSES), help="What it is.")
@click.option("--role", type=click.Choice(ROLES), help="In the case.")
@IDENTIFIER
@click.option("--privilege", type=click.Choice(PRIVILEGES), help="A privileged contact.")
@click.option("--remarks", metavar="T", help="What else is known.")
@JSON
def change(
    place: Where,
    *,
    number: int,
    case: str,
    name: str | None,
    sort: str | None,
    role: str | None,
    identifiers: tuple[str, ...],
    privilege: str | None,
    remarks: str | None,
    as_json: bool,
) -> None:
    """Say anew who or what an entity is.

    \b
    Example:
      holdfast entity change 1 --case 2026-0001 --role suspect
    """
    request = entities.ChangeEntity(
        case, number, name, role, identifiers or None, privilege, remarks, sort
    )
    with place.session() as session:
        made = entities.change_entity(session, request)
    _warn(made)
    tell(made, f"Entity {made.number}: {made.words['name']}", as_json=as_json)


@entity.command("release")
@where
@NUMBER
@CASE
@click.option("--reason", required=True, metavar="T", help="Why, or by whose order.")
@click.option("--withdraw", is_flag=True, help="End an earlier release.")
@JSON
def release(
    place: Where, *, number: int, case: str, reason: str, withdraw: bool, as_json: bool
) -> None:
    """Let the defence and hand-overs have somebody's details.

    \b
    Example:
      holdfast entity release 1 --case 2026-0001 --reason "Order of 3 May"
    """
    request = entities.ReleaseEntity(case, number, reason, withdraw)
    with place.session() as session:
        made = entities.release_entity(session, request)
    tell(made, f"Entity {made.number} is {made.state}", as_json=as_json)


@entity.command("link")
@where
@click.argument("source", type=click.IntRange(1, 10**9))
@click.argument("target", type=click.IntRange(1, 10**9))
@CASE
@click.option("--relation", required=True, metavar="T", help="SOURCE does what to TARGET: uses.")
@click.option("--grade", required=True, metavar="G", help="Source A B C X, information 1 to 4.")
@click.option("--confirmed", is_flag=True, help="It is established, no suspicion.")
@CITE
@JSON
def link(
    place: Where,
    *,
    source: int,
    target: int,
    case: str,
    relation: str,
    grade: str,
    confirmed: bool,
    cites: tuple[str, ...],
    as_json: bool,
) -> None:
    """Link two entities.

    \b
    Example:
      holdfast entity link 1 2 --case 2026-0001 --relation uses --grade B2 --cite AL/1
    """
    request = entities.LinkEntities(case, source, target, relation, grade, cites, confirmed)
    with place.session() as session:
        made = entities.link_entities(session, request)
    tell(made, f"Link {made.number}: {source} {made.words['relation']} {target}", as_json=as_json)


@entity.command("unlink")
@where
@NUMBER
@CASE
@click.option("--reason", required=True, metavar="T", help="Why it was wrong.")
@JSON
def unlink(place: Where, *, number: int, case: str, reason: str, as_json: bool) -> None:
    """Take back a link that was wrong, by its number; it stays in the log.

    \b
    Example:
      holdfast entity unlink 1 --case 2026-0001 --reason "another person of that name"
    """
    with place.session() as session:
        made = charting.unlink(session, charting.UnlinkEntities(case, number, reason))
    tell(made, f"Link {made.number} is taken back", as_json=as_json)


@entity.command("list")
@where
@CASE
@click.option("--role", type=click.Choice(ROLES), help="Those only.")
@click.option("--sort", type=click.Choice(CLASSES), help="Those only.")
@JSON
def list_(place: Where, *, case: str, role: str | None, sort: str | None, as_json: bool) -> None:
    """List the people and devices in a case.

    \b
    Example:
      holdfast entity list --case 2026-0001 --role suspect
    """
    with place.session() as session:
        for one in entities.entities(
            session, entities.ListEntities(case, None, role or "", sort or "")
        ).entities:
            if as_json:
                emit(one.as_json())
                continue
            ids = " ".join(f"{kind}:{value}" for kind, value in one.identifiers)
            marks = f"  PRIVILEGED ({one.privilege})" if one.privilege else ""
            say(f"{one.number:>4}  {one.sort:<12} {one.role:<8} {one.name}  {ids}{marks}")


@entity.command("links")
@where
@CASE
@JSON
def links(place: Where, *, case: str, as_json: bool) -> None:
    """List how the people and devices in a case hang together.

    \b
    Example:
      holdfast entity links --case 2026-0001
    """
    with place.session() as session:
        found = entities.entities(session, entities.ListEntities(case))
    names = {one.number: one.name for one in found.entities}
    for one in found.links:
        if as_json:
            emit(one.as_json())
            continue
        known = "confirmed" if one.confirmed else "suspected"
        ends = f"{names.get(one.source)} {one.relation} {names.get(one.target)}"
        cites = ", ".join(citing.shown(each) for each in one.cites)
        say(f"{one.number:>4}  {one.grade} {known}  {ends}  {cites}")
