"""`collect diff`: what changed between two captures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.cli.common import CASE, JSON, Where, emit, new_file, say, warn, where
from holdfast.core import durable

if TYPE_CHECKING:
    from holdfast.acts.comparing import Compared


@click.command("diff")
@where
@CASE
@click.argument("first", metavar="EXHIBIT")
@click.argument("second", metavar="EXHIBIT")
@click.option("--to", metavar="FILE.html", help="Write the report to look at.")
@JSON
def diff(
    place: Where, *, case: str, first: str, second: str, to: str | None, as_json: bool
) -> None:
    """Say what differs between two captures: page, text, exchanges, scripts' hosts, pictures.

    Name the older one first, by exhibit or digest. They are read in a sandbox, and it is an entry.
    The report is one HTML file that loads nothing and runs nothing.

    \b
    Example:
      holdfast collect diff --case 2026-0001 AL/1 AL/2 --to changes.html
    """
    from holdfast.acts.comparing import Compare, compare_captures  # noqa: PLC0415
    from holdfast.collect.web.difference_page import render  # noqa: PLC0415

    file = None if to is None else new_file(to, {".html"})
    with place.session() as session:
        done = compare_captures(session, Compare(case, first, second))
    if file is not None:
        facts = {
            "case": case,
            done.first.label: done.first.item,
            done.second.label: done.second.item,
            "made by": place.operator,
            "entry of the log": str(done.entry),
        }
        labels = (done.first.label, done.second.label)
        with durable.disk_errors(file.parent):
            file.write_bytes(render(done.difference, labels, facts))
    if as_json:
        emit(done.as_json())
    else:
        tell(done)


def tell(done: Compared) -> None:
    """Say what differs, in a few lines."""
    from holdfast.collect.web.difference_page import sentence  # noqa: PLC0415

    for words in done.difference.gaps:
        warn(f"the comparison was not confined as it should be: {words}")
    say(f"{done.first.label} and {done.second.label}: {sentence(done.difference)}")
