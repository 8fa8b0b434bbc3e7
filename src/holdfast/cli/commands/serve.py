"""`serve`: the workbench, for people in a browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from holdfast.cli.common import Where, say, warn, where

if TYPE_CHECKING:
    import socket


@click.command()
@where
@click.option(
    "--listen",
    default="127.0.0.1:8400",
    show_default=True,
    metavar="HOST:PORT",
    help="Where to answer; port 0: any free one.",
)
@click.option(
    "--url",
    default="",
    metavar="URL",
    help="The address that browsers know it by, where a proxy stands before it.",
)
@click.option(
    "--apart",
    default="",
    metavar="HOST:PORT",
    help="Where captures are replayed and films played; any free port beside, if left out.",
)
@click.option(
    "--apart-url", default="", metavar="URL", help="The address that browsers know that by."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that answer, each on a core of its own.",
)
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="A proxy that is believed when it says where a request comes from; repeat.",
)
@click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="FILE",
    help="Let people in by a provider of OpenID Connect, too; repeat.",
)
@click.option("--tls-certificate", metavar="FILE", help="Answer over TLS, with this certificate.")
@click.option("--tls-key", metavar="FILE", help="The certificate's private key.")
def serve(
    place: Where,
    *,
    listen: str,
    url: str,
    apart: str,
    apart_url: str,
    workers: int,
    proxies: tuple[str, ...],
    providers: tuple[str, ...],
    tls_certificate: str | None,
    tls_key: str | None,
) -> None:
    """Serve the workbench until stopped, and print a link that signs you in once.

    \b
    Example:
      holdfast serve --listen 127.0.0.1:8400
    """
    from holdfast.cli import answering  # noqa: PLC0415 - keeps --help quick
    from holdfast.core import listening  # noqa: PLC0415
    from holdfast.serving.desk import Desk  # noqa: PLC0415
    from holdfast.serving.people import Links, People  # noqa: PLC0415
    from holdfast.serving.workers import Workers  # noqa: PLC0415

    if (tls_certificate is None) != (tls_key is None):
        raise click.UsageError("--tls-certificate and --tls-key are given together")
    known = answering.providers(providers)
    at = listening.address(listen)
    desk, links = Desk(place.root, warn), Links()
    desk.start(place.operator)
    people = People(desk, place.operator, links)
    door = listening.bound(at)
    scheme = "https" if tls_certificate else "http"
    own = f"{scheme}://{_named(door)}"
    side = listening.bound(listening.address(apart or f"{at[0]}:0"))
    # Behind a proxy nobody knows under which name, unless it is said.
    theirs = apart_url or ("" if url else f"{scheme}://{_named(side)}")
    facts = answering.Answering(
        str(place.root), place.operator, url or own, own, theirs, side.getsockname()[1], workers,
        proxies, providers, tls_certificate, tls_key,
    )  # fmt: skip
    link = links.add(place.operator)

    def ready() -> None:
        say(f"Serving {place.root} at {url or own}, until Ctrl-C")
        for one in known.every:
            back = f"{url or own}/sign-in/provider/{one.settings.id}/back"
            say(f"Redirect URI for {one.settings.name}: {back}")
        say(f"Sign in as {place.operator}: {url or own}/sign-in?once={link}")
        sys.stdout.flush()

    if workers == 1:
        answering.server(facts, desk, people, ready).run(sockets=[door, side])
        return
    desk.close()
    sockets = [door.fileno(), side.fileno()]
    told = {"answering": facts.facts(), "links": links.known, "sockets": sockets}
    command = [sys.executable, "-m", "holdfast.cli.answering"]
    Workers(command, told, workers, sockets=sockets, warn=warn).run(ready)


def _named(door: socket.socket) -> str:
    host, port = door.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
