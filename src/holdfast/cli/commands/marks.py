"""`marks`, `matches`, `hits`, `campaigns`: on lists, what rules match, what is nearly the same."""

from __future__ import annotations

from typing import Any

import click

from holdfast.cli.common import CASE, JSON, Where, answer, where

_KINDS = ("known-good", "known-bad", "abuse")
_LEVELS = ("informational", "low", "medium", "high", "critical")
ITEM = click.option(
    "--item", "items", multiple=True, metavar="I", help="Exhibit or digest; repeat."
)


@click.command()
@where
@CASE
@click.option("--kind", "kinds", multiple=True, type=click.Choice(_KINDS),
              help="Only lists of this kind; repeat.")  # fmt: skip
@ITEM
@JSON
def marks(
    place: Where, *, case: str, kinds: tuple[str, ...], items: tuple[str, ...], as_json: bool
) -> None:
    """Show which files are on which list: known to be good, known to be bad, abuse material.

    \b
    Example:
      holdfast marks --case 2026-0001 --kind known-bad
    """
    from holdfast.acts import marking  # noqa: PLC0415

    with place.session() as session:
        lines = marking.marks(session, marking.Marks(case, kinds, items))
        none = "no file is on a list; see `holdfast hashset list`"
        answer(lines, _mark, as_json=as_json, none=none)


@click.command()
@where
@CASE
@click.option("--rule", "rules", multiple=True, metavar="NAME", help="Only this rule; repeat.")
@ITEM
@JSON
def matches(
    place: Where, *, case: str, rules: tuple[str, ...], items: tuple[str, ...], as_json: bool
) -> None:
    """Show which files match which YARA rule, as `examine --yara` found them.

    \b
    Example:
      holdfast matches --case 2026-0001 --rule webshell_php
    """
    from holdfast.acts import marking  # noqa: PLC0415

    with place.session() as session:
        lines = marking.matches(session, marking.Matches(case, rules, items))
        none = "no file matches; was it examined with --yara?"
        answer(lines, _match, as_json=as_json, none=none)


@click.command()
@where
@CASE
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Only this rule; repeat.")
@click.option("--level", "levels", multiple=True, type=click.Choice(_LEVELS),
              help="Only rules of this level; repeat.")  # fmt: skip
@ITEM
@JSON
def hits(
    place: Where, *, case: str, rules: tuple[str, ...], levels: tuple[str, ...],
    items: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Show which records fit which Sigma rule, as `examine --sigma` found them.

    \b
    Example:
      holdfast hits --case 2026-0001 --level high --level critical
    """
    from holdfast.acts import marking  # noqa: PLC0415

    with place.session() as session:
        lines = marking.hits(session, marking.Hits(case, rules, levels, items))
        answer(lines, _hit, as_json=as_json, none="no record fits; was it examined with --sigma?")


@click.command()
@where
@CASE
@click.option("--kind", "kinds", multiple=True, type=click.Choice(("picture", "text")),
              help="Only these; repeat.")  # fmt: skip
@ITEM
@JSON
def campaigns(
    place: Where, *, case: str, kinds: tuple[str, ...], items: tuple[str, ...], as_json: bool
) -> None:
    """Show which texts and pictures are nearly the same, as `examine --similar` found them.

    A group is what came from one hand: the mails of one mailing, the pages of one kit, a logo
    saved anew. Two texts are joined when half of their pairs of words are the same.

    \b
    Example:
      holdfast campaigns --case 2026-0001 --kind text
    """
    from holdfast.acts import grouping  # noqa: PLC0415

    with place.session() as session:
        lines = grouping.campaigns(session, grouping.Campaigns(case, kinds, items))
        none = "nothing is alike; was it examined with --similar?"
        answer(lines, _campaign, as_json=as_json, none=none)


def _place(row: dict[str, Any]) -> str:
    return f"{row['exhibit'] or ''}{'/' + row['inside'] if row['inside'] else ''}"


def _mark(row: dict[str, Any]) -> list[str]:
    return [f"{row['kind']:<10}  {_place(row)}  {row['list']}"]


def _match(row: dict[str, Any]) -> list[str]:
    tags = f"  ({', '.join(row['tags'])})" if row["tags"] else ""
    at = "" if row["offset"] is None else f"@{row['offset']}"
    return [f"{row['rule']:<30}  {_place(row)}{at}{tags}"]


def _hit(row: dict[str, Any]) -> list[str]:
    at = f"#{row['row']}" if row["row"] is not None else ""
    return [f"{row['time'] or '':<20}  {row['level']:<8}  {_place(row)}{at}  {row['title']}"]


def _campaign(group: dict[str, Any]) -> list[str]:
    lines = [f"{group['campaign']}  {group['kind']}, {group['size']} alike ({group['threshold']})"]
    if group["span"]:
        lines.append(f"  from {group['span'][0]} to {group['span'][1]}")
    for what, values in group["shared"].items():
        lines += [f"  {what}: {value} ({many} of {group['size']})" for value, many in values[:5]]
    for one in group["members"]:
        at = f"#{one['row']}" if one["row"] is not None else ""
        lines.append(f"  {_place(one)}{at}  {' '.join(one['message'].split())[:100]}")
    return lines
