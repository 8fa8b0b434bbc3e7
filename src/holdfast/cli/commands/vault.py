"""`init`, `anchors`: make a vault, tell its public key."""

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
@JSON
def init(
    place: Where,
    *,
    sealed: bool,
    origin: str,
    database: str,
    keys: str,
    require: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a new vault and a key for its first operator.

    \b
    Example:
      holdfast init --vault /srv/unit7 --operator alice
    """
    request = vaults.NewVault(
        place.root, place.operator, origin, sealed, database, keys, tuple(require)
    )
    session = vaults.init(request)
    vault = session.vault
    if as_json:
        emit(
            {
                "log": vault.config.vkey,
                "operator": session.operator,
                "sealed": sealed,
                "vault": str(vault.root.absolute()),
            }
        )
        return
    say(f"Made a {'sealed' if sealed else 'plain'} vault at {vault.root}")
    say(f"Its log signs as {vault.config.vkey}")
    say(f"Keys lie in {vault.keyring.root}: back them up apart from the vault")


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
