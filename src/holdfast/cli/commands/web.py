"""`web`: redacted copies of captures, and their checks."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cli.common import CASE, JSON, Where, emit, progress, say, size_text, warn, where
from holdfast.core.errors import InputError, IntegrityError

if TYPE_CHECKING:
    from holdfast.collect.redaction import Verdict, Wanted

_FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
MOST = 25
"""Problems told one by one."""


def _expressions(
    _ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    for one in value:
        try:
            empty = re.compile(one.encode("utf-8", "surrogateescape")).search(b"")
        except (re.error, RecursionError, OverflowError) as error:
            raise click.BadParameter(f"it is no expression: {error}", param=param) from None
        if empty:
            raise click.BadParameter("it matches nothing at all as well", param=param)
    return value


def _fields(_ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for one in value:
        if not _FIELD.fullmatch(one):
            raise click.BadParameter("it is no header field's name", param=param)
    return value


def _key(_ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _DIGEST.fullmatch(value):
        raise click.BadParameter("give a key's SHA-256, 64 hex digits", param=param)
    return None if value is None else value.lower()


ALSO = click.option(
    "--also", metavar="REGEX", multiple=True, callback=_expressions,
    help="Take what this matches, too, wherever it stands; may be repeated.",
)  # fmt: skip
FIELDS = click.option(
    "--field", "fields", metavar="NAME", multiple=True, callback=_fields,
    help="Take this header field's values, too; may be repeated.",
)  # fmt: skip


@click.group()
def web() -> None:
    """Redacted copies of web captures, for exchange: make one, check one."""


@web.command()
@where
@CASE
@click.option("--to", "target", required=True, metavar="FILE", help="The copy: FILE.wacz.")
@click.option("--recipient", default="", metavar="NAME", help="Who gets it, for the log.")
@ALSO
@FIELDS
@click.argument("item", metavar="ITEM")
@JSON
def redact(
    place: Where,
    *,
    case: str,
    target: str,
    recipient: str,
    also: tuple[str, ...],
    fields: tuple[str, ...],
    item: str,
    as_json: bool,
) -> int:
    """Write a copy of a capture without its secrets, and with the proof that no more is missing.

    Taken are cookies, passwords, tokens in URLs, fields that authorise, and this machine's own
    addresses, in every form and place in which they stand; the sealed parts stay here. Each byte
    range that is gone is listed with a commitment to what stood there.

    \b
    Example:
      holdfast web redact AL/3 --case 2026-0001 --to shop.wacz --recipient "Court of Lyon"
    """
    from holdfast.acts.redacting import RedactWeb, redact_web  # noqa: PLC0415 - keeps --help quick

    wanted = _wanted(also, fields)
    with place.session() as session, progress("Redacting") as session.progress:
        made = redact_web(session, RedactWeb(case, item, target, wanted, recipient))
    for words in made.gaps:
        warn(f"the redaction was not confined as it should be: {words}")
    if as_json:
        emit(
            {
                "changed": made.changed,
                "copy": made.sha256,
                "datapackage": made.datapackage,
                "proven": made.opened,
                "size": made.size,
                "taken": dict(made.taken),
                "to": target,
                "withheld": list(made.withheld),
            }
        )
        return 0
    say(f"{target}: {size_text(made.size)}, SHA-256 {made.sha256}")
    say(f"  taken: {_kinds(dict(made.taken))}")
    say(f"  {made.opened} records, lines and files as they were, {made.changed} changed")
    for part in made.withheld:
        say(f"  withheld: {part}")
    say("  look through it before it leaves: a secret that stands where none is expected is not")
    say("  found; --also takes what you name")
    return 0


@web.command("check-redacted")
@where
@click.option("--case", metavar="CASE", help="With --original: the case that holds it.")
@click.option("--original", metavar="ITEM", help="Derive the copy again from this item.")
@click.option("--signer", metavar="SHA256", callback=_key, help="The key that must have signed it.")
@ALSO
@FIELDS
@click.argument("copy", metavar="COPY")
@JSON
def check_redacted(
    place: Where,
    *,
    case: str | None,
    original: str | None,
    signer: str | None,
    also: tuple[str, ...],
    fields: tuple[str, ...],
    copy: str,
    as_json: bool,
) -> int:
    """Check a redacted copy: is all that it has the original's, byte for byte?

    Needs no vault and no original: the copy has what was signed at capture time. Hold the key that
    it names to one that reached you another way (--signer). With --original the copy is derived
    again, and compared; give the --also and --field that it was made with.

    \b
    Example:
      holdfast web check-redacted shop.wacz
      holdfast web check-redacted shop.wacz --case 2026-0001 --original AL/3
    """
    from holdfast.acts.redacting import open_copy  # noqa: PLC0415 - keeps --help quick
    from holdfast.collect import redaction  # noqa: PLC0415

    if (case is None) != (original is None):
        raise click.UsageError("--case and --original go together")
    if case is not None and original is not None:
        from holdfast.acts import redacting  # noqa: PLC0415

        wanted = _wanted(also, fields)
        with place.session() as session, progress("Comparing") as session.progress:
            request = redacting.CheckRedacted(case, original, copy, wanted)
            found = redacting.check_redacted(session, request)
    else:
        if also or fields:
            raise click.UsageError("--also and --field are for --original")
        with tempfile.TemporaryDirectory(prefix="holdfast-redact-") as work, open_copy(copy) as raw:
            if not Path(f"/proc/self/fd/{raw.fileno()}").is_file():
                raise InputError(f"{copy} is no file", "name the copy itself")
            found = redaction.check(raw, Path(work))
    problems = list(found.problems)
    if signer is not None and found.facts["signer"] != signer:
        problems.append(f"it is signed by the key {found.facts['signer']}, not by {signer}")
    _tell(found, problems, known=signer is not None, as_json=as_json)
    return IntegrityError.exit_code if problems else 0


def _tell(found: Verdict, problems: list[str], *, known: bool, as_json: bool) -> None:
    for words in found.gaps:
        warn(f"the check was not confined as it should be: {words}")
    facts = found.facts
    if as_json:
        emit({**facts, "problems": problems, "sound": not problems})
        return
    for problem in problems[:MOST]:
        warn(problem)
    if len(problems) > MOST:
        warn(f"and {len(problems) - MOST} more")
    if problems:
        say("NOT a redacted copy of what it names")
        return
    say(f"original    {facts['original']['item']}")
    say(f"signed by   {facts['signer']}{'' if known else ', of nobody known: see --signer'}")
    say(
        f"proven      {facts['proven']} of {facts['pieces']} records, lines and files are as signed"
    )
    say(f"changed     {facts['changed']}; taken: {_kinds(facts['taken'])}")
    if facts["withheld"]:
        say(f"withheld    {', '.join(facts['withheld'])}")
    say("SOUND, derived again from the original" if facts["compared"] else "SOUND")


def _kinds(taken: dict[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in taken.items()) or "nothing"


def _wanted(also: tuple[str, ...], fields: tuple[str, ...]) -> Wanted:
    from holdfast.collect.redaction import Wanted  # noqa: PLC0415

    return Wanted(also, fields)
