"""`exposure`: who may look at abuse material, and how much of it in a day."""

from __future__ import annotations

import click

from holdfast.cli.common import CASE, JSON, Where, emit, say, where

REASON = click.option("--reason", required=True, metavar="TEXT", help="Why.")
NAME = click.argument("name", metavar="NAME")


@click.group()
def exposure() -> None:
    """Abuse material is shown to nobody but those who are named for it, and to them in limits."""


@exposure.command()
@where
@click.option("--views", type=click.IntRange(1, 100_000), default=200, help="Looks a day.")
@click.option("--minutes", type=click.IntRange(1, 1440), default=120, help="Minutes a day.")
@click.option("--stretch", type=click.IntRange(1, 1440), default=30, help="Minutes at a stretch.")
@click.option("--rest", type=click.IntRange(1, 1440), default=15, help="Minutes of a break.")
@JSON
def limits(
    place: Where, *, views: int, minutes: int, stretch: int, rest: int, as_json: bool
) -> None:
    """Set how much one person may look at; needs a supervisor of the unit.

    \b
    Example:
      holdfast exposure limits --views 100 --minutes 60
    """
    from holdfast.acts import exposing  # noqa: PLC0415

    with place.session() as session:
        done = exposing.set_limits(session, exposing.SetLimits(views, minutes, stretch, rest))
    if as_json:
        emit(done.as_json())
    else:
        say(f"{views} looks and {minutes} minutes a day, {rest} minutes of rest after {stretch}")


@exposure.command()
@where
@CASE
@NAME
@REASON
def allow(place: Where, *, case: str, name: str, reason: str) -> None:
    """Name somebody who may look at abuse material in a case; needs a supervisor or prosecutor.

    \b
    Example:
      holdfast exposure allow bob --case 2026-0001 --reason "grading"
    """
    from holdfast.acts import exposing  # noqa: PLC0415

    with place.session() as session:
        exposing.allow(session, exposing.Viewer(case, name, reason))
    say(f"{name} may look at abuse material in case {case}")


@exposure.command()
@where
@CASE
@NAME
@REASON
def disallow(place: Where, *, case: str, name: str, reason: str) -> None:
    """End that somebody may look at abuse material in a case.

    \b
    Example:
      holdfast exposure disallow bob --case 2026-0001 --reason "graded"
    """
    from holdfast.acts import exposing  # noqa: PLC0415

    with place.session() as session:
        exposing.disallow(session, exposing.Viewer(case, name, reason))
    say(f"{name} may not look at abuse material in case {case} any more")


@exposure.command()
@where
@CASE
@JSON
def begin(place: Where, *, case: str, as_json: bool) -> None:
    """Sit down to look; `view` counts each look, and a break is forced after a stretch.

    \b
    Example:
      holdfast exposure begin --case 2026-0001
    """
    from holdfast.acts import exposing  # noqa: PLC0415
    from holdfast.acts.cases import OneCase  # noqa: PLC0415

    with place.session() as session:
        entry = exposing.begin(session, OneCase(case))
    if as_json:
        emit({"sitting": entry})
    else:
        say(f"Sitting {entry} begins; end it with `holdfast exposure end`")


@exposure.command()
@where
@CASE
def end(place: Where, *, case: str) -> None:
    """Stand up: what comes after counts no more.

    \b
    Example:
      holdfast exposure end --case 2026-0001
    """
    from holdfast.acts import exposing  # noqa: PLC0415
    from holdfast.acts.cases import OneCase  # noqa: PLC0415

    with place.session() as session:
        ended = exposing.end(session, OneCase(case))
    say("The sitting ended" if ended else "No sitting went on")


@exposure.command()
@where
@CASE
@JSON
def show(place: Where, *, case: str, as_json: bool) -> None:
    """Show how much you have looked at today, and who may look in the case.

    \b
    Example:
      holdfast exposure show --case 2026-0001
    """
    from holdfast.acts import exposing  # noqa: PLC0415
    from holdfast.acts.cases import OneCase  # noqa: PLC0415

    with place.session() as session:
        found = exposing.show(session, OneCase(case))
    if as_json:
        emit(found.as_json())
        return
    most = found.limits
    say(f"{found.day.views} of {most.views} looks, {found.day.minutes} of {most.minutes} minutes")
    say(f"may look: {', '.join(found.viewers) or 'nobody'}")
