"""`serve`: the workbench, for people in a browser."""

from __future__ import annotations

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
@click.option("--tls-certificate", metavar="FILE", help="Answer over TLS, with this certificate.")
@click.option("--tls-key", metavar="FILE", help="The certificate's private key.")
def serve(
    place: Where,
    *,
    listen: str,
    url: str,
    apart: str,
    apart_url: str,
    tls_certificate: str | None,
    tls_key: str | None,
) -> None:
    """Serve the workbench until stopped, and print a link that signs you in once.

    \b
    Example:
      holdfast serve --listen 127.0.0.1:8400
    """
    import uvicorn  # noqa: PLC0415 - keeps --help quick

    from holdfast.api.app import Api  # noqa: PLC0415
    from holdfast.api.door import Door, Lent  # noqa: PLC0415
    from holdfast.core import listening  # noqa: PLC0415
    from holdfast.serving.desk import Desk  # noqa: PLC0415
    from holdfast.serving.people import People, Person  # noqa: PLC0415
    from holdfast.web.apart import Apart, by_port  # noqa: PLC0415
    from holdfast.web.app import Workbench  # noqa: PLC0415
    from holdfast.web.settings import Settings  # noqa: PLC0415

    if (tls_certificate is None) != (tls_key is None):
        raise click.UsageError("--tls-certificate and --tls-key are given together")
    at = listening.address(listen)
    desk = Desk(place.root, warn)
    desk.start(place.operator)
    people = People(desk, place.operator)
    door = listening.bound(at)
    scheme = "https" if tls_certificate else "http"
    own = f"{scheme}://{_named(door)}"
    side = listening.bound(listening.address(apart or f"{at[0]}:0"))
    # Behind a proxy nobody knows under which name, unless it is said.
    theirs = apart_url or ("" if url else f"{scheme}://{_named(side)}")
    settings = Settings(url or own, frozenset({own}), theirs)
    workbench = Workbench(desk, people, settings)
    api = Api(desk, Door(Lent(place.root), people, frozenset({url or own, own})))
    link = people.invite(Person(place.operator, "the link of the server's start"))
    config = uvicorn.Config(
        by_port(
            workbench.application([api.mount()]),
            Apart(desk, settings).application(),
            side.getsockname()[1],
        ),
        log_level="warning",
        access_log=False,
        server_header=False,
        ssl_certfile=tls_certificate,
        ssl_keyfile=tls_key,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )
    say(f"Serving {place.root} at {url or own}, until Ctrl-C")
    say(f"Sign in as {place.operator}: {url or own}/sign-in?once={link}")
    uvicorn.Server(config).run(sockets=[door, side])


def _named(door: socket.socket) -> str:
    host, port = door.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
