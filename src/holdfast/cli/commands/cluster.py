"""`cluster`: a machine's part of a cluster that examines, in the foreground."""

from __future__ import annotations

import os
from pathlib import Path

import click

from holdfast.cli.common import check_text, say
from holdfast.core.errors import InputError

TOKEN = click.option(
    "--token",
    type=Path,
    envvar="HOLDFAST_CLUSTER_TOKEN",
    show_envvar=True,
    metavar="FILE",
    help="The file with the cluster's token, mode 0600.",
)
ADDRESS = click.option(
    "--bind",
    required=True,
    metavar="IP",
    help="This machine's private address, by which the others reach it.",
)


@click.group()
def cluster() -> None:
    """Machines that examine together: start a head, join one. Needs holdfast[ray]."""


@cluster.command("start")
@ADDRESS
@click.option("--port", type=click.IntRange(1, 65535), default=6379, show_default=True)
@click.option(
    "--cores",
    type=click.IntRange(0, 4096),
    default=0,
    show_default=True,
    help="Workers on this machine too.",
)
@TOKEN
@click.pass_context
def start(ctx: click.Context, *, bind: str, port: int, cores: int, token: Path | None) -> None:
    """Start the head, on the machine that has the vault; makes the token if there is none.

    It stays in the foreground. Nothing of the case is kept by it: when it dies, start it again.

    \b
    Example:
      holdfast cluster start --bind 10.20.0.1 --token /etc/holdfast/cluster.token
    """
    from holdfast.examine import cluster as nodes  # noqa: PLC0415 - keeps --help quick
    from holdfast.examine.cluster import Cluster  # noqa: PLC0415

    check_text(ctx)
    key = _named(token)
    nodes.check_private(bind, nodes.own_addresses())
    if nodes.make_token(key):
        say(f"Made the token {key}: give each machine a copy, mode 0600, by a safe way")
    where = Cluster(f"{bind}:{port}", key)
    say(f"Other machines: holdfast cluster join {bind}:{port} --bind IP --token FILE")
    nodes.Node(bind, where, cores, head=True).become()


@cluster.command("join")
@click.argument("address")
@ADDRESS
@click.option(
    "--cores",
    type=click.IntRange(1, 4096),
    default=os.cpu_count() or 1,
    metavar="N",
    help="Workers at once; one a core, if left out.",
)
@TOKEN
@click.pass_context
def join(ctx: click.Context, *, address: str, bind: str, cores: int, token: Path | None) -> None:
    """Join the cluster whose head is at ADDRESS (HOST:PORT), and work for it.

    It stays in the foreground; end it at any time: what it was at is done elsewhere.

    \b
    Example:
      holdfast cluster join 10.20.0.1:6379 --bind 10.20.0.2 --token /etc/holdfast/cluster.token
    """
    from holdfast.examine import cluster as nodes  # noqa: PLC0415
    from holdfast.examine.cluster import Cluster  # noqa: PLC0415

    check_text(ctx)
    where = Cluster(address, _named(token))
    nodes.Node(bind, where, cores, head=False).become()


def _named(token: Path | None) -> Path:
    if token is None:
        raise InputError("no token is named", "name its file: --token or HOLDFAST_CLUSTER_TOKEN")
    return token
