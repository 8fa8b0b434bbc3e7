"""`bundle` and `verify-script`: hand over, and what the recipient checks it with."""

from __future__ import annotations

import sys

import click

from holdfast.acts import bundling
from holdfast.cli.common import CASE, JSON, Where, emit, progress, say, size_text, where
from holdfast.exchange.package import ROLES
from holdfast.exchange.package import verify_script as script


@click.command()
@where
@CASE
@click.option(
    "--to",
    "target",
    required=True,
    metavar="DIR",
    help="A new or empty folder; sealed, a new file.",
)
@click.option(
    "--select", "--items", "--item", "items", multiple=True, metavar="I", help="Only these; repeat."
)
@click.option("--withhold", multiple=True, metavar="I", help="All but these; repeat.")
@click.option("--order", default="", metavar="TEXT", help="Under what order the rest is withheld.")
@click.option("--for", "recipient", default="", metavar="NAME", help="To whom it is handed over.")
@click.option("--as", "role", type=click.Choice(ROLES), help="As what they get it.")
@click.option(
    "--completeness/--no-completeness",
    default=None,
    help="Prove that no entry is left out; unasked up to 20,000 entries of the whole log.",
)
@click.option(
    "--sealed-to", multiple=True, metavar="AGE1...", help="Encrypt for them, to one file; repeat."
)
@JSON
def bundle(
    place: Where,
    *,
    case: str,
    target: str,
    items: tuple[str, ...],
    withhold: tuple[str, ...],
    order: str,
    recipient: str,
    role: str | None,
    completeness: bool | None,
    sealed_to: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write a folder that anybody can check with bash, sha256sum, openssl and od.

    It holds the originals, what was derived from them, the case's entries with their proofs, a
    README.txt in plain words and verify.sh. With --select or --withhold, the rest is withheld but
    still counted. With --sealed-to it is one file: age -d -i KEY FILE | tar x

    \b
    Example:
      holdfast bundle --case 2026-0001 --to /media/court/2026-0001 --for "District Court" --as court
      cd /media/court/2026-0001 && bash verify.sh --anchors ~/anchors.txt
    """
    request = bundling.Bundle(
        case, target, items, recipient, withhold, role or "", order, completeness, sealed_to
    )
    with place.session() as session, progress("Bundling") as session.progress:
        done = bundling.bundle(session, request)
    if as_json:
        emit(
            {
                "bytes": done.bytes,
                "case": case,
                "completeness": done.complete,
                "entries": done.entries,
                "entry": done.entry,
                "exhibits": done.exhibits,
                "files": done.files,
                "log": done.vkey,
                "path": str(done.folder),
                "sealed": bool(sealed_to),
            }
        )
        return
    say(f"Handed over {done.exhibits} exhibits ({size_text(done.bytes)}), {done.entries} entries")
    if not done.complete:
        say("It does NOT show that no entry of the case is left out: --completeness does")
    if sealed_to:
        say(f"Open it:   age -d -i KEY {done.folder} | tar x")
    else:
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
