"""`chart`: how the people, accounts, hosts and wallets of a case hang together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.acts import charting
from holdfast.cases.chart_files import FORMS
from holdfast.cli.common import CASE, JSON, Where, emit, say, where
from holdfast.core import durable
from holdfast.core.errors import InputError, printable

if TYPE_CHECKING:
    from holdfast.cases.chart import Chart

AROUND = click.option(
    "--around", type=click.IntRange(1, 10**9), metavar="N", help="Only what links to this entity."
)
ENTERED = click.option("--entered", is_flag=True, help="Without what the data alone says.")


@click.group()
def chart() -> None:
    """How the people, accounts, hosts and wallets of a case hang together."""


@chart.command("show")
@where
@CASE
@AROUND
@ENTERED
@JSON
def show(place: Where, *, case: str, around: int | None, entered: bool, as_json: bool) -> None:
    """List links: confirmed, suspected, and those that the data alone says.

    \b
    Example:
      holdfast chart show --case 2026-0001 --around 2
    """
    with place.session() as session:
        found = charting.chart(session, charting.ShowChart(case, around, not entered))
    if as_json:
        emit(found.as_json())
        return
    for line in _told(found):
        say(line)


def _told(found: Chart) -> list[str]:
    names = {one.number: f"{one.number} {printable(one.name)}" for one in found.nodes}
    lines = [
        f"{one.standing:<9}  {one.grade}  {names[one.source]}  {printable(one.relation)}  "
        f"{names[one.target]}  {printable(', '.join(one.cites))}"
        + (f" and {one.records - len(one.cites)} more" if one.records > len(one.cites) else "")
        for one in found.ties
    ]
    lines += [f"only the first records were looked at of {printable(one)}" for one in found.cut]
    if found.left:
        lines.append(f"identifiers that were not looked for: {found.left}")
    return lines


@chart.command("export")
@where
@CASE
@click.option("--as", "form", type=click.Choice(sorted(FORMS)), help="Else as the name ends.")
@click.option(
    "--to", required=True, metavar="FILE", help="A new file.",
    type=click.Path(path_type=Path),
)  # fmt: skip
@AROUND
@ENTERED
@JSON
def export(
    place: Where,
    *,
    case: str,
    form: str | None,
    to: Path,
    around: int | None,
    entered: bool,
    as_json: bool,
) -> None:
    """Write the chart to a file: CSV, JSON, GraphML, or the picture as SVG.

    \b
    Example:
      holdfast chart export --case 2026-0001 --to chart.graphml
    """
    chosen = form or to.suffix.removeprefix(".").lower()
    if to.exists() or not to.parent.is_dir():
        raise InputError(f"{to} exists already, or its folder does not", "name another file")
    with place.session() as session:
        made = charting.export(
            session, charting.ExportChart(case, chosen, around, derived=not entered)
        )
    with durable.disk_errors(to):
        if not durable.create(to, made.data, 0o600):
            raise InputError(f"{to} exists already", "name another file")
    if as_json:
        emit({"file": str(to), "size": len(made.data)})
    else:
        say(f"{to}: {len(made.data)} bytes")
