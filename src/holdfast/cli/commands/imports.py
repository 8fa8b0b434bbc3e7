"""`import`: what another tool exported, from rows of an item to pieces of the case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from holdfast.acts import importing
from holdfast.acts.cases import OneCase
from holdfast.cli.common import CASE, JSON, Where, answer, progress, where

if TYPE_CHECKING:
    from collections.abc import Iterator

EXHIBIT = click.argument("item", metavar="EXHIBIT")


@click.group("import")
def import_() -> None:
    """Take over what another tool exported: tracking workbooks, DFIR-IRIS, Timesketch.

    The file is collected and examined like any other; docs/how-to/import.md shows it.
    """


@import_.command("list")
@where
@CASE
@JSON
def list_(place: Where, *, case: str, as_json: bool) -> None:
    """List the items that hold another tool's rows.

    \b
    Example:
      holdfast import list --case 2026-0001
    """
    with place.session() as session:
        rows = importing.imports(session, OneCase(case))
        none = "no item of this case holds another tool's export; was it examined?"
        answer(rows, _item, as_json=as_json, none=none)


@import_.command("show")
@where
@CASE
@EXHIBIT
@JSON
def show(place: Where, *, case: str, item: str, as_json: bool) -> None:
    """Show what would be taken over, what is known already, and which rows can't be mapped.

    \b
    Example:
      holdfast import show --case 2026-0001 AL/3
    """
    with place.session() as session:
        _tell(importing.show(session, importing.TakeOver(case, item)), as_json=as_json)


@import_.command("take")
@where
@CASE
@EXHIBIT
@JSON
def take(place: Where, *, case: str, item: str, as_json: bool) -> None:
    """Make entities, tasks, notes and findings of its rows, each citing its row.

    Findings are drafts of grade X4 that somebody here still has to look at. Events and indicators
    are records already. Repeated, it adds nothing twice.

    \b
    Example:
      holdfast import take --case 2026-0001 AL/3
    """
    with place.session() as session, progress("Taking over") as session.progress:
        _tell(importing.take_over(session, importing.TakeOver(case, item)), as_json=as_json)


def _tell(rows: Iterator[bytes], *, as_json: bool) -> None:
    answer(
        rows,
        _row,
        as_json=as_json,
        none="it holds no row of another tool's export: see `holdfast import list`",
    )


def _item(row: dict[str, Any]) -> list[str]:
    kinds = ", ".join(f"{count} {kind}" for kind, count in row["kinds"].items())
    return [f"{row['exhibit']:<8}  {row['parser']:<18} {kinds}  {row['path']}"]


def _row(row: dict[str, Any]) -> list[str]:
    place = row["place"] or (f"row {row['row']}" if row["row"] is not None else "")
    reason = f" ({row['reason']})" if row.get("reason") else ""
    kind = row["kind"].removeprefix(importing.PREFIX)
    return [f"{place:<24}  {kind:<10} {row['became']}{reason}  {row['message']}"]
