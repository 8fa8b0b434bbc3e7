"""The projection: the same log gives the same rows, however, wherever and by whomever folded."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from holdfast.acts import cases, people, vaults
from holdfast.acts.act import Session
from holdfast.core.errors import IntegrityError, RemoteError
from holdfast.vault import database, projection, tables
from holdfast.vault.entry import Draft
from holdfast.vault.vault import Vault
from holdfast.vault.verify import verify
from tests.vault.conftest import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests import postgres

Rows = dict[str, list[tuple[Any, ...]]]


def rows_of(engine: Engine) -> Rows:
    with engine.connect() as connection:
        return {
            table.name: list(database.rows(connection, table))
            for table in tables.projection.sorted_tables
        }


@contextmanager
def new_database(url: str) -> Iterator[Engine]:
    engine = database.connect(url)
    database.prepare(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: both kinds run the same tests."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'other.db'}"
    found = request.getfixturevalue("postgres_database")
    assert isinstance(found, str)
    return found


def quiet(_done: int, _total: int | None, _what: str) -> None:
    pass


def problems(vault: Vault) -> list[str]:
    fresh = Vault.open(vault.root)
    report = verify(fresh, 1, quiet)
    fresh.engine.dispose()
    return report.problems


def test_it_has_what_the_log_says(vault: Vault) -> None:
    rows = rows_of(vault.engine)
    size = vault.log.head().size
    assert [row[0] for row in rows["entries"]] == list(range(size))
    assert rows["head"] == [(1, size, vault.log.head().root)]
    assert [row[1] for row in rows["cases"]] == ["The fake bank", "Ärger"]
    assert [row[1] for row in rows["operators"]] == ["Alice", "carol"]
    assert len(rows["exhibits"]) == 8
    counts: dict[str, int] = {row[0]: row[1] for row in rows["chains"]}
    assert sum(counts.values()) == size
    assert set(counts) == {"", rows["cases"][0][0], rows["cases"][1][0]}


def test_folded_at_once_it_is_what_was_folded_act_by_act(vault: Vault, url: str) -> None:
    with new_database(url) as engine:
        projection.catch_up(engine, vault.log, vault.log.head())
        assert rows_of(engine) == rows_of(vault.engine)
        # And again, when there is nothing to do.
        projection.catch_up(engine, vault.log, vault.log.head())
        assert rows_of(engine) == rows_of(vault.engine)


@given(st.lists(st.integers(0, 30), max_size=5))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_folded_in_any_split_it_is_the_same(vault: Vault, cuts: list[int]) -> None:
    size = vault.log.head().size
    bounds = sorted({0, size, *(min(cut, size) for cut in cuts)})
    with new_database("sqlite:///:memory:") as engine:
        for start, end in pairwise(bounds):
            with engine.begin() as connection:
                projection.fold(connection, list(vault.log.entries(start, end)))
        folded, due = rows_of(engine), rows_of(vault.engine)
        assert {**folded, "head": due["head"]} == due


def test_small_groups_give_the_same(
    vault: Vault, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "GROUP", 2)
    with new_database(url) as engine:
        projection.catch_up(engine, vault.log, vault.log.head())
        assert rows_of(engine) == rows_of(vault.engine)


def test_dropped_and_rebuilt_it_is_identical_and_state_stays(vault: Vault) -> None:
    """ "`projection`, which is folded from the log, can be dropped and rebuilt to the identical
    state".
    """
    before, seen = rows_of(vault.engine), vault.seen()
    database.drop_projection(vault.engine)
    assert rows_of(vault.engine)["entries"] == []
    assert vault.seen() == seen
    vault.rebuild()
    assert rows_of(vault.engine) == before


def test_a_vault_lives_on_either_database(tmp_path: Path, url: str) -> None:
    fill(tmp_path / "unit", tmp_path / "evidence", url)
    vault = Vault.open(tmp_path / "unit")
    assert problems(vault) == []
    rows = rows_of(vault.engine)
    vault.rebuild()
    assert rows_of(vault.engine) == rows
    with new_database(f"sqlite:///{tmp_path / 'third.db'}") as engine:
        projection.catch_up(engine, vault.log, vault.log.head())
        assert rows_of(engine) == rows
    vault.engine.dispose()


@pytest.mark.postgres
def test_a_row_edited_on_postgresql_is_named_and_rebuild_restores_it(
    tmp_path: Path, postgres_database: str
) -> None:
    fill(tmp_path / "unit", tmp_path / "evidence", postgres_database)
    vault = Vault.open(tmp_path / "unit")
    with vault.engine.begin() as connection:
        connection.execute(text("UPDATE projection.exhibits SET path = 'x' WHERE number = 2"))
    (problem,) = problems(vault)
    assert "table exhibits is not what the log gives" in problem
    assert "column 'path'" in problem
    vault.rebuild()
    assert problems(vault) == []
    vault.engine.dispose()


@pytest.mark.postgres
def test_a_server_that_sorts_by_language_gives_the_same_order(
    tmp_path: Path, postgres_server: postgres.Server
) -> None:
    """Verification compares row by row: alice before Bob there, Bob before alice here, would be
    taken for tampering.
    """
    name = f"icu_{os.urandom(4).hex()}"
    create = "CREATE DATABASE {} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
    postgres_server._execute(create, name)
    url = postgres_server.url(name)
    alice = vaults.init(vaults.NewVault(tmp_path / "unit", "alice", database=url))
    for operator in ("Bob", "zoe", "Émile", "emil", "Zoe"):
        people.add_operator(alice, people.NewOperator(operator))
    assert problems(alice.vault) == []
    found = rows_of(alice.vault.engine)["operators"]
    names = [row[0] for row in found]
    assert names == sorted(names)
    alice.vault.engine.dispose()
    postgres_server.drop_database(url)


def test_two_processes_that_fold_at_once_fold_each_entry_once(tmp_path: Path, url: str) -> None:
    alice = vaults.init(vaults.NewVault(tmp_path / "unit", "alice", database=url))
    cases.open_case(alice, cases.OpenCase("T", "B", "A", "2999-01-01"))
    alice.custody.enter(*(Draft("note", None, {"n": n}) for n in range(2000)))
    due = rows_of(alice.vault.engine)
    database.drop_projection(alice.vault.engine)
    alice.vault.engine.dispose()
    folders = [
        subprocess.Popen(
            [sys.executable, Path(__file__).with_name("folder.py"), tmp_path / "unit"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for one in folders:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in folders:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [one.communicate(timeout=100)[1] for one in folders]
    assert [one.returncode for one in folders] == [0, 0, 0], told
    assert rows_of(alice.vault.engine) == due
    alice.vault.engine.dispose()


def test_what_another_has_folded_meanwhile_is_not_folded_again(vault: Vault) -> None:
    head = vault.log.head()
    custody = Session(vault, "Alice").custody
    made = custody.enter(Draft("note", None, {}))
    due = rows_of(vault.engine)
    projection.fold_own(vault.engine, vault.log, head, made)
    assert rows_of(vault.engine) == due


@pytest.mark.parametrize("change", ["longer", "another root"])
def test_a_database_that_is_not_of_this_log_is_refused(change: str, vault: Vault) -> None:
    with vault.engine.begin() as connection:
        edit = {"longer": "size = size + 1", "another root": "root = zeroblob(32)"}[change]
        connection.execute(text(f"UPDATE head SET {edit}"))  # noqa: S608 - one of two constants
    with pytest.raises(IntegrityError, match=r"was folded from a log .* that is not this log"):
        vault.current()


def test_a_server_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    engine = database.connect("postgresql://unit:secret@127.0.0.1:1/unit")
    with pytest.raises(
        RemoteError, match=r"unit:\*\*\*@127.* does not answer: .*; start it"
    ) as told:
        database.exists(engine)
    assert "secret" not in str(told.value)
    engine.dispose()
