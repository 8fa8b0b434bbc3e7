"""`statement`: an exhibit's continuity, for a court."""

from __future__ import annotations

import click

from holdfast.acts import continuity
from holdfast.cli.common import CASE, JSON, Where, emit, new_file, say, where
from holdfast.core import canonical, durable


@click.command()
@where
@CASE
@click.argument("item")
@click.option("--to", "target", default="", metavar="FILE", help="Write FILE.pdf or FILE.json.")
@JSON
def statement(place: Where, *, case: str, item: str, target: str, as_json: bool) -> None:
    """State everybody who held, read, copied or changed an exhibit, by entries of the log.

    ITEM is an exhibit (AL/1) or its digest. Its stored bytes are hashed on the way. The statement
    is an entry itself, written before it is shown.

    \b
    Example:
      holdfast statement --case 2026-0001 AL/1 --to AL-1.pdf
    """
    file = new_file(target, {".json", ".pdf"}) if target else None
    with place.session() as session:
        done = continuity.statement(session, continuity.Continuity(case, item))
    if file is not None:
        with durable.disk_errors(file):
            durable.create(file, _file(done, file.suffix), 0o644)
    if as_json:
        emit(done.as_json())
        return
    made = done.statement
    say(f"Exhibit {made.exhibit} of case {made.case}: {made.item}")
    say(f"stored bytes {made.checked}")
    for step in made.steps:
        how = {"": " (actor unsigned)", "own": ""}.get(step.by, f" (in a {step.by})")
        actor = step.actor + how
        act = f"{step.kind:<14}  {step.act}  {step.detail[:120]}"
        say(f"{step.entry:>6}  {step.time}  {actor}  {act}")
    say(f"Stated in entry {done.entry}" + (f"; written to {file}" if file else ""))


def _file(done: continuity.Stated, suffix: str) -> bytes:
    if suffix == ".json":
        return canonical.dumps(done.as_json()) + b"\n"
    from holdfast.exchange.statement import as_pdf  # noqa: PLC0415 - loads a compiler

    return as_pdf(done.statement, done.entry)
