"""`verify`: is everything as it was written?"""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

import click

from holdfast.cli.common import JOBS, JSON, Where, emit, progress, say, warn, where
from holdfast.core import clock
from holdfast.core.errors import HoldfastError, IntegrityError
from holdfast.vault.hashing import Hashing

if TYPE_CHECKING:
    from holdfast.vault.stamps import Timing


@click.command()
@where
@JOBS
@click.option("--read-only", is_flag=True, help="Don't finish what a crash left before checking.")
@JSON
def verify(place: Where, *, jobs: int, read_only: bool, as_json: bool) -> int:
    """Check every object, every entry, every signature, and the database against the log.

    Exits 0 only when all is intact and what the vault's policy demands is there.

    \b
    Example:
      holdfast verify --json
    """
    # Hashing begins before the rest of us is loaded, unless a crash left what must get its place.
    objects, incoming = (place.root / "vault" / name for name in ("objects", "incoming"))
    early = incoming.is_dir() and (read_only or not any(incoming.iterdir()))
    hashing = Hashing(str(objects), jobs) if early else None
    with hashing or nullcontext():
        from holdfast.vault.vault import Vault  # noqa: PLC0415
        from holdfast.vault.verify import verify as check  # noqa: PLC0415

        if not read_only:
            # A damaged vault can't be finished; that is for the report to say.
            with suppress(HoldfastError, OSError), place.session():
                pass
        with progress("Verifying", "steps") as tell:
            report = check(Vault.open(place.root), jobs, tell, hashing)
    if as_json:
        emit(report.as_json())
    else:
        for line in report.incomplete:
            warn(f"incomplete: {line}")
        for line in report.problems:
            warn(line)
        for demand in report.missing:
            warn(f"the vault's policy demands {demand!r}, and it is not there")
        if report.head is not None:
            say(f"log        {report.head.origin}, {report.head.size} entries, signature valid")
        say(f"objects    {report.objects} present")
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
    return 0 if report.intact else IntegrityError.exit_code


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
