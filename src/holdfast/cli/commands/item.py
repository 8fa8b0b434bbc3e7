"""`item`: one item of a case: what vouches for it, what is inside, a copy of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cli.common import CASE, JSON, Where, emit, say, size_text, warn, where
from holdfast.core import durable
from holdfast.core.errors import InputError, IntegrityError

if TYPE_CHECKING:
    from holdfast.acts.playing import Ticket

LISTEN = click.option(
    "--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="Where to answer."
)
TICKET = click.option(
    "--ticket", is_flag=True, help="Only print the address, for a workbench's origin apart."
)


@click.group()
def item() -> None:
    """One item: check it, list what is inside, copy its original out."""


@item.command("list")
@where
@CASE
@click.option("--words", default="", metavar="TEXT", help="In its path, exhibit or digest.")
@click.option("--type", "type_", default="", metavar="TYPE", help="application/pdf and so on.")
@click.option("--state", default="", metavar="STATE", help="examined, not examined, changed…")
@click.option(
    "--after",
    type=click.IntRange(0, 1 << 40),
    default=0,
    metavar="N",
    help="The number that the page begins behind.",
)
@JSON
def list_(
    place: Where, *, case: str, words: str, type_: str, state: str, after: int, as_json: bool
) -> None:
    """List items by words, type and state, a hundred at a time, with counts.

    \b
    Example:
      holdfast item list --case 2026-0001 --state "not examined"
    """
    from holdfast.acts import cataloguing  # noqa: PLC0415 - keeps --help quick

    asked = cataloguing.Catalogue(case=case, words=words, type=type_, state=state, after=after)
    with place.session() as session:
        found = cataloguing.catalogue(session, asked)
    if as_json:
        emit(found.as_json())
        return
    for row in found.rows:
        size, one = size_text(row.exhibit.size), row.exhibit
        say(f"{one.label:<8} {size:>9}  {row.type:<24} {', '.join(row.states):<24} {one.path}")
    say(f"{found.count} items: {', '.join(f'{count} {name}' for name, count in found.states)}")
    if found.next is not None:
        warn(f"there are more: --after {found.next}")


@item.command()
@where
@CASE
@click.argument("item")
@JSON
def show(place: Where, *, case: str, item: str, as_json: bool) -> None:
    """Show what the log and the examination say of one item.

    \b
    Example:
      holdfast item show --case 2026-0001 AL/1
    """
    from holdfast.acts import cataloguing  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        facts = cataloguing.show_item(session, cataloguing.OneItem(case, item))
    if as_json:
        emit(facts.as_json())
        return
    row = facts.row
    for name, value in (
        ("exhibits", ", ".join(facts.labels)), ("sha256", row.exhibit.item),
        ("size", str(row.exhibit.size)), ("path", row.exhibit.path),
        ("collected", row.exhibit.collected), ("type", row.type),
        ("state", ", ".join(row.states)),
    ):  # fmt: skip
        say(f"{name:<10} {value}")
    last = facts.check
    told = "not checked yet" if last is None else f"{last.state}, {last.time} (entry {last.entry})"
    say(f"{'checked':<10} {told}")


@item.command()
@where
@CASE
@click.argument("item")
@JSON
def check(place: Where, *, case: str, item: str, as_json: bool) -> int:
    """Check one item and everything that vouches for it.

    Its stored bytes are hashed, its entry, the signature under it and its place in the log are
    checked, and what witnesses and time authorities have signed is named. Exits 5 if any is bad.

    \b
    Example:
      holdfast item check --case 2026-0001 AL/1
    """
    from holdfast.acts import checking  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        found = checking.check_item(session, checking.CheckItem(case, item))
    if as_json:
        emit(found.as_json())
    else:
        for one in found.steps:
            say(f"{one.name:<10} {one.state:<7} {one.words}")
        say(f"{found.exhibit.label}: {found.state}; entered as entry {found.entry}")
    return IntegrityError.exit_code if found.state == checking.BAD else 0


@item.command()
@where
@CASE
@click.argument("item")
@click.argument("path", default="", metavar="[PATH]")
@click.option("--page", type=click.IntRange(1, 1 << 40), default=1, metavar="N", help="From 1.")
@JSON
def tree(place: Where, *, case: str, item: str, path: str, page: int, as_json: bool) -> None:
    """List what lies directly in an item, or in the file at PATH inside it; 200 files a page.

    \b
    Example:
      holdfast item tree --case 2026-0001 AL/2
    """
    from holdfast.acts import viewing  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        asked = viewing.ListInside(case=case, item=item, inside=path, page=page - 1)
        found = viewing.list_inside(session, asked).inside
    for one in found.members:
        if as_json:
            emit(one.as_json())
        else:
            size = "" if one.size is None else size_text(one.size)
            say(f"{size:>9}  {'+' if one.container else ' '} {one.path}")
    if found.stopped:
        warn(f"the rest can't be read: {found.stopped}")
    if found.more:
        warn("there is more: --page with the next number")


@item.command()
@where
@CASE
@click.argument("item")
@click.option("--to", "target", required=True, metavar="FILE", help="Where the copy goes.")
def get(place: Where, *, case: str, item: str, target: str) -> None:
    """Copy an original out of the vault, hashed on its way; the entry comes before the copy.

    \b
    Example:
      holdfast item get --case 2026-0001 AL/1 --to AL-1.bin
    """
    from holdfast.acts import taking_out  # noqa: PLC0415 - keeps --help quick

    file = Path(target)
    if file.exists() or not file.parent.is_dir():
        raise InputError(f"{file} exists already, or its folder does not", "name another file")
    with place.session() as session:
        taken = taking_out.get_item(session, taking_out.GetItem(case, item))
        with durable.disk_errors(file), file.open("xb") as out:
            try:
                for piece in taken.pieces:
                    out.write(piece)
            except IntegrityError:
                file.unlink()
                raise
    say(f"{taken.exhibit.label} is copied to {file}: SHA-256 {taken.exhibit.item}")


@item.command()
@where
@CASE
@click.argument("item")
@click.argument("path", default="", metavar="[PATH]")
@click.option("--clear", is_flag=True, help="Not blurred.")
@LISTEN
@TICKET
def replay(
    place: Where, *, case: str, item: str, path: str, clear: bool, listen: str, ticket: bool
) -> None:
    """Replay a web capture, without scripts or network, at an address of its own until Ctrl-C.

    \b
    Example:
      holdfast item replay --case 2026-0001 AL/3
    """
    from holdfast.acts import playing  # noqa: PLC0415 - keeps --help quick

    asked = playing.Show(case=case, item=item, inside=path, clear=clear)
    with place.session() as session:
        shown = playing.replayed(session, asked).ticket
    _serve(place, shown, "" if ticket else listen)


@item.command()
@where
@CASE
@click.argument("item")
@click.option("--clear", is_flag=True, help="Not blurred.")
@LISTEN
@TICKET
def play(place: Where, *, case: str, item: str, clear: bool, listen: str, ticket: bool) -> None:
    """Have sound or film played by a browser, at an address of its own until Ctrl-C.

    \b
    Example:
      holdfast item play --case 2026-0001 AL/4
    """
    from holdfast.acts import playing  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        asked = playing.Show(case=case, item=item, clear=clear)
        shown = playing.played(session, asked).ticket
    _serve(place, shown, "" if ticket else listen)


def _serve(place: Where, ticket: Ticket, listen: str) -> None:
    """Be the origin apart for one ticket, until stopped; without a place, only print it."""
    from holdfast.vault.vault import Vault  # noqa: PLC0415 - keeps --help quick

    if not listen:
        say(f"/{ticket.sealed(Vault.open(place.root))}/")
        return
    import uvicorn  # noqa: PLC0415 - keeps --help quick

    from holdfast.core import listening  # noqa: PLC0415
    from holdfast.serving.desk import Desk  # noqa: PLC0415
    from holdfast.web.apart import Apart  # noqa: PLC0415
    from holdfast.web.settings import Settings  # noqa: PLC0415

    door = listening.bound(listening.address(listen))
    host, port = door.getsockname()[:2]
    own = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    desk = Desk(place.root, warn)
    app = Apart(desk, Settings("")).application()
    say(f"{own}/{ticket.sealed(Vault.open(place.root))}/")
    say("For an hour, or until Ctrl-C")
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[door])
