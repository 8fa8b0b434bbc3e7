"""`verify`: is everything as it was written?"""

from __future__ import annotations

from contextlib import suppress

import click

from holdfast.cli.common import JOBS, JSON, Where, emit, progress, say, warn, where
from holdfast.core.errors import HoldfastError, IntegrityError


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
    from holdfast.vault.vault import Vault  # noqa: PLC0415 - keeps --help quick
    from holdfast.vault.verify import verify as check  # noqa: PLC0415

    if not read_only:
        # A damaged vault can't be finished; that is for the report to say.
        with suppress(HoldfastError, OSError), place.session():
            pass
    with progress("Verifying", "steps") as tell:
        report = check(Vault.open(place.root), jobs, tell)
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
        if report.store:
            say(f"store      {report.place}")
        actors = f", {report.unsigned} with actor unsigned" if report.unsigned else ""
        say(f"actors     {report.signed} entries signed{actors}")
        say("witnesses  unwitnessed: nobody outside this unit has countersigned the log")
        say("time       untimed: no time authority has stamped the log")
        say("intact" if report.intact else "NOT INTACT")
    return 0 if report.intact else IntegrityError.exit_code
