"""`init`, `operator`, `anchors`: make a vault, add people's keys, tell its public key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.acts import vaults
from holdfast.cli.common import JSON, Where, emit, say, where
from holdfast.vault.config import DEMANDS

if TYPE_CHECKING:
    from holdfast.vault.vault import Vault


@click.command()
@where
@click.option("--sealed", is_flag=True, help="Encrypt every object (age), a key for each item.")
@click.option("--origin", default="", metavar="NAME", help="The log's name, e.g. unit.example/log.")
@click.option(
    "--database", default="", metavar="URL", help="PostgreSQL's; SQLite in the vault, if left out."
)
@click.option(
    "--keys", default="", metavar="DIR", help="Where the keys go; keys/ in the vault, if left out."
)
@click.option(
    "--require",
    multiple=True,
    type=click.Choice(DEMANDS),
    help="Make `verify` fail without this; repeat for more.",
)
@click.option(
    "--store",
    default="",
    metavar="STORE",
    help="Where objects go: s3://BUCKET/PREFIX?endpoint=URL&lock=DAYS, or a folder; else here.",
)
@JSON
def init(
    place: Where,
    *,
    sealed: bool,
    origin: str,
    database: str,
    keys: str,
    require: tuple[str, ...],
    store: str,
    as_json: bool,
) -> None:
    """Make a new vault and a key for its first operator.

    \b
    Example:
      holdfast init --vault /srv/unit7 --operator alice
    """
    request = vaults.NewVault(
        place.root, place.operator, origin, sealed, database, keys, tuple(require), store
    )
    session = vaults.init(request)
    vault = session.vault
    if as_json:
        emit(
            {
                "log": vault.config.vkey,
                "operator": session.operator,
                "sealed": sealed,
                "store": vault.config.store,
                "vault": str(vault.root.absolute()),
            }
        )
        return
    say(f"Made a {'sealed' if sealed else 'plain'} vault at {vault.root}")
    if vault.config.store:
        say(f"Its objects go to {vault.store.where}")
    say(f"Its log signs as {vault.config.vkey}")
    say(f"Keys lie in {vault.keyring.root}: back them up apart from the vault")


@click.group()
def operator() -> None:
    """Add operators' signing keys, list them."""


@operator.command("add")
@where
@click.argument("name")
@JSON
def operator_add(place: Where, *, name: str, as_json: bool) -> None:
    """Make a signing key for NAME and enter its public half in the log.

    \b
    Example:
      holdfast operator add bob
    """
    with place.session() as session:
        vkey = vaults.add_operator(session, vaults.NewOperator(name))
    if as_json:
        emit({"operator": name, "vkey": vkey})
    else:
        say(f"{name} signs as {vkey}")


@operator.command("list")
@where
@JSON
def operator_list(place: Where, *, as_json: bool) -> None:
    """List the operators that have keys.

    \b
    Example:
      holdfast operator list --json
    """
    with place.session() as session:
        for one in vaults.operators(session):
            if as_json:
                emit(one)
            else:
                say(f"{one['operator']}  {one['vkey']}")


@click.command()
@where
def anchors(place: Where) -> None:
    """Print the log's public key, to be given to a court by another way than the bundle.

    \b
    Example:
      holdfast anchors > anchors.txt
    """
    from holdfast.vault.vault import Vault  # noqa: PLC0415

    vault: Vault = Vault.open(place.root)
    say("# Public key of a Holdfast custody log. Take it from the unit itself (its web site, a")
    say("# letter, a person), not from whoever hands you the bundle; then:")
    say("#   bash verify.sh --anchors THIS-FILE")
    say(f"log {vault.config.vkey}")
