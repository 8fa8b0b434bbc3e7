"""`clock`: state by how much a source's clock was wrong, take that back, list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.acts import clocks
from holdfast.cases.clocks import in_seconds
from holdfast.cli.common import CASE, JSON, Where, emit, say, warn, where

if TYPE_CHECKING:
    from holdfast.cases.clocks import Offset

ITEM = click.option("--item", default="", metavar="I", help="An exhibit or digest.")
HOST = click.option("--host", default="", metavar="NAME", help="A machine as records name it.")


@click.group()
def clock() -> None:
    """State by how much a source's clock was wrong; timelines then show both times."""


@clock.command("set")
@where
@CASE
@click.option("--ahead", required=True, metavar="SECONDS",
              help="How far the clock was ahead of true time; negative: behind.")  # fmt: skip
@click.option("--within", default="0", show_default=True, metavar="SECONDS",
              help="How far off that may be, either way.")  # fmt: skip
@click.option("--basis", required=True, metavar="TEXT", help="How it is known.")
@ITEM
@HOST
@JSON
def set_(
    place: Where, *, case: str, ahead: str, within: str, basis: str, item: str, host: str,
    as_json: bool,
) -> None:  # fmt: skip
    """State an offset for an item, a host, or a host within an item; by an entry.

    Records and their times stay as they are. A later statement for the same source counts.

    \b
    Example:
      holdfast clock set --case 2026-0001 --item AL/1 --ahead 125.5 --within 2 \\
        --basis "camera's screen beside a radio clock, photo 12"
    """
    request = clocks.SetClock(case, ahead, basis, item, host, within)
    with place.session() as session:
        made = clocks.set_clock(session, request)
    if as_json:
        emit(made.as_json())
    else:
        say(f"Entry {made.entry}: {_line(made)}")


@clock.command("list")
@where
@CASE
@JSON
def list_(place: Where, *, case: str, as_json: bool) -> None:
    """List the offsets in force.

    \b
    Example:
      holdfast clock list --case 2026-0001
    """
    with place.session() as session:
        found = clocks.list_clocks(session, clocks.ListClocks(case))
    for one in found.offsets:
        if as_json:
            emit(one.as_json())
        else:
            say(f"{_line(one)}  (entry {one.entry} by {one.by}: {one.basis})")
    if not found.offsets and not as_json:
        warn("no clock of this case is said to be wrong")


@clock.command("remove")
@where
@CASE
@click.option("--reason", required=True, metavar="TEXT", help="Why it does not hold.")
@ITEM
@HOST
@JSON
def remove(place: Where, *, case: str, reason: str, item: str, host: str, as_json: bool) -> None:
    """Take an offset back.

    \b
    Example:
      holdfast clock remove --case 2026-0001 --item AL/1 --reason "the photo shows another camera"
    """
    with place.session() as session:
        left = clocks.remove_clock(session, clocks.RemoveClock(case, reason, item, host))
    if as_json:
        for one in left.offsets:
            emit(one.as_json())
    else:
        say(f"Taken back; {len(left.offsets)} offsets are in force")


def _line(one: Offset) -> str:
    source = " ".join(
        part for part in (one.source.item[:12] and f"item {one.source.item[:12]}…",
                          one.source.host and f"host {one.source.host}") if part
    )  # fmt: skip
    side = "ahead" if one.ahead >= 0 else "behind"
    return f"{source}: {in_seconds(abs(one.ahead))} s {side}, ±{in_seconds(one.within)} s"
