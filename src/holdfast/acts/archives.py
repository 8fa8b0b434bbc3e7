"""The act of collecting web archives that others made: collected as files are, then judged.

What is broken is collected all the same: an archive's faults are evidence too. The verdict is an
entry, which names the report by its digest; no text out of the archive goes into the log.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.admission import Collected
from holdfast.acts.collecting import CollectFiles, collect_files
from holdfast.acts.originals import open_file
from holdfast.cases import exhibits
from holdfast.collect import archive_check
from holdfast.collect.archive_check import Settings
from holdfast.collect.interfaces import path_field
from holdfast.core import durable
from holdfast.core.errors import IntegrityError
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.collect.interfaces import Skipped
    from holdfast.core.canonical import Json

FIRST = 20
"""Findings of which the entry names rule and place; the report has all."""


@dataclass(frozen=True)
class CollectArchives:
    """Which archives go into which case, and what their signatures are held to."""

    case: str
    paths: tuple[str, ...]
    settings: Settings = field(default_factory=Settings)

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "paths": [path_field(os.fsencode(path)) for path in self.paths],
            "settings": self.settings.told(),
        }


@dataclass(frozen=True)
class Checked:
    """An archive that was collected, with what its check found."""

    collected: Collected
    report: dict[str, Json]
    gaps: tuple[str, ...] = ()
    """What this kernel did not offer to confine the check with."""

    def as_json(self) -> dict[str, Json]:
        """Return what `collect archive --json` prints."""
        return {
            **self.collected.as_json(),
            "report": self.report,
            "report_sha256": archive_check.digest(self.report),
        }


@act("collect.archive", Needs.AUTHORITY, long=True)
def collect_archives(session: Session, request: CollectArchives) -> Iterator[Checked | Skipped]:
    """Collect archives; yield each with its report, once both are entered.

    Raises:
        DeniedError: a path lies outside the case's scope; nothing is collected then.
        InputError: a path holds the vault itself.
        ResourceError: no process can be started that reads an archive safely.
    """
    # Not the act `collect.files` but what it does: a refusal is of this act, and entered once.
    for one in collect_files.run(session, CollectFiles(request.case, request.paths)):
        if isinstance(one, Collected):
            yield _checked(session, request, one)
        else:
            yield one


def _checked(session: Session, request: CollectArchives, one: Collected) -> Checked:
    def exhibit_of(label: str) -> exhibits.Exhibit:
        return session.look_up(
            lambda c: next(e for e in exhibits.of_case(c, request.case) if e.label == label)
        )

    session.progress(0, None, one.path)
    gaps: list[str] = []
    with (
        durable.disk_errors(session.vault.root),
        open_file(session.vault, exhibit_of(one.exhibit)) as stream,
    ):
        report = archive_check.check(stream.fileno(), request.settings, gaps.append)
    if report.get("sha256", one.item) != one.item:
        raise IntegrityError(
            f"the item {one.item} is not what its name says: it was altered after it was stored",
            "run `holdfast verify`",
        )
    findings = report["findings"]
    assert isinstance(findings, list)  # noqa: S101
    session.custody.enter(
        Draft(
            "collect.check",
            request.case,
            {
                "counts": report["counts"],
                "findings": [_place(found) for found in findings[:FIRST]],
                "item": one.item,
                "kind": report["kind"],
                "report": archive_check.digest(report),
                "settings": report["settings"],
                "verdict": report["verdict"],
            },
        )
    )
    return Checked(one, report, tuple(gaps))


def _place(found: Json) -> Json:
    """Return of a finding what holds no text from the archive."""
    assert isinstance(found, dict)  # noqa: S101
    return {"offset": found["offset"], "rule": found["rule"]}
