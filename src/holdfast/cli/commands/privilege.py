"""`privilege`: what may be privileged is set apart, and the filter team decides on it."""

from __future__ import annotations

from typing import Any

import click

from holdfast.cli.common import CASE, JSON, Where, answer, emit, say, warn, where

REASON = click.option("--reason", required=True, metavar="TEXT", help="Why.")


@click.group()
def privilege() -> None:
    """Legal privilege: set apart on suspicion, read by the filter team alone, decided by it.

    What is set apart is shown to nobody else: not in searches, timelines, indicators, viewers,
    bundles. The filter team is who has the role `filter` in the case, and no other.
    """


@privilege.command("set")
@where
@CASE
@click.argument("items", nargs=-1, metavar="[EXHIBIT]...")
@click.option("--term", "terms", multiple=True, metavar="TEXT",
              help="Each file that says this; repeat.")  # fmt: skip
@REASON
@JSON
def set_(
    place: Where, *, case: str, items: tuple[str, ...], terms: tuple[str, ...], reason: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Set exhibits apart, or every file with a name, an address or words in it.

    What is collected or examined later is held against the terms, too. Case and accents don't
    matter.

    \b
    Example:
      holdfast privilege set --case 2026-0001 --term kanzlei@law.example --reason "his counsel"
    """
    from holdfast.acts import privilege as acts  # noqa: PLC0415

    with place.session() as session:
        entry = acts.set_apart(session, acts.SetApart(case, reason, items, terms))
    if as_json:
        emit({"quarantine": entry})
    else:
        say(f"Set apart, as entry {entry}: only the filter team reads it from here on")


@privilege.command("list")
@where
@CASE
@JSON
def list_(place: Where, *, case: str, as_json: bool) -> None:
    """List what was set apart in a case, and what the filter team decided.

    \b
    Example:
      holdfast privilege list --case 2026-0001
    """
    from holdfast.acts import privilege as acts  # noqa: PLC0415
    from holdfast.acts.cases import OneCase  # noqa: PLC0415

    with place.session() as session:
        found = acts.listed(session, OneCase(case))
    for one in found:
        if as_json:
            emit(one.as_json())
            continue
        what = ", ".join((*one.exhibits, *(f'"{term}"' for term in one.quarantine.terms)))
        state = one.quarantine.outcome or "waits for the filter team"
        files = f"{one.files} files" if one.files != 1 else "1 file"
        say(f"{one.quarantine.entry:>6}  {one.by}  {files}  {state}  {what}")
    if not found and not as_json:
        warn("nothing is set apart in this case")


@privilege.command()
@where
@CASE
@click.argument("quarantine", type=click.IntRange(0), metavar="ENTRY")
@click.option("--item", "items", multiple=True, metavar="I", help="Only of this exhibit; repeat.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=1000, metavar="N",
              help="Records at most.")  # fmt: skip
@JSON
def review(
    place: Where, *, case: str, quarantine: int, items: tuple[str, ...], limit: int, as_json: bool
) -> None:
    """Read what a quarantine keeps from everybody else; needs the role `filter`.

    \b
    Example:
      holdfast privilege review 41 --case 2026-0001
    """
    from holdfast.acts import privilege as acts  # noqa: PLC0415

    with place.session() as session:
        rows = acts.review(session, acts.Review(case, quarantine, items, limit))
        answer(rows, _told, as_json=as_json, none="nothing that was examined is covered by it")


@privilege.command()
@where
@CASE
@click.argument("quarantine", type=click.IntRange(0), metavar="ENTRY")
@click.argument("outcome", type=click.Choice(("release", "keep-out")))
@click.option("--file", "files", multiple=True, nargs=2, metavar="EXHIBIT PATH",
              help="Only this file inside it; repeat. Path '' is the exhibit.")  # fmt: skip
@REASON
@JSON
def rule(
    place: Where, *, case: str, quarantine: int, outcome: str,
    files: tuple[tuple[str, str], ...], reason: str, as_json: bool,
) -> None:  # fmt: skip
    """Release what was set apart, or keep it out; needs the role `filter`.

    \b
    Example:
      holdfast privilege rule 41 release --case 2026-0001 --file AL/3 inbox/7 --reason "an advert"
    """
    from holdfast.acts import privilege as acts  # noqa: PLC0415

    request = acts.Rule(case, quarantine, outcome, reason, files)
    with place.session() as session:
        entry = acts.rule(session, request)
    if as_json:
        emit({"entry": entry, "outcome": outcome, "quarantine": quarantine})
    else:
        say(f"Decided, as entry {entry}: {outcome}")


def _told(row: dict[str, Any]) -> list[str]:
    at = f"{row['exhibit'] or row['item'][:16]}{'/' + row['inside'] if row['inside'] else ''}"
    ruled = f"  [{row['ruled']}]" if row["ruled"] else ""
    return [
        f"{at}  {row['kind']}  {str(row.get('message') or row.get('value') or '')[:300]}{ruled}"
    ]
