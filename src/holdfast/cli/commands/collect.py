"""`collect` and `items`: bring evidence in, and see what the case holds."""

from __future__ import annotations

import click

from holdfast.acts import showing
from holdfast.acts.admission import Collected
from holdfast.acts.cases import OneCase
from holdfast.acts.collecting import CollectFiles, collect_files
from holdfast.cases import things
from holdfast.cli.commands.collect_archive import archive
from holdfast.cli.commands.collect_diff import diff
from holdfast.cli.commands.collect_egress import egress
from holdfast.cli.commands.collect_profile import profile, profile_pages
from holdfast.cli.commands.collect_schedule import schedule
from holdfast.cli.commands.collect_sent import sent
from holdfast.cli.commands.collect_web import account, url, web
from holdfast.cli.common import CASE, JSON, Where, emit, progress, say, size_text, warn, where
from holdfast.core.errors import InputError


@click.group()
def collect() -> None:
    """Collect evidence into a case."""


collect.add_command(account)
collect.add_command(archive)
collect.add_command(diff)
collect.add_command(egress)
collect.add_command(profile)
collect.add_command(profile_pages)
collect.add_command(schedule)
collect.add_command(web)
collect.add_command(url)
collect.add_command(sent)


@collect.command("files")
@where
@CASE
@click.option("--from", "source", default="", metavar="EXHIBIT", help="The thing it is made of.")
@click.option("--kind", type=click.Choice(things.KINDS), default=things.IMAGE,
              help="What it is to that; image, if left out.")  # fmt: skip
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@JSON
def collect_files_(
    place: Where, *, case: str, source: str, kind: str, paths: tuple[str, ...], as_json: bool
) -> None:
    """Collect files, and folders with all that is in them.

    Every file is copied, hashed while it is copied, entered in the log with its times, owner and
    attributes, and only then shown: with --json, an object an item. Links are recorded, not
    followed. Repeating an interrupted
    collection completes it.

    With --from, each item is numbered as a part of that physical exhibit (AL/1/1), and its chain
    begins with the seizure of it.

    \b
    Example:
      holdfast collect files --case 2026-0001 /media/seized
    """
    made = things.Made(source, kind) if source else None
    new = held = size = empty = 0
    lost: list[str] = []
    if place.server:
        _send(place.server, case, paths, as_json=as_json)
        return
    with place.session() as session, progress("Collecting") as session.progress:
        for one in collect_files(session, CollectFiles(case, paths, made)):
            if isinstance(one, Collected):
                new += one.status == "new"
                held += one.status == "held"
                size += one.size if one.status == "new" else 0
                if one.changed:
                    warn(f"{one.path} changed while it was read; both states are in its record")
                if as_json:
                    emit(one.as_json())
                continue
            path = one.path.decode("utf-8", "backslashreplace")
            if one.loses:
                lost.append(f"{path}: {one.reason}")
                warn(f"not collected: {path}: {one.reason}")
            else:
                empty += 1
    if not as_json:
        again = f", {held} held already" if held else ""
        say(f"Collected {new} items ({size_text(size)}){again}")
    if empty:
        warn(
            f"{empty} links, pipes, sockets or devices hold no bytes and are no items; each is in "
            f"the log: `holdfast custody --case {case}`"
        )
    if lost:
        raise InputError(
            f"{len(lost)} of what was named or found could not be collected (first: {lost[0]})",
            "see the lines above; mend it and repeat: what was collected is kept",
        )


@collect.command()
@where
@CASE
@click.option("--from", "source", required=True, metavar="TEXT", help="Who gave them, when, how.")
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
@JSON
def upload(place: Where, *, case: str, source: str, paths: tuple[str, ...], as_json: bool) -> None:
    """Take in files that somebody handed over, with your word for where they come from.

    Unlike `collect files`, which records where on this machine's disks each file was found, this
    is for what reached you by mail, by courier or through a browser.

    \b
    Example:
      holdfast collect upload --case 2026-0001 --from "the bank, by courier, 3 May" statement.pdf
    """
    from pathlib import Path  # noqa: PLC0415 - keeps --help quick

    from holdfast.acts import handing_in  # noqa: PLC0415

    handed = tuple(handing_in.Handed(Path(one), Path(one).name) for one in paths)
    for one in handed:
        if not one.path.is_file():
            raise InputError(f"{one.path} is no file that can be read", "name a file")
    with place.session() as session, progress("Collecting") as session.progress:
        for got in handing_in.collect_upload(
            session, handing_in.CollectUpload(case, handed, source)
        ):
            if isinstance(got, Collected):
                if as_json:
                    emit(got.as_json())
                else:
                    say(f"{got.exhibit:<8} {got.item[:16]}  {size_text(got.size):>9}  {got.path}")


def _send(server: str, case: str, paths: tuple[str, ...], *, as_json: bool) -> None:
    """Send what is named to a server, and tell what became of it.

    Raises:
        InputError: something that was named could not be read.
    """
    from holdfast.cli import away  # noqa: PLC0415

    count, lost = 0, 0
    with progress("Sending", "files") as tell:
        for row in away.send(server, case, paths, tell):
            if row["status"] == "skipped":
                warn(f"not collected: {row['path']}: {row['reason']}")
                lost += 1
                continue
            count += row["status"] == "new"
            if as_json:
                emit(row)
    if not as_json:
        say(f"Collected {count} items")
    if lost:
        raise InputError(f"{lost} of what was named could not be collected", "see above; repeat")


@click.command()
@where
@CASE
@JSON
def items(place: Where, *, case: str, as_json: bool) -> None:
    """List what the case holds: exhibit, digest, size, where it was.

    \b
    Example:
      holdfast items --case 2026-0001 --json
    """
    with place.session() as session:
        for one in showing.items(session, OneCase(case)):
            if as_json:
                emit(one.as_json())
            else:
                size = size_text(one.size)
                say(f"{one.label:<8} {one.item[:16]}  {size:>9}  {one.path}")
