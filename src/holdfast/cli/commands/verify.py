"""`verify`: is everything as it was written?"""

from __future__ import annotations

import sys
import tomllib
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

import click

from holdfast.cli.common import JOBS, JSON, Where, emit, progress, say, warn, where
from holdfast.core import clock
from holdfast.core.errors import HoldfastError, IntegrityError
from holdfast.vault.hashing import Hashing

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.vault.report import Report
    from holdfast.vault.stamps import Timing


@click.command()
@where
@JOBS
@click.option("--read-only", is_flag=True, help="Don't finish what a crash left before checking.")
@click.option("--continuous", is_flag=True, help="Only hash objects, in the background, for ever.")
@click.option(
    "--rate", type=click.FloatRange(0.001, 1e6), metavar="MB/S", help="With --continuous: how fast."
)
@click.option("--once", is_flag=True, help="With --continuous: end when all were hashed once.")
@JSON
def verify(
    place: Where,
    *,
    jobs: int,
    read_only: bool,
    continuous: bool,
    rate: float | None,
    once: bool,
    as_json: bool,
) -> int:
    """Check every object, every entry, every signature, and the database against the log.

    Exits 0 only when all is intact and what the vault's policy demands is there.

    With --continuous the objects are hashed one by one, those first that were hashed longest ago,
    going on where the last scrub stopped. What is damaged is repaired from the replica, if there is
    one (`vault replica`); if not, it is named, and the exit code is 5.

    \b
    Example:
      holdfast verify --json
      holdfast verify --continuous --rate 20
    """
    if continuous:
        if read_only:
            raise click.UsageError("a scrub repairs; --read-only is for a check of the whole")
        return _scrub(place, rate, once=once, as_json=as_json)
    if rate is not None or once:
        raise click.UsageError("--rate and --once belong to --continuous")
    hashing = _early(place, jobs, read_only=read_only)
    with hashing or nullcontext():
        from holdfast.vault.vault import Vault  # noqa: PLC0415 - keeps --help quick
        from holdfast.vault.verify import verify as check  # noqa: PLC0415

        if not read_only:
            # A damaged vault can't be finished; that is for the report to say.
            with suppress(HoldfastError, OSError), place.session():
                pass
        with progress("Verifying", "steps") as tell:
            report = check(Vault.open(place.root), jobs, tell, hashing)
    if as_json:
        emit({**report.as_json(), "scrub": _coverage(place)})
    else:
        _print(report)
    return 0 if report.intact else IntegrityError.exit_code


def _print(report: Report) -> None:
    for line in report.marked:
        warn(f"marked: {line}")
    for line in report.incomplete:
        warn(f"incomplete: {line}")
    for line in report.problems:
        warn(line)
    for demand in report.missing:
        warn(f"the vault's policy demands {demand!r}, and it is not there")
    if report.head is not None:
        say(f"log        {report.head.origin}, {report.head.size} entries, signature valid")
    say(f"objects    {report.objects} present")
    if report.store:
        say(f"store      {report.place}")
    for line in report.erased:
        say(f"erased     {line}")
    actors = f", {report.unsigned} with actor unsigned" if report.unsigned else ""
    say(f"actors     {report.signed} entries signed{actors}")
    if report.witnessed is None:
        say("witnesses  unwitnessed: nobody outside this unit has countersigned the log")
    else:
        for at, line in enumerate(report.witnessed.lines()):
            say(f"{'' if at else 'witnesses':<11}{line}")
    for line in time_lines(report.timing):
        say(line)
    say("intact" if report.intact else "NOT INTACT")


def _early(place: Where, jobs: int, *, read_only: bool) -> Hashing | None:
    """Begin to hash what lies in the vault's folder before the rest of us is loaded.

    Unless objects lie elsewhere, or a crash left what must get its place first.
    """
    objects, incoming = (place.root / "vault" / name for name in ("objects", "incoming"))
    with suppress(OSError, ValueError):
        if "store" in tomllib.loads((place.root / "holdfast.toml").read_text("utf-8")):
            return None
    if not incoming.is_dir() or (any(incoming.iterdir()) and not read_only):
        return None
    return Hashing(str(objects), jobs)


def _coverage(place: Where) -> dict[str, Json]:
    from holdfast.vault.scrub import coverage  # noqa: PLC0415 - keeps --help quick
    from holdfast.vault.vault import Vault  # noqa: PLC0415

    return coverage(place.root, Vault.open(place.root).store)


def _scrub(place: Where, rate: float | None, *, once: bool, as_json: bool) -> int:
    from holdfast.acts.scrubbing import Damage, Scrub, scrub  # noqa: PLC0415

    damaged = 0
    with place.session() as session, progress("Scrubbing", "objects") as session.progress:
        for found in scrub(session, Scrub((rate or 0) * 1e6, once)):
            if as_json:
                emit(found.as_json())
                sys.stdout.flush()
            elif isinstance(found, Damage):
                what = "repaired" if found.repaired else "NOT repaired"
                warn(f"the object {found.object}: {found.found}; {what}: {found.how}")
                if found.aside:
                    warn(f"its damaged bytes are kept in {found.aside}")
            else:
                say(f"hashed {found.facts['objects']} objects since {found.facts['began']}")
            damaged += isinstance(found, Damage) and not found.repaired
    return IntegrityError.exit_code if damaged else 0


def time_lines(timing: Timing | None) -> list[str]:
    """Return what is known of the time, a line for each authority that is set."""
    if timing is None or not timing.standings:
        return ["time       untimed: no time authority has stamped the log"]
    lines = []
    for one in timing.standings:
        owes = ""
        if one.waiting is not None:
            owes = f"; it owes a stamp since {one.waiting.since}: {one.waiting.why}"
        if one.size is None or one.time is None:
            lines.append(f"time       untimed by {one.authority}{owes}")
            continue
        within = f" within {one.accuracy / 1e6:g} s" if one.accuracy else ""
        ended = f"; {one.expired} of its stamps ended unrenewed" if one.expired else ""
        lines.append(
            f"time       {one.authority} stamped {one.size} entries at "
            f"{clock.to_text(one.time)}{within}, {one.unstamped} not stamped{ended}{owes}"
        )
    return lines
