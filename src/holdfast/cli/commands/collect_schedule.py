"""`collect schedule`: pages that are captured again and again."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.commands.collect_web import options_of, page_options
from holdfast.cli.common import CASE, CHANGED, JSON, Where, emit, progress, say, warn, where
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from holdfast.acts.scheduling import Recaptured, Scheduled

_EVERY = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_NAP = 20.0
"""Seconds after which `--keep-going` looks again: others may add a schedule, or end one."""
SOME_CASE = click.option("--case", metavar="CASE", help="Of this case alone.")


def _every(_ctx: click.Context, param: click.Parameter, value: str) -> int:
    found = _EVERY.fullmatch(value)
    if found is None:
        raise click.BadParameter("give a number and its unit, such as 30m, 6h, 1d", param=param)
    return int(found[1]) * _UNITS[found[2]]


@click.group("schedule")
def schedule() -> None:
    """Capture pages again and again, and say when they change."""


@schedule.command("add")
@where
@CASE
@click.option("--every", required=True, callback=_every, metavar="TIME", help="30m, 6h, 1d, 2w.")
@click.option("--until", default="", metavar="DATE",
              help="The authority's end, if left out or later.")  # fmt: skip
@page_options
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@JSON
def add(
    place: Where,
    *,
    case: str,
    every: int,
    until: str,
    urls: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> None:
    """Enter pages that `collect schedule run` is to capture again and again.

    It ends with the case's authority, whatever you ask for. The case's scope must name each page.

    \b
    Example:
      holdfast collect schedule add --case 2026-0001 --every 6h https://shop.example.org/
    """
    from holdfast.acts.scheduling import AddSchedule, add_schedule  # noqa: PLC0415

    request = AddSchedule(
        case=case,
        urls=tuple(dict.fromkeys(urls)),
        every=every,
        until=until,
        options=options_of(given),
    )
    with place.session() as session:
        made = add_schedule(session, request)
    if as_json:
        emit(made.as_json())
    else:
        _tell(made)


@schedule.command("list")
@where
@SOME_CASE
@JSON
def list_(place: Where, *, case: str | None, as_json: bool) -> None:
    """List the schedules that are not removed, and why one is over.

    \b
    Example:
      holdfast collect schedule list --json
    """
    from holdfast.acts.scheduling import schedules  # noqa: PLC0415

    with place.session() as session:
        for one in schedules(session, case):
            if as_json:
                emit(one.as_json())
            else:
                _tell(one)


@schedule.command("remove")
@where
@click.argument("number", type=click.IntRange(0, 2**53), metavar="NUMBER")
@click.option("--reason", default="", metavar="TEXT", help="Why it ends.")
def remove(place: Where, *, number: int, reason: str) -> None:
    """End a schedule, by the number that `list` gives. What it captured stays.

    \b
    Example:
      holdfast collect schedule remove 57 --reason "the site is gone"
    """
    from holdfast.acts.scheduling import RemoveSchedule, remove_schedule  # noqa: PLC0415

    with place.session() as session:
        remove_schedule(session, RemoveSchedule(number, reason))
    say(f"Removed schedule {number}")


@schedule.command("run")
@where
@SOME_CASE
@click.option("--keep-going", is_flag=True, help="Stay, until every schedule is over.")
@click.option("--alert-on-change", is_flag=True,
              help=f"Exit code {CHANGED} if a page changed, or could not be compared.")  # fmt: skip
@JSON
def run(
    place: Where, *, case: str | None, keep_going: bool, alert_on_change: bool, as_json: bool
) -> int:
    """Capture what is due, once, and say what changed; for cron, or a timer of systemd.

    Pages are due by their own schedules, so it may run as often as you like. Nothing is captured
    after the authority's end. With --keep-going and --alert-on-change it ends at the first change.

    \b
    Example:
      holdfast collect schedule run --alert-on-change
    """
    from holdfast.acts.scheduling import next_due, run_due  # noqa: PLC0415
    from holdfast.core import clock  # noqa: PLC0415

    failed: list[str] = []
    changed = False
    while True:
        with place.session() as session, progress("Capturing", "pages") as session.progress:
            for one in run_due(session, case):
                _tell_turn(one, as_json=as_json)
                changed = changed or one.alarming
                if one.state == "failed":
                    failed.append(f"{one.url}: {one.why}")
            due = next_due(session, case)
        if not keep_going or due is None or (changed and alert_on_change):
            break
        time.sleep(max(0.0, min(_NAP, (due - clock.now()) / 1_000_000)))
    if changed and alert_on_change:
        return CHANGED
    if failed:
        raise InputError(
            f"{len(failed)} captures failed (first: {failed[0]})",
            "see the lines above; each page has its next turn when it is due again",
        )
    return 0


def _tell(one: Scheduled) -> None:
    from holdfast.core import clock  # noqa: PLC0415

    often = next(
        f"{one.every // size}{unit}"
        for unit, size in reversed(_UNITS.items())
        if one.every % size == 0
    )
    state = f"over: {one.over}" if one.over else f"until {clock.to_text(one.until)}"
    say(f"{one.entry}  case {one.case}  every {often}  {state}")
    for at, url in enumerate(one.urls):
        last = clock.to_text(one.begun[at]) if at in one.begun else "never"
        say(f"  {url}  last captured: {last}")


def _tell_turn(one: Recaptured, *, as_json: bool) -> None:
    if as_json:
        emit(one.as_json())
    elif one.state == "failed":
        warn(f"not captured: {one.url}: {one.why}")
    else:
        before = "" if one.compared is None else f" since {one.compared.first.label}"
        what = [] if one.compared is None else [str(name) for name in one.compared.difference.what]
        more = f" ({', '.join(what).replace('_', ' ')})" if what else ""
        say(f"{one.exhibit:<8} {str(one.item)[:16]}  {one.url}  {one.state}{before}{more}")
