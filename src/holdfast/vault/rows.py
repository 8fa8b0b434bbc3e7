"""Compare the database's rows with those that the log gives."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import HoldfastError
from holdfast.vault import database, projection, tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.report import Report
    from holdfast.vault.vault import Vault


def new_database(path: Path) -> Engine:
    """Return an empty projection in a file of its own."""
    fresh = database.connect(f"sqlite:///{path}")
    with fresh.begin() as connection:
        tables.projection.create_all(connection)
    return fresh


def compare(
    vault: Vault,
    head: Checkpoint,
    fresh: Engine,
    *,
    scratch: Path,
    report: Report,
    doubts: list[str],
) -> None:
    """Name the first row of each table that is not what the log gives.

    `fresh` is a projection folded up to `head`. What only the log's tiles say against the
    database goes to `doubts`.
    """
    theirs = vault.engine
    try:
        if not database.exists(theirs):
            report.problems.append("the database is missing; run `holdfast rebuild`")
            return
        if not database.is_ours(theirs):
            report.incomplete.append(
                "the database is of an older Holdfast, or a newer one; any command that works in "
                "the vault folds it anew"
            )
            return
        with database.snapshot(theirs) as here:
            folded = projection.position(here, head.origin)
            doubt = _misplaced(vault, head, folded)
            if doubt:
                doubts.append(doubt)
                return
            if folded.size < head.size:
                report.incomplete.append(
                    f"the database is folded to entry {folded.size} of {head.size}; any command "
                    "that works in the vault folds the rest"
                )
                fresh, start = new_database(scratch / "behind.db"), 0
            else:
                start = head.size
            _fold(vault, fresh, start, folded.size)
            with fresh.connect() as there:
                for table in tables.projection.sorted_tables:
                    if table is tables.head:
                        continue
                    with (
                        closing(database.rows(here, table)) as mine,
                        closing(database.rows(there, table)) as due,
                    ):
                        problem = _difference(table, mine, due)
                    if problem:
                        report.problems.append(problem)
    except HoldfastError as error:
        report.problems.append(str(error))


def _misplaced(vault: Vault, head: Checkpoint, folded: Checkpoint) -> str | None:
    """Return what is wrong where the database is at no place of this log; None if it is at one."""
    now = head if folded.size <= head.size else vault.log.head()
    if folded.size > now.size:
        return (
            f"the database is folded to {folded.size} entries and the log has only {now.size}: "
            "the log was cut, or an old one was put back"
        )
    try:
        if vault.log.tree(now).root_of(0, folded.size) == folded.root:
            return None
    except HoldfastError as error:
        return str(error)
    return (
        f"the database says that it is folded to entry {folded.size} of a log that is not this "
        "one: someone edited it, or put another there; `holdfast rebuild` restores it"
    )


def _fold(vault: Vault, fresh: Engine, start: int, end: int) -> None:
    """Fold on to where the vault's database is: others may be ahead, or a crash behind.

    Raises:
        IntegrityError: the log can't be read that far.
    """
    for at in range(start, end, projection.GROUP):
        with fresh.begin() as connection:
            projection.fold(connection, vault.log.parsed(at, min(at + projection.GROUP, end)))


def _difference(
    table: Any, here: Iterator[tuple[Any, ...]], there: Iterator[tuple[Any, ...]]
) -> str | None:
    keys = [list(table.columns).index(column) for column in table.primary_key.columns]
    names = [column.name for column in table.columns]
    while True:
        have, want = next(here, None), next(there, None)
        if have is None and want is None:
            return None
        if have == want:
            continue
        row = want or have or ()
        label = ", ".join(str(row[at]) for at in keys)
        differing = [
            name for name, a, b in zip(names, have or (), want or (), strict=False) if a != b
        ]
        what = f"column {differing[0]!r}" if differing else "a row too many or too few"
        return (
            f"the database's table {table.name} is not what the log gives, first at {label} "
            f"({what}); someone edited it; `holdfast rebuild` restores it"
        )
