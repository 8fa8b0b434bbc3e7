"""A vault that an older Holdfast made: its database is brought to today's tables by itself."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from holdfast.acts.act import Session
from holdfast.acts.people import operators
from holdfast.core.errors import InputError
from holdfast.vault import database, tables
from holdfast.vault.vault import Vault
from holdfast.vault.verify import verify
from tests.vault.conftest import fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


def silent(_done: int, _total: int | None, _what: str) -> None:
    pass


def aged(engine: Engine) -> None:
    """Make the database what the first Holdfast left: without what came to the tables since."""
    server = engine.dialect.name == "postgresql"
    ours, state = ("projection.", "state.") if server else ("", "")
    with engine.begin() as connection:
        for statement in (
            f"DROP TABLE {ours}schedules",
            f"DROP TABLE {ours}recaptures",
            f"ALTER TABLE {ours}operators DROP COLUMN counter",
            f"DROP TABLE {state}shape",
            "UPDATE alembic_version SET version_num = '0001'",
        ):
            connection.execute(text(statement))


@contextmanager
def reopened(vault: Vault) -> Iterator[Vault]:
    found = Vault.open(vault.root)
    yield found
    found.engine.dispose()


def content(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with database.snapshot(engine) as connection:
        return {
            table.name: list(database.rows(connection, table))
            for table in (*tables.projection.sorted_tables, tables.seen)
        }


@pytest.mark.parametrize(
    "server", [False, pytest.param(True, marks=pytest.mark.postgres)], ids=["sqlite", "postgresql"]
)
def test_an_old_vault_opens_without_a_rebuild(
    server: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_database") if server else ""
    fill(tmp_path / "unit", tmp_path / "evidence", url)
    old = Vault.open(tmp_path / "unit")
    before = content(old.engine)
    aged(old.engine)
    old.engine.dispose()

    with reopened(old) as looked_at:
        report = verify(looked_at, 1, silent)
    assert not report.problems
    assert any("older Holdfast" in line for line in report.incomplete)

    with reopened(old) as opened:
        worked_in(opened, before)


def worked_in(opened: Vault, before: dict[str, list[tuple[object, ...]]]) -> None:
    assert [one["operator"] for one in operators(Session(opened, "Alice"))] == ["Alice", "carol"]
    assert content(opened.engine) == before
    report = verify(opened, 1, silent)
    assert not report.problems
    assert not report.incomplete


def test_what_a_database_has_seen_survives_the_migration(vault: Vault) -> None:
    seen = vault.seen()
    assert seen is not None
    aged(vault.engine)
    with reopened(vault) as opened:
        assert opened.current() == seen


def test_another_shape_is_folded_anew_whoever_forgot_a_migration(vault: Vault) -> None:
    before = content(vault.engine)
    with vault.engine.begin() as connection:
        connection.execute(text("ALTER TABLE holds ADD COLUMN odd TEXT"))
        connection.execute(text("UPDATE shape SET digest = 'x'"))
    assert not database.is_ours(vault.engine)
    with reopened(vault) as opened:
        opened.current()
    assert database.is_ours(vault.engine)
    assert content(vault.engine) == before


def test_a_database_of_a_newer_holdfast_is_left_alone(vault: Vault) -> None:
    with vault.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("UPDATE shape SET digest = 'x'"))
    before = content(vault.engine)
    with reopened(vault) as opened, pytest.raises(InputError, match="newer Holdfast"):
        opened.current()
    assert content(vault.engine) == before
