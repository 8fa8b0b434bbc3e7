"""`bundle` and `verify-script`: hand over, and what the recipient checks it with."""

from __future__ import annotations

import sys

import click

from holdfast.acts import bundling
from holdfast.cli.common import CASE, JSON, Where, emit, progress, say, size_text, where
from holdfast.exchange.package import verify_script as script


@click.command()
@where
@CASE
@click.option("--to", "target", required=True, metavar="DIR", help="A new or empty folder.")
@click.option("--items", "--item", "items", multiple=True, metavar="I", help="Only these; repeat.")
@click.option("--for", "recipient", default="", metavar="NAME", help="To whom it is handed over.")
@JSON
def bundle(
    place: Where,
    *,
    case: str,
    target: str,
    items: tuple[str, ...],
    recipient: str,
    as_json: bool,
) -> None:
    """Write a folder that anybody can check with bash, sha256sum, openssl and od.

    It holds the originals, what was derived from them, the case's entries with their proofs, a
    README.txt in plain words and verify.sh. With --items, the rest is withheld but still counted.

    \b
    Example:
      holdfast bundle --case 2026-0001 --to /media/court/2026-0001 --for "District Court"
      cd /media/court/2026-0001 && bash verify.sh --anchors ~/anchors.txt
    """
    with place.session() as session, progress("Bundling") as session.progress:
        done = bundling.bundle(session, bundling.Bundle(case, target, items, recipient))
    if as_json:
        emit(
            {
                "bytes": done.bytes,
                "case": case,
                "entries": done.entries,
                "entry": done.entry,
                "exhibits": done.exhibits,
                "files": done.files,
                "log": done.vkey,
                "path": str(done.folder),
            }
        )
        return
    say(f"Handed over {done.exhibits} exhibits ({size_text(done.bytes)}), {done.entries} entries")
    say(f"Check it:  cd {done.folder} && bash verify.sh")
    say("Give the recipient what `holdfast anchors` prints by another way: it shows the origin")


@click.command("verify-script")
def verify_script() -> None:
    """Print verify.sh as it is shipped: take it from here, not from a bundle you doubt.

    \b
    Example:
      holdfast verify-script > verify.sh
    """
    sys.stdout.buffer.write(script())
