"""`timeline`, `indicators`, `search`: ask what the evidence says."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from holdfast.acts import asking, linking, opinions
from holdfast.acts import searches as searching
from holdfast.acts.cases import OneCase
from holdfast.cli.common import CASE, JSON, Where, answer, emit, say, where
from holdfast.core import durable
from holdfast.core.errors import printable
from holdfast.examine import arrow_stream
from holdfast.examine.exports import EXPORTS
from holdfast.examine.rollups import UNITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ITEM = click.option(
    "--item", "items", multiple=True, metavar="I", help="Exhibit or digest; repeat."
)

COLUMNS = click.option(
    "--export", type=click.Choice([arrow_stream.NAME]), help="For other programs: an Arrow stream."
)


@click.command()
@where
@CASE
@click.option("--from", "start", default="", metavar="TIME", help="Not before this time or date.")
@click.option("--to", "end", default="", metavar="TIME", help="Not after it.")
@click.option("--kind", "kinds", multiple=True, metavar="K", help="e.g. browser.visit; repeat.")
@ITEM
@click.option("--text", default="", metavar="T", help="Only messages that contain T.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N events.")
@click.option(
    "--counts",
    type=click.Choice(UNITS),
    help="Only how many there are of each kind, by this unit of time.",
)
@click.option(
    "--export",
    type=click.Choice(sorted([*EXPORTS, arrow_stream.NAME])),
    help="For other programs: a table, Timesketch's JSON lines, a bodyfile, or an Arrow stream.",
)
@click.option("--as-recorded", is_flag=True, help="Leave out what `clock` says of wrong clocks.")
@JSON
def timeline(
    place: Where,
    *,
    case: str,
    start: str,
    end: str,
    kinds: tuple[str, ...],
    items: tuple[str, ...],
    text: str,
    limit: int | None,
    counts: str | None,
    export: str | None,
    as_recorded: bool,
    as_json: bool,
) -> None:
    """Show the case's events in order of time, UTC.

    \b
    Example:
      holdfast timeline --case 2026-0001 --from 2026-03-01 --kind browser.visit --json
      holdfast timeline --case 2026-0001 --counts day
      holdfast timeline --case 2026-0001 --export timesketch > timeline.jsonl
    """
    if export is not None and as_json:
        raise click.UsageError("give --export or --json, not both")
    if counts is not None:
        if text or limit is not None or export is not None:
            raise click.UsageError("--counts goes with --from, --to, --kind and --item alone")
        many = asking.Counts(case, counts, start, end, kinds, items, as_recorded)
        with place.session() as session:
            _show(asking.counts(session, many), _many, as_json=as_json)
        return
    request = asking.Timeline(case, start, end, kinds, items, text, limit, as_recorded)
    with place.session() as session:
        lines = asking.timeline(session, request)
        if export is None:
            _show(lines, event_line, as_json=as_json)
        elif export == arrow_stream.NAME:
            _columns("timeline", lines)
        else:
            for part in EXPORTS[export](map(orjson.loads, lines)):
                sys.stdout.buffer.write(part)


@click.command()
@where
@CASE
@click.option("--kind", "kinds", multiple=True, metavar="K", help="url, domain, ipv4 …; repeat.")
@ITEM
@click.option("--valid", "valid_only", is_flag=True, help="Only those that pass their own rules.")
@click.option("--text", default="", metavar="T", help="Only values that contain T.")
@click.option("--unknown", is_flag=True, help="Leave out what is on a known-good list.")
@COLUMNS
@JSON
def indicators(
    place: Where,
    *,
    case: str,
    kinds: tuple[str, ...],
    items: tuple[str, ...],
    valid_only: bool,
    text: str,
    unknown: bool,
    export: str | None,
    as_json: bool,
) -> None:
    """Show addresses, names and digests found in the evidence, each with its place.

    \b
    Example:
      holdfast indicators --case 2026-0001 --kind domain --valid --json
    """
    if export is not None and as_json:
        raise click.UsageError("give --export or --json, not both")
    request = asking.Indicators(case, kinds, items, valid_only, text, not unknown)
    with place.session() as session:
        rows = asking.indicators(session, request)
        if export is not None:
            _columns("indicators", rows)
        else:
            _show(rows, _indicator, as_json=as_json)


@click.command()
@where
@CASE
@click.argument("query", nargs=-1)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    metavar="N",
    help="At most N records.",
)
@click.option("--save", metavar="NAME", help="Keep this search under a name, then ask it.")
@click.option("--saved", metavar="NAME", help="Ask the search that was kept under this name.")
@JSON
def search(
    place: Where,
    *,
    case: str,
    query: tuple[str, ...],
    limit: int,
    save: str | None,
    saved: str | None,
    as_json: bool,
) -> None:
    """Find records by their words: all of them, "a phrase", a begin*, a near~ miss.

    In a field: subject:invoice, from:, to:, title:, url:, host:, user:, path:, kind:mail.message.
    By time, UTC: since:2026-03-01 until:2026-03-31, on:2026-03-05.

    \b
    Example:
      holdfast search --case 2026-0001 'invoice "bank account" confirm*'
      holdfast search --case 2026-0001 --save invoices 'subject:invoice~ since:2026-03-01'
    """
    if bool(query) == (saved is not None):
        raise click.UsageError("give a search, or --saved NAME")
    if save is not None and saved is not None:
        raise click.UsageError("give --save or --saved, not both")
    with place.session() as session:
        text = " ".join(query)
        if saved is not None:
            text = searching.find(session, case, saved)
        if save is not None:
            searching.save(session, searching.SavedSearch(case, save, text))
        hits = asking.search(session, asking.Search(case, text, limit))
        _show(hits, _hit, as_json=as_json)


@click.command()
@where
@CASE
@JSON
def searches(place: Where, *, case: str, as_json: bool) -> None:
    """List the searches that were kept under a name.

    \b
    Example:
      holdfast searches --case 2026-0001
    """
    with place.session() as session:
        for one in searching.searches(session, OneCase(case)):
            if as_json:
                emit(one.as_json())
            else:
                say(f"{one.name:<20}  {one.time}  {one.by}  {one.query}")


@click.command()
@where
@CASE
@click.option("--kind", "kinds", multiple=True, metavar="K", help="email, iban, btc …; repeat.")
@click.option("--unknown", is_flag=True, help="Leave out what is on a known-good list.")
@JSON
def links(place: Where, *, case: str, kinds: tuple[str, ...], unknown: bool, as_json: bool) -> None:
    """Show validated indicators of this case that other cases of the vault hold, too.

    Where you have no rights in the other case you learn that there is one, and who leads it. Each
    look is an entry of the asking case.

    \b
    Example:
      holdfast links --case 2026-0001 --kind iban --kind email
    """
    with place.session() as session:
        rows = linking.links(session, linking.Links(case, kinds, not unknown))
        none = "no other case of this vault holds a validated indicator of this one"
        _show(rows, _link, as_json=as_json, none=none)


@click.command()
@where
@CASE
@ITEM
@click.option("--parser", "parsers", multiple=True, metavar="P", help="evtx, mail …; repeat.")
@JSON
def disagreements(
    place: Where, *, case: str, items: tuple[str, ...], parsers: tuple[str, ...], as_json: bool
) -> None:
    """Show where second readers say other than the parsers (after `examine --cross-check`).

    \b
    Example:
      holdfast disagreements --case 2026-0001 --parser evtx --json
    """
    with place.session() as session:
        request = opinions.Disagreements(case, items, parsers)
        rows = opinions.disagreements(session, request)
        none = "no second reader says otherwise; was it examined with --cross-check?"
        _show(rows, _disagreement, as_json=as_json, none=none)


_ON, _OFF = "\ue000", "\ue001"
"""Where bold begins and ends, until the text is made safe: no text that is safe has them."""


def _columns(act: str, lines: Iterator[bytes]) -> None:
    """Print an answer as an Arrow stream; its lines are counted first, as it says their number."""
    folder = Path(tempfile.gettempdir())
    with durable.disk_errors(folder), arrow_stream.counted(lines, folder) as (held, rows, digest):
        for part in arrow_stream.stream(act, held, rows, digest):
            sys.stdout.buffer.write(part)


_NONE = "nothing matches; `holdfast ledger` shows what was read and what was not"


def _show(
    rows: Iterator[bytes],
    told: Callable[[dict[str, Any]], str],
    *,
    as_json: bool,
    none: str = _NONE,
) -> None:
    answer(rows, lambda row: [told(row)], as_json=as_json, none=none, safe=_painted)


def event_line(row: dict[str, Any]) -> str:
    """Return an event as a line."""
    when = row["time"] or "(no time)"
    message = " ".join(row["message"].split())[:300]
    if "clock_ahead" in row:
        recorded = f"recorded {row['time_recorded']}, clock {row['clock_ahead']} s ahead"
        message = f"{message}  [{recorded}]"
    return f"{when:<27}  {row['kind']:<16}  {_place(row):<12}  {message}"


def _many(row: dict[str, Any]) -> str:
    return f"{row['time']:<20}  {row['events']:>9}  {row['kind']}"


def _hit(row: dict[str, Any]) -> str:
    """Return a hit; on a terminal, what was found is in bold."""
    if not sys.stdout.isatty():
        return event_line(row)
    text, at, parts = row["message"], 0, []
    for start, end in row["marks"]:
        if start >= at:
            parts += [text[at:start], _ON, text[start:end], _OFF]
            at = end
    return event_line({**row, "message": "".join([*parts, text[at:]])})


def _painted(text: str) -> str:
    """Return a hit as it is printed: whatever else in it a terminal would act on is shown."""
    plain = printable(text)
    for mark, code in ((_ON, "\x1b[1m"), (_OFF, "\x1b[22m")):
        plain = plain.replace(printable(mark), code)
    return plain


def _place(row: dict[str, Any]) -> str:
    """Return where a record stands: exhibit, path inside, and row (or else byte)."""
    inside = f"/{row['inside']}" if row["inside"] else ""
    at = f"#{row['row']}" if row["row"] is not None else ""
    if not at and row["offset"] is not None:
        at = f"@{row['offset']}"
    return f"{row['exhibit'] or ''}{inside}{at}"


def _disagreement(row: dict[str, Any]) -> str:
    return f"{_place(row):<12}  {row['message']}"


def _link(row: dict[str, Any]) -> str:
    other = f"case {row['case']}" if row["case"] else row["note"]
    return f"{row['kind']:<8}  {row['exhibit'] or '':<8}  {row['value']}  {other} ({row['lead']})"


def _indicator(row: dict[str, Any]) -> str:
    mark = "" if row["valid"] else "  (not valid)"
    for words, lists in (("known good", row["known_good"]), ("known bad", row["known_bad"])):
        mark += f"  ({words}: {', '.join(lists)})" if lists else ""
    inside = f"/{row['inside']}" if row["inside"] else ""
    place = f"{row['exhibit'] or ''}{inside}@{row['offset']}"
    return f"{row['kind']:<7}  {place:<16}  {row['value']}{mark}"
