"""`check`: a bundle that somebody handed over."""

from __future__ import annotations

from pathlib import Path

import click

from holdfast.cli.common import JSON, check_text, emit, say, warn
from holdfast.core.errors import IntegrityError

MOST = 25
"""Failures told one by one; a folder of another bundle has thousands."""


@click.command()
@click.argument("bundle", metavar="BUNDLE")
@click.option("--anchors", metavar="FILE", help="Keys that came by another way than the bundle.")
@click.option("--bagit", is_flag=True, help="Read any BagIt bag: do its own lists hold?")
@JSON
@click.pass_context
def check(
    ctx: click.Context, *, bundle: str, anchors: str | None, bagit: bool, as_json: bool
) -> int:
    """Check a hand-over bundle: files, entries, signatures, witnesses, time, completeness.

    Needs no vault, and says what verify.sh says. Nothing is unpacked, fetched or followed. Without
    --anchors a bundle that was forged from end to end looks intact in itself, and is called so.

    \b
    Example:
      holdfast check /media/court/2026-0001 --anchors anchors.txt
    """
    check_text(ctx)
    return _bag(bundle, as_json) if bagit else _bundle(bundle, anchors, as_json)


def _bundle(bundle: str, anchors: str | None, as_json: bool) -> int:
    from holdfast.exchange.check import bundle as checking  # noqa: PLC0415 - keeps --help quick

    found = checking.check(Path(bundle), None if anchors is None else Path(anchors))
    if as_json:
        emit(found.as_json())
    else:
        for about, text in found.said:
            say(f"{about:<11} {text}")
        _tell(found.problems)
        say(found.verdict.upper() if found.verdict == "intact" else found.verdict)
    return IntegrityError.exit_code if found.problems else 0


def _bag(bundle: str, as_json: bool) -> int:
    from holdfast.exchange.check import bagit  # noqa: PLC0415

    found = bagit.read(Path(bundle))
    if as_json:
        emit(found.as_json())
    else:
        for warning in found.warnings:
            say(f"careful     {warning}")
        _tell(found.problems)
        if found.valid:
            say(f"a valid bag of {found.files} files: it agrees with its own lists, which whoever")
            say("changes a file can write anew. That it is as it was made, nothing here shows")
        else:
            say("NOT a valid bag")
    return 0 if found.valid else IntegrityError.exit_code


def _tell(problems: list[str]) -> None:
    for problem in problems[:MOST]:
        warn(problem)
    if len(problems) > MOST:
        warn(f"and {len(problems) - MOST} more")
