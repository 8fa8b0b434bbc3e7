"""`init`, `anchors`: make a vault, tell its public key."""

from __future__ import annotations

import click

from holdfast.acts import vaults
from holdfast.cli.common import JSON, Where, emit, new_file, say, where
from holdfast.core import clock, durable
from holdfast.vault.config import DEMANDS


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
                "log": str(vault.verifier),
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
    say(f"Its log signs as {vault.verifier}")
    say(f"Keys lie in {vault.keyring.root}: back them up apart from the vault")


@click.command()
@where
@click.option("--page", "page", default="", metavar="FILE", help="Write the page too: FILE.pdf.")
def anchors(place: Where, *, page: str) -> None:
    """Print the log's keys, its witnesses' and its time authorities', for a second channel.

    A court keeps them, from the unit itself and not from a bundle, and holds every bundle to them.

    \b
    Example:
      holdfast anchors --page anchors.pdf > anchors.txt
    """
    from holdfast.vault import anchors as kept  # noqa: PLC0415 - keeps --help quick

    file = new_file(page, {".pdf"}) if page else None
    with place.session() as session:
        head = session.vault.log.head()
        keys = list(kept.of_log(session.vault.log, head))
        lines = [*keys, *session.look_up(lambda connection: list(kept.others(connection)))]
    say("# Anchors of a Holdfast custody log. Take them from the unit itself (its web site, a")
    say("# letter, a person), not from whoever hands you the bundle; then:")
    say("#   bash verify.sh --anchors THIS-FILE")
    for line in lines:
        say(line)
    if file is not None:
        from holdfast.exchange.anchors import as_pdf  # noqa: PLC0415 - loads a compiler

        with durable.disk_errors(file):
            durable.create(file, as_pdf(lines, head, clock.to_text(clock.now())), 0o644)
