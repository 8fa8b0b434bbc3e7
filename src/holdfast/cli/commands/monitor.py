"""`monitor`: compare what a log shows in several places."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cli.common import JSON, check_text, emit, say, small_file, warn
from holdfast.core.errors import InputError, IntegrityError, RemoteError

if TYPE_CHECKING:
    from holdfast.vault.policy import Policy
    from holdfast.witness.monitor import Finding

TIMEOUT = 20.0
"""Seconds for one request."""


@click.command()
@click.option("--policy", required=True, metavar="FILE", help="Whom to believe (tlog-policy).")
@click.option("--state", required=True, metavar="DIR", help="Where to remember what was seen.")
@click.option("--once", is_flag=True, help="Look once, then exit; else until there is an alarm.")
@click.option(
    "--silent",
    type=click.FloatRange(0, 24 * 365),
    default=24.0,
    metavar="HOURS",
    help="How long a witness may be behind, or a place away; 24 if left out.",
)
@click.option(
    "--every",
    type=click.IntRange(1, 86400),
    default=300,
    metavar="SECONDS",
    help="Between two looks; 300 if left out.",
)
@click.argument("urls", nargs=-1, metavar="URL...")
@JSON
@click.pass_context
def monitor(
    ctx: click.Context,
    *,
    policy: str,
    state: str,
    once: bool,
    silent: float,
    every: int,
    urls: tuple[str, ...],
    as_json: bool,
) -> int:
    """Fetch a log's checkpoint from each URL, and see that all tell one story, and a growing one.

    A URL is a log's, or a witness's; without any, those of the policy. Exits 5 with a line for each
    alarm, 6 where something could not be looked at, and 0 where all is right.

    \b
    Example:
      holdfast monitor --policy policy.txt --state seen --once https://log.unit7.example/
    """
    from holdfast.core import clock, durable  # noqa: PLC0415 - keeps --help quick
    from holdfast.vault.policy import Policy  # noqa: PLC0415
    from holdfast.witness import memory  # noqa: PLC0415
    from holdfast.witness.monitor import watch  # noqa: PLC0415

    check_text(ctx)
    trusted = Policy.parse(small_file(Path(policy)), need_quorum=False)
    places = list(dict.fromkeys(url.rstrip("/") for url in urls or _urls(trusted)))
    if not places or not trusted.logs:
        raise InputError("there is no log or no place to look at", "name logs and URLs")
    folder = Path(state)
    with durable.disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            known = memory.Memory.load(folder)
            found = watch(
                trusted,
                known,
                places,
                now=clock.now(),
                silent=int(silent * 3_600_000_000),
                timeout=TIMEOUT,
            )
            if found.alarms:
                memory.keep_evidence(folder, found.evidence)
            known.save(folder)
            _tell(found, as_json=as_json)
            if found.alarms:
                return IntegrityError.exit_code
            if once:
                return RemoteError.exit_code if found.unreachable else 0
            time.sleep(every)


def _urls(policy: Policy) -> list[str]:
    urls = [*(line.url for line in policy.logs), *(line.url for line in policy.witnesses)]
    return [url.rstrip("/") for url in urls if url]


def _tell(found: Finding, *, as_json: bool) -> None:
    if as_json:
        emit(
            {"alarms": found.alarms, "logs": found.sizes, "unreachable": found.unreachable},
        )
        return
    for line in found.alarms:
        say(f"ALARM  {line}")
    for line in found.unreachable:
        warn(line)
    if not found.alarms:
        for origin, size in sorted(found.sizes.items()):
            say(f"{origin}: {size} entries, one story")
