"""`marks` and `matches`: files on lists, files that YARA rules match."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
import orjson

from holdfast.cli.common import CASE, JSON, Where, say, warn, where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_KINDS = ("known-good", "known-bad", "abuse")
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
        _show(lines, _mark, "no file is on a list; see `holdfast hashset list`", as_json=as_json)


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
        _show(lines, _match, "no file matches; was it examined with --yara?", as_json=as_json)


def _show(
    lines: Iterable[bytes], text: Callable[[dict[str, Any]], str], none: str, *, as_json: bool
) -> None:
    found = False
    for line in lines:
        found = True
        if as_json:
            sys.stdout.buffer.write(line)
        else:
            say(text(orjson.loads(line)))
    if not found and not as_json:
        warn(none)


def _place(row: dict[str, Any]) -> str:
    return f"{row['exhibit'] or ''}{'/' + row['inside'] if row['inside'] else ''}"


def _mark(row: dict[str, Any]) -> str:
    return f"{row['kind']:<10}  {_place(row)}  {row['list']}"


def _match(row: dict[str, Any]) -> str:
    tags = f"  ({', '.join(row['tags'])})" if row["tags"] else ""
    at = "" if row["offset"] is None else f"@{row['offset']}"
    return f"{row['rule']:<30}  {_place(row)}{at}{tags}"
