"""`coordinates`: where the records of a case point to."""

from __future__ import annotations

import click

from holdfast.acts import locating
from holdfast.acts.cases import OneCase
from holdfast.cli.common import CASE, JSON, Where, emit, say, warn, where
from holdfast.core.errors import printable


@click.command()
@where
@CASE
@JSON
def coordinates(place: Where, *, case: str, as_json: bool) -> None:
    """List each place that a record points to, with its source and how exact it is.

    \b
    Example:
      holdfast coordinates --case 2026-0001 --json
    """
    with place.session() as session:
        found = locating.coordinates(session, OneCase(case))
    for row in found.rows:
        if as_json:
            emit(row)
            continue
        exact = "?" if row["metres"] is None else f"+-{row['metres']} m"
        at = f"{row['exhibit']} {printable(row['inside'])}".strip()
        time = f"  {row['time']}" if row["time"] else ""
        say(f"{row['latitude']:.5f},{row['longitude']:.5f}  {exact:<9}  {row['kind']}  {at}{time}")
    if found.more:
        warn(f"there are more than {len(found.rows)} places")
