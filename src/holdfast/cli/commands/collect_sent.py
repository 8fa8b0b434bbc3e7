"""`collect sent`: files that were sent to the server become items."""

from __future__ import annotations

import click

from holdfast.acts.admission import Collected
from holdfast.acts.sending import CollectUploads, collect_uploads
from holdfast.cli.common import CASE, JSON, Where, emit, progress, say, where


@click.command()
@where
@CASE
@click.argument("uploads", nargs=-1, metavar="UPLOAD...")
@JSON
def sent(place: Where, *, case: str, uploads: tuple[str, ...], as_json: bool) -> None:
    """Collect files that you sent to this vault's server, by the numbers that it gave them.

    Programs, and `collect files --server`, do it themselves; this is for what was sent and left.

    \b
    Example:
      holdfast collect sent --case 2026-0001 5b3f0a2c9d1e4f60817263544a5b6c7d
    """
    count = 0
    with place.session() as session, progress("Collecting") as session.progress:
        for one in collect_uploads(session, CollectUploads(case, uploads)):
            count += isinstance(one, Collected)
            if as_json:
                emit(one.as_json())
    if not as_json:
        say(f"Collected {count} items")
