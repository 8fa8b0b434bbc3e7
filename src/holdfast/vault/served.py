"""What a serving process keeps of answers: it goes when anything is erased by order."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from sqlalchemy import inspect, update

from holdfast.vault import database
from holdfast.vault.jobs import jobs
from holdfast.vault.requested import requested

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from holdfast.vault.vault import Vault

FOLDER = "serving"
"""In the vault's folder: answers that are read on, results of jobs, files that come by upload."""


def answers(root: Path) -> Path:
    """Return where answers lie that are read on page by page."""
    return root / FOLDER / "answers"


def results(root: Path) -> Path:
    """Return where the results of jobs lie."""
    return root / FOLDER / "jobs"


def uploads(root: Path) -> Path:
    """Return where files lie that come by upload, until they are collected."""
    return root / FOLDER / "uploads"


def forget(vault: Vault) -> None:
    """Forget every answer: what was erased may stand in one."""
    shutil.rmtree(answers(vault.root), ignore_errors=True)
    for path in results(vault.root).glob("*.jsonl"):
        path.unlink(missing_ok=True)
    _blank(vault.engine)


def _blank(engine: Engine) -> None:
    """Take the texts out of the state's rows; an older vault has no such tables."""
    blank = {"answer": None, "problem": None, "what": ""}
    with database.guarded(engine), engine.begin() as connection:
        for table in (requested, jobs):
            schema = None if engine.dialect.name == "sqlite" else table.schema
            if inspect(connection).has_table(table.name, schema=schema):
                values = {name: blank[name] for name in blank if name in table.c}
                connection.execute(update(table).values(values))
