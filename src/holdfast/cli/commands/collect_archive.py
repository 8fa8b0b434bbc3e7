"""`collect archive`: web archives that others made, with a verdict on each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from holdfast.cli.common import JSON, Where, emit, progress, say, warn, where
from holdfast.core.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.collect.archive_check import Settings

MOST = 10
"""Findings of an archive that are told one by one without --json."""


@click.command("archive")
@where
@click.option("--case", metavar="NUMBER", help="The case it goes into; not with --check-only.")
@click.option("--check-only", is_flag=True, help="Judge the files, and collect nothing.")
@click.option(
    "--require-signature", is_flag=True, help="Judge a WACZ without a signature as invalid."
)
@click.option("--roots", metavar="FILE", help="PEM: authorities of the domains that sign.")
@click.option("--stamp-roots", metavar="FILE", help="PEM: authorities of their time stamps.")
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
@JSON
def archive(
    place: Where,
    *,
    case: str | None,
    check_only: bool,
    require_signature: bool,
    roots: str | None,
    stamp_roots: str | None,
    paths: tuple[str, ...],
    as_json: bool,
) -> int:
    """Collect web archives (WARC, ARC, WACZ) made by others, and judge each.

    They are collected as files are, broken ones too. A process without rights then reads each and
    says which sentences of ISO 28500, or of the WACZ specification, it breaks, and where; the
    verdict (valid, deviates, invalid) is an entry. Without --roots, the domains that signed a WACZ
    are held to this machine's list of authorities.

    \b
    Example:
      holdfast collect archive --case 2026-0001 crawl.warc.gz partner.wacz
      holdfast collect archive --check-only crawl.warc.gz
    """
    from holdfast.collect import archive_check  # noqa: PLC0415 - keeps --help quick

    settings = archive_check.Settings(
        require_signature=require_signature,
        roots=archive_check.read_roots(roots),
        stamp_roots=archive_check.read_roots(stamp_roots) if stamp_roots else b"",
    )
    if check_only:
        if case is not None:
            raise InputError("--check-only collects nothing", "leave out --case")
        return _judge(paths, settings, as_json=as_json)
    if case is None:
        raise InputError("no case is given", "give --case NUMBER, or --check-only")
    return _collect(place, case, paths, settings, as_json=as_json)


def _judge(paths: Sequence[str], settings: Settings, *, as_json: bool) -> int:
    """Judge files where they lie; the exit code is 3 if one of them does not hold."""
    from holdfast.collect import archive_check  # noqa: PLC0415

    bad = 0
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"{path}: {reason}") from error
        try:
            if not Path(f"/proc/self/fd/{descriptor}").is_file():
                raise InputError(f"{path} is no file", "name the archives themselves")
            report = archive_check.check(descriptor, settings, _gap)
        finally:
            os.close(descriptor)
        bad += report["verdict"] in {"invalid", archive_check.UNJUDGED}
        if as_json:
            emit(
                {
                    "path": _shown(path),
                    "report": report,
                    "report_sha256": archive_check.digest(report),
                }
            )
        else:
            _tell(path, report)
    return InputError.exit_code if bad else 0


def _collect(
    place: Where, case: str, paths: tuple[str, ...], settings: Settings, *, as_json: bool
) -> int:
    from holdfast.acts.archives import Checked, CollectArchives, collect_archives  # noqa: PLC0415

    lost: list[str] = []
    with place.session() as session, progress("Collecting") as session.progress:
        for one in collect_archives(session, CollectArchives(case, paths, settings)):
            if isinstance(one, Checked):
                for words in one.gaps:
                    _gap(words)
                if as_json:
                    emit(one.as_json())
                else:
                    say(f"{one.collected.exhibit}  {one.collected.item[:16]}")
                    _tell(one.collected.path, one.report)
                continue
            path = one.path.decode("utf-8", "backslashreplace")
            warn(f"not collected: {path}: {one.reason}")
            if one.loses:
                lost.append(f"{path}: {one.reason}")
    if lost:
        raise InputError(
            f"{len(lost)} of what was named or found could not be collected (first: {lost[0]})",
            "see the lines above; mend it and repeat: what was collected is kept",
        )
    return 0


def _gap(words: str) -> None:
    warn(f"the check was not confined as it should be: {words}")


def _tell(path: str, report: dict[str, Any]) -> None:
    """Say a report in words: verdict, what is in it, and the first sentences it breaks."""
    facts = cast("dict[str, Any]", report["facts"])
    say(f"{_shown(path)}: {report['kind']}, {report['verdict']}{_holds(facts)}")
    if "reason" in report:
        say(f"  {report['reason']}")
    signature = facts.get("signature")
    if isinstance(signature, dict):
        say(f"  signature: {_signature(signature)}")
    told = [one for one in report["findings"] if one["severity"] != "note"]
    for one in told[:MOST]:
        where_ = one["record"] or (f"byte {one['offset']}" if one["offset"] is not None else "")
        say(f"  {one['severity']}: {one['section']}: {one['sentence']}")
        say(printable(f"    {where_}{': ' if where_ and one['detail'] else ''}{one['detail']}"))
    if len(told) > MOST:
        say(f"  ... {len(told) - MOST} more findings; --json shows them")
    for inner in facts.get("warcs", ()):
        say(printable(f"  {inner['path']}: {inner['verdict']}{_holds(inner['facts'])}"))


def _holds(facts: dict[str, Any]) -> str:
    if "records" in facts:
        return f", {facts['records']} records"
    return f", {facts['parts']} parts, {facts['pages']} pages" if "parts" in facts else ""


def _signature(told: dict[str, Any]) -> str:
    if not told["good"]:
        words = {"none": "none: unsigned", "stripped": "taken away"}
        return words.get(told["kind"], f"{told['kind']}, does not hold")
    if told["kind"] == "anonymous":
        return f"good, by the key {told['key_sha256']}, of nobody known"
    return printable(f"good, by {told['domain']}, {told['time'] or 'untimed'}")


def _shown(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
