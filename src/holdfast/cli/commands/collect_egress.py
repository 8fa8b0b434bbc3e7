"""`collect egress`: whether captures record the public address that they are made from."""

from __future__ import annotations

import click

from holdfast.cli.common import JSON, Where, emit, say, where


@click.command("egress")
@where
@click.option("--address", metavar="IP", help="Record this address, as the unit's own claim.")
@click.option("--ask", metavar="URL",
              help="Ask here before each capture; it answers with the bare address.")  # fmt: skip
@click.option("--off", is_flag=True, help="Record none.")
@JSON
def egress(place: Where, *, address: str | None, ask: str | None, off: bool, as_json: bool) -> None:
    """Say, or change, whether captures record the public address that they are made from.

    None is recorded unless you say so here: it tells where the unit works from. In the item it
    stands in a part of its own, so that a copy can do without it.

    \b
    Example:
      holdfast collect egress --address 203.0.113.7
    """
    from holdfast.acts import egress as acts  # noqa: PLC0415

    if off and (address or ask):
        raise click.UsageError("--off goes with nothing else")
    with place.session() as session:
        if off or address is not None or ask is not None:
            found = acts.set_egress(session, acts.SetEgress(address, ask))
        else:
            session.vault.current()
            found = acts.egress(session)
    if as_json:
        emit({"address": None, "ask": None, **({} if found is None else found.facts())})
    elif found is None:
        say("No public address is recorded")
    else:
        say(f"{found.address or 'whatever it says'}, claimed by {found.claimed_by}")
