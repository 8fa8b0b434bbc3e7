"""`log keys`, `log rotate`, `log continue-as`: the log's own key, and what comes after it."""

from __future__ import annotations

from pathlib import Path

import click

from holdfast.cli.commands.erase import tell
from holdfast.cli.common import JSON, Where, emit, say, where

REASON = click.option("--reason", default="", metavar="TEXT", help="Why; the log keeps it.")


@click.command()
@where
@JSON
def keys(place: Where, *, as_json: bool) -> None:
    """List the log's own keys: up to how many entries each signed, and why it ended.

    \b
    Example:
      holdfast log keys
    """
    with place.session() as session:
        eras = session.vault.eras
    for era in eras.all:
        if as_json:
            emit(
                {
                    "log": str(era.verifier),
                    "log_mldsa": None if era.second is None else str(era.second),
                    "until": era.until,
                    "why": era.why or None,
                }
            )
            continue
        state = "signs now" if era.until is None else f"{era.why}, signed up to {era.until} entries"
        say(f"{era.verifier}  {state}")


@click.command()
@where
@click.option("--stolen", "why", flag_value="stolen", help="Somebody else may have the old key.")
@click.option("--lost", "why", flag_value="lost", help="The old key is gone.")
@REASON
@click.option("--next-key", default="", metavar="FILE", help="The next key; else one is made.")
@JSON
def rotate(place: Where, *, why: str | None, reason: str, next_key: str, as_json: bool) -> None:
    """Ask to change the log's key; another person approves (`request approve`).

    The old key announces the new one and signs until then. With --stolen or --lost it signs nothing
    any more, and courts need new anchors.

    \b
    Example:
      holdfast log rotate --reason "two years old"
    """
    from holdfast.acts import log_keys  # noqa: PLC0415 - keeps --help quick

    request = log_keys.ChangeKey(why or "rotated", reason, next_key)
    with place.session() as session:
        tell(log_keys.rotate(session, request), as_json=as_json)


@click.command("continue-as")
@where
@click.argument("origin")
@REASON
@click.option(
    "--cosigned",
    default="",
    metavar="FILE",
    help="A checkpoint of this log that it does not continue; else witnesses are asked.",
)
@JSON
def continue_as(place: Where, *, origin: str, reason: str, cosigned: str, as_json: bool) -> None:
    """Ask to go on as another log, ORIGIN, since witnesses hold that this one is not what it was.

    All that it proves, it proves still. Another person approves (`request approve`).

    \b
    Example:
      holdfast log continue-as unit7.example/log2 --reason "restored the backup of 3 May"
    """
    from holdfast.acts import log_keys  # noqa: PLC0415

    note = Path(cosigned).read_bytes() if cosigned else b""
    with place.session() as session:
        asked = log_keys.continue_as(session, log_keys.ContinueAs(origin, reason, note))
        tell(asked, as_json=as_json)


COMMANDS = (keys, rotate, continue_as)
