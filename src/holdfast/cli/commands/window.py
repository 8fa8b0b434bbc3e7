"""`window`, `views`, `remark`: the timeline under a filter, and what is said of its events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.acts import tagging, windowing
from holdfast.acts import views as saved_views
from holdfast.acts.cases import OneCase
from holdfast.cli.commands.query import event_line
from holdfast.cli.common import CASE, JSON, Where, emit, say, where

if TYPE_CHECKING:
    from holdfast.acts.windowing import Windowed


@click.command()
@where
@CASE
@click.argument("filter_", metavar="[FILTER]...", nargs=-1)
@click.option("--after", default="", metavar="PLACE", help="Go on after this place.")
@click.option("--before", default="", metavar="PLACE", help="What comes before this place.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, metavar="N",
    help="At most N events.",
)  # fmt: skip
@click.option("--counts", is_flag=True, help="Count the whole window too: facets and bars.")
@click.option("--view", metavar="NAME", help="Under the filter that was kept by this name.")
@click.option("--save", metavar="NAME", help="Keep this filter under a name, then use it.")
@click.option("--as-recorded", is_flag=True, help="Leave out what `clock` says of wrong clocks.")
@JSON
def window(
    place: Where,
    *,
    case: str,
    filter_: tuple[str, ...],
    after: str,
    before: str,
    limit: int,
    counts: bool,
    view: str | None,
    save: str | None,
    as_recorded: bool,
    as_json: bool,
) -> None:
    """Show a page of the timeline under a filter, as the workbench shows it.

    Terms of one field are alternatives, all else must hold: kind:browser.* -parser:evtx host:pc-7
    item:AL/1 quality:inferred tag:important since:2026-03-01 until:2026-03-31 "words of a message"

    \b
    Example:
      holdfast window --case 2026-0001 --counts 'kind:mail.message since:2026-03-01 invoice'
      holdfast window --case 2026-0001 --save mails 'kind:mail.message'
    """
    if (after and before) or (save is not None and view is not None):
        raise click.UsageError("give one of --after and --before, and one of --save and --view")
    text = " ".join(filter_)
    with place.session() as session:
        if view is not None:
            text = f"{saved_views.find(session, case, view)} {text}"
        if save is not None:
            saved_views.save(session, saved_views.SavedView(case, save, text))
        request = windowing.Window(case, text, after, before, limit, counts, as_recorded)
        found = windowing.window(session, request)
    if as_json:
        for row in found.rows:
            emit(row)
        emit({"window": {k: v for k, v in found.as_json().items() if k != "events"}})
        return
    for row in found.rows:
        tags = "".join(f"  #{one['tag']}" for one in row["tags"])
        say(f"{event_line(row)}{tags}")
    for line in _told(found, counts=counts):
        say(line)


def _told(found: Windowed, *, counts: bool) -> list[str]:
    lines = []
    if found.stopped:
        lines.append(f"looked up to {found.stopped}; go on:  --after {found.later}")
    elif found.later:
        lines.append(f"more events:  --after {found.later}")
    if counts:
        upto = f" up to {found.counted_to}" if found.counted_to else ""
        lines.append(f"{found.total} events{upto}")
        for name, values in found.facets.items():
            shown = "  ".join(f"{one['value']} ({one['events']})" for one in values[:10])
            lines.append(f"{name:<8} {shown}")
    return lines


@click.command()
@where
@CASE
@JSON
def views(place: Where, *, case: str, as_json: bool) -> None:
    """List the filters of the timeline that were kept under a name.

    \b
    Example:
      holdfast views --case 2026-0001
    """
    with place.session() as session:
        for one in saved_views.views(session, OneCase(case)):
            if as_json:
                emit(one.as_json())
            else:
                say(f"{one.name:<20}  {one.time}  {one.by}  {one.query}")


@click.group()
def remark() -> None:
    """Tag and comment on events of the timeline; read what was said."""


@remark.command("tag")
@where
@CASE
@click.argument("event", metavar="PLACE")
@click.argument("name", metavar="TAG")
@JSON
def tag(place: Where, *, case: str, event: str, name: str, as_json: bool) -> None:
    """Tag an event, by its place as `window --json` gives it.

    \b
    Example:
      holdfast remark tag --case 2026-0001 PLACE important
    """
    with place.session() as session:
        entry = tagging.tag(session, tagging.Tag(case, event, name))
    _entered(entry, f"Tagged #{name}", as_json=as_json)


@remark.command("untag")
@where
@CASE
@click.argument("entry", type=click.IntRange(0, 2**62))
@JSON
def untag(place: Where, *, case: str, entry: int, as_json: bool) -> None:
    """Take a tag off, by the entry that put it on.

    \b
    Example:
      holdfast remark untag --case 2026-0001 41
    """
    with place.session() as session:
        done = tagging.untag(session, tagging.Untag(case, entry))
    _entered(done, "Taken off", as_json=as_json)


@remark.command("comment")
@where
@CASE
@click.argument("event", metavar="PLACE")
@click.argument("text", metavar="TEXT")
@JSON
def comment(place: Where, *, case: str, event: str, text: str, as_json: bool) -> None:
    """Comment on an event.

    \b
    Example:
      holdfast remark comment --case 2026-0001 PLACE 'first sign-in from abroad'
    """
    with place.session() as session:
        entry = tagging.comment(session, tagging.Comment(case, event, text))
    _entered(entry, "Commented", as_json=as_json)


@remark.command("list")
@where
@CASE
@click.argument("event", metavar="PLACE")
@JSON
def list_(place: Where, *, case: str, event: str, as_json: bool) -> None:
    """Show what was said of an event.

    \b
    Example:
      holdfast remark list --case 2026-0001 PLACE
    """
    with place.session() as session:
        found = tagging.said(session, tagging.OneEvent(case, event))
    for one in found:
        if as_json:
            emit(one.as_json())
        else:
            what = one.comment if one.tag is None else f"#{one.tag}"
            say(f"{one.time}  {one.by}  {what}")


def _entered(entry: int, what: str, *, as_json: bool) -> None:
    if as_json:
        emit({"entry": entry})
    else:
        say(f"{what}: entry {entry}")
