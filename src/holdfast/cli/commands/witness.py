"""`witness`: a small separate program that a court, a bar association or a partner runs."""

from __future__ import annotations

from pathlib import Path

import click

from holdfast.cli.commands.log import LISTEN
from holdfast.cli.common import JSON, check_text, emit, say

STATE = click.option(
    "--state", required=True, metavar="DIR", help="The witness's own folder: its keys, what it saw."
)


@click.group()
def witness() -> None:
    """Countersign the logs of others, so that none can tell two stories."""


@witness.command("init")
@STATE
@click.option(
    "--name", required=True, metavar="NAME", help="What it signs as, e.g. court.example/witness."
)
@JSON
@click.pass_context
def witness_init(ctx: click.Context, *, state: str, name: str, as_json: bool) -> None:
    """Make a witness: its keys, and an empty state.

    \b
    Example:
      holdfast witness init --state /var/lib/witness --name court.example/witness
    """
    from holdfast.witness.state import Witness  # noqa: PLC0415 - keeps --help quick

    check_text(ctx)
    made = Witness.create(Path(state), name)
    if as_json:
        emit({"name": made.name, "vkeys": [str(one) for one in made.cosigners]})
        return
    say(f"Made the witness {made.name} in {state}")
    say("Its public keys, for the policies of the logs that it is to sign:")
    for one in made.cosigners:
        say(str(one))


@witness.command("add-log")
@STATE
@click.argument("vkey")
@click.pass_context
def witness_add_log(ctx: click.Context, *, state: str, vkey: str) -> None:
    """Trust the log that signs as VKEY; repeat it for a further key of the same log.

    \b
    Example:
      holdfast witness add-log --state /var/lib/witness "unit7.example/log+1f2e3d4c+AbC..."
    """
    from holdfast.witness.state import Witness  # noqa: PLC0415

    check_text(ctx)
    say(f"Signs checkpoints of {Witness.open(Path(state)).add_log(vkey)}")


@witness.command("drop-log")
@STATE
@click.argument("vkey")
@click.pass_context
def witness_drop_log(ctx: click.Context, *, state: str, vkey: str) -> None:
    """Trust a log's VKEY no more: it was rotated, or somebody stole it.

    How far the log was signed is kept, and a further key of it has to go on from there.

    \b
    Example:
      holdfast witness drop-log --state /var/lib/witness "unit7.example/log+1f2e3d4c+AbC..."
    """
    from holdfast.witness.state import Witness  # noqa: PLC0415

    check_text(ctx)
    origin = Witness.open(Path(state)).drop_log(vkey)
    say(f"Signs nothing more of {origin} that this key alone has signed")


@witness.command("show")
@STATE
@JSON
@click.pass_context
def witness_show(ctx: click.Context, *, state: str, as_json: bool) -> None:
    """Show the witness's public keys, its logs, and how far it signed each.

    \b
    Example:
      holdfast witness show --state /var/lib/witness
    """
    from holdfast.witness.state import Witness, origin_hash  # noqa: PLC0415

    check_text(ctx)
    found = Witness.open(Path(state))
    logs = found.logs()
    if as_json:
        emit(
            {
                "logs": [
                    {
                        "origin": one.origin,
                        "size": one.latest.size if one.latest else None,
                        "vkeys": [str(key) for key in one.keys],
                    }
                    for one in logs
                ],
                "name": found.name,
                "vkeys": [str(one) for one in found.cosigners],
            }
        )
        return
    for key in found.cosigners:
        say(str(key))
    for one in logs:
        size = "nothing yet" if one.latest is None else f"{one.latest.size} entries"
        say(f"{one.origin}: signed {size}, read it at /{origin_hash(one.origin)}/checkpoint")
        for trusted in one.keys:
            say(f"  trusts {trusted}")


@witness.command("serve")
@STATE
@LISTEN
@click.pass_context
def witness_serve(ctx: click.Context, *, state: str, listen: str) -> None:
    """Answer logs that ask for a signature (c2sp.org/tlog-witness), until stopped.

    It signs a checkpoint only if it continues the last one that it signed of that log.

    \b
    Example:
      holdfast witness serve --state /var/lib/witness --listen 127.0.0.1:8090
    """
    from holdfast.core import listening  # noqa: PLC0415
    from holdfast.witness import serving  # noqa: PLC0415
    from holdfast.witness.state import Witness  # noqa: PLC0415

    check_text(ctx)
    at = listening.address(listen)
    found = Witness.open(Path(state))
    listening.serve(
        at,
        lambda request: serving.answer(found, request),
        max_body=serving.MAX_BODY,
        ready=lambda url: say(f"The witness {found.name} answers at {url}/"),
    )
