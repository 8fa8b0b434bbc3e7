"""`examine` and `ledger`: from evidence to records, and what became of every file."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson
from click.core import ParameterSource

from holdfast.acts import examining, opinions
from holdfast.acts.cases import OneCase
from holdfast.cli.commands.cluster import TOKEN
from holdfast.cli.common import CASE, JOBS, JSON, Where, emit, progress, say, size_text, warn, where
from holdfast.core.errors import InputError, IntegrityError
from holdfast.examine import told
from holdfast.examine.cluster import Cluster


@click.command()
@where
@CASE
@JOBS
@click.option(
    "--mapping",
    type=Path,
    metavar="FILE",
    help="What the columns of CSV, TSV or JSON lines mean (TOML).",
)
@click.option(
    "--patterns",
    type=Path,
    metavar="FILE",
    help="Look for the patterns of this TOML file too.",
)
@click.option(
    "--sigma",
    type=Path,
    metavar="DIR",
    help="Hold event records against the Sigma rules in this folder.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    envvar="HOLDFAST_ENGINE",
    show_envvar=True,
    help="Who does it: processes of this machine, or a cluster.",
)
@click.option(
    "--address",
    envvar="HOLDFAST_CLUSTER",
    show_envvar=True,
    metavar="HOST:PORT",
    help="The head of the cluster, with --engine ray.",
)
@TOKEN
@click.option(
    "--cross-check",
    is_flag=True,
    help="Have second readers read it too; see `holdfast disagreements`.",
)
@click.option(
    "--compare",
    "old",
    metavar="OLD",
    help="Show what changed since OLD: previous, a parser's name, name@version, or a key.",
)
@click.option(
    "--similar",
    is_flag=True,
    help="Take fingerprints of texts and pictures, for `holdfast campaigns`.",
)
@click.option(
    "--yara",
    type=Path,
    metavar="PATH",
    help="Hold every file against the YARA rules of this file or folder.",
)
@JSON
@click.pass_context
def examine(
    ctx: click.Context,
    place: Where,
    *,
    case: str,
    jobs: int,
    engine: str,
    address: str | None,
    token: Path | None,
    mapping: Path | None,
    patterns: Path | None,
    sigma: Path | None,
    cross_check: bool,
    old: str | None,
    similar: bool,
    yara: Path | None,
    as_json: bool,
) -> int:
    """Examine the case's items in sandboxed processes; what is done already is not done again.

    With --patterns, FILE holds [[pattern]] tables with a name and a regex; what they find are
    indicators of the type own.NAME. Without it, finds of an earlier FILE are not in force.

    With --engine ray other machines do it, all of them unless --jobs says how many at most; see
    docs/how-to/examine-on-many-machines.md.

    With --compare nothing is examined: results in force are held against those of OLD, which lie
    beside them. Each record that differs is a line, and so are the sums of each item and module.

    \b
    Example:
      holdfast examine --case 2026-0001 --jobs 2
      holdfast examine --case 2026-0001 --compare evtx@1
    """
    if old is not None:
        with place.session() as session:
            for line in opinions.compare_results(session, opinions.CompareResults(case, old)):
                _show(line, as_json=as_json)
        return 0
    cluster = None
    if engine == "ray":
        cluster = _cluster(address, token)
        if ctx.get_parameter_source("jobs") == ParameterSource.DEFAULT:
            jobs = 0
    given = told.read(
        sigma=sigma,
        patterns=patterns,
        mapping=mapping,
        cross_check=cross_check,
        yara=yara,
        similar=similar,
    )
    with place.session() as session, progress("Examining", "items") as session.progress:
        done = examining.examine(session, examining.Examine(case, jobs, given, cluster))
    _tell(done, case, as_json=as_json)
    return IntegrityError.exit_code if done.summary.unread else 0


def _tell(done: examining.Examination, case: str, *, as_json: bool) -> None:
    summary = done.summary
    for note in done.notes:
        warn(note)
    for gap in summary.protection.missing():
        warn(f"the sandbox is weaker than it could be on this kernel: {gap}")
    if as_json:
        emit(done.as_json())
    else:
        again = f", {summary.skipped} done before" if summary.skipped else ""
        say(f"Examined {summary.examined} items{again}: {summary.files} files")
        say(
            f"{summary.records} records, {summary.failures} places that could not be read; "
            f"{done.events} events in the timeline"
        )
        if done.marks:
            counted = ", ".join(f"{count} {kind}" for kind, count in done.marks.items())
            say(f"On lists: {counted}; see `holdfast marks --case {case}`")
        say(f"See `holdfast ledger --case {case}` for what was not read")


def _show(line: bytes, *, as_json: bool) -> None:
    """Print a change, or the sums of an item and module."""
    if as_json:
        sys.stdout.buffer.write(line)
        return
    row = orjson.loads(line)
    place = f"{row['exhibit'] or ''}{'/' + row['inside'] if row['inside'] else ''}"
    if row["kind"] == "change":
        at = f"#{row['row']}" if row["row"] is not None else f"@{row['offset']}"
        say(f"  {row['change']:<8} {row['record']:<16} {place}{at}  {row['message'][:200]}")
        for name, values in row["fields"].items():
            say(f"           {name}: {values['old']} -> {values['new']}")
        return
    new = row["new"]["version"] if row["new"] else "none"
    head = f"{place} {row['module']} {row['old']['version']} -> {new}"
    if row["same"]:
        say(f"{head}: the same")
        return
    kinds = [
        f"{kind} {n['old']} -> {n['new']} (+{n['added']} -{n['gone']} ~{n['changed']})"
        for kind, n in row["records"].items()
    ]
    sums = [f"{name} {n['old']} -> {n['new']}" for name, n in row["ledger"].items()]
    say(f"{head}: {'; '.join([*kinds, *sums])}")


def _cluster(address: str | None, token: Path | None) -> Cluster:
    if address is None or token is None:
        raise InputError(
            "the engine ray needs a cluster and its token",
            "give --address HOST:PORT and --token FILE, or HOLDFAST_CLUSTER and "
            "HOLDFAST_CLUSTER_TOKEN",
        )
    return Cluster(address, token)


@click.command()
@where
@CASE
@JSON
def ledger(place: Where, *, case: str, as_json: bool) -> None:
    """Show what became of every file: seen = parsed + unsupported + failed.

    With --json: a line for each item as a whole (parser empty), then by parser.

    \b
    Example:
      holdfast ledger --case 2026-0001
    """
    totals = dict.fromkeys((*examining.TOTALS, "inner_failures"), 0)
    reasons: dict[str, int] = {}
    types: dict[str, int] = {}
    with place.session() as session:
        for one in examining.ledger(session, OneCase(case)):
            if as_json:
                emit(one.as_json())
                continue
            line = one.line
            if line.module:
                continue
            for name in totals:
                totals[name] += getattr(line, name)
            for reason, count in line.reasons.items():
                reasons[reason] = reasons.get(reason, 0) + count
            for kind, count in line.unsupported_types.items():
                types[kind] = types.get(kind, 0) + count
    if as_json:
        return
    say(
        f"{totals['seen']} files seen = {totals['parsed']} parsed + {totals['unsupported']} "
        f"unsupported + {totals['failed']} failed + {totals['not_examined']} not examined yet"
    )
    say(f"{totals['records']} records from {size_text(totals['bytes'])}")
    if totals["inner_failures"]:
        say(f"{totals['inner_failures']} places in parsed files could not be read, each a record")
    if totals["disagreements"]:
        say(f"{totals['disagreements']} disagreements of second readers, see `disagreements`")
    for kind, count in sorted(types.items()):
        say(f"  unsupported  {count:>6}  {kind}")
    for reason, count in sorted(reasons.items()):
        say(f"  failed       {count:>6}  {reason}")
