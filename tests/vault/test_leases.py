"""Leases: one owner at a time, whatever dies, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, select

from holdfast.core.errors import IntegrityError
from holdfast.vault import database, leases, tables
from holdfast.vault.leases import Aim, Leases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

A, B = Aim("a" * 64, "1" * 64), Aim("b" * 64, "1" * 64)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        made = database.connect(f"sqlite:///{tmp_path / 'state.db'}")
    else:
        made = database.connect(request.getfixturevalue("postgres_database"))
    Leases(made, "case").prepare()
    yield made
    made.dispose()


def owned(engine: Engine, name: str, gone: Callable[[str], bool] = lambda _other: False) -> Leases:
    return Leases(engine, "case").held_by(name, gone)


def rows(engine: Engine) -> list[tuple[object, ...]]:
    table = tables.leases
    with engine.connect() as connection:
        query = select(table.c.item, table.c.owner, table.c.tries, table.c.result)
        return [tuple(row) for row in connection.execute(query.order_by(table.c.item))]


def test_what_one_has_another_does_not_get(engine: Engine) -> None:
    one, other = owned(engine, "one"), owned(engine, "other")
    assert one.take([A]) == {A: 0}
    assert other.take([A, B]) == {B: 0}
    assert one.take([A, B]) == {A: 0}
    third = Leases(engine, "another case").held_by("x", lambda _other: False)
    assert third.take([A]) == {A: 0}


def test_only_who_has_it_puts_it_in_force_and_once(engine: Engine) -> None:
    one, other = owned(engine, "one"), owned(engine, "other")
    one.take([A])
    assert other.holds([A]) == set()
    assert one.holds([A]) == {A}
    one.done({A: "1" * 64})
    assert one.holds([A]) == set()


def test_two_results_of_one_item_are_told(engine: Engine) -> None:
    """A worker was away for longer than its lease, came back, and has something else."""
    one, other = owned(engine, "one"), owned(engine, "other", lambda _one: True)
    one.take([A])
    assert other.take([A]) == {A: 0}
    other.done({A: "1" * 64})
    one.done({A: "1" * 64})
    with pytest.raises(IntegrityError, match="different records"):
        one.done({A: "2" * 64})


def test_the_lease_of_one_that_is_gone_is_free(engine: Engine) -> None:
    """Its lock says so; nobody waits for the time to run out."""
    owned(engine, "dead").take([A])
    other = owned(engine, "other", lambda name: name == "dead")
    assert other.take([A]) == {A: 0}
    assert owned(engine, "dead").holds([A]) == set()


def test_a_lease_runs_out_unless_it_is_renewed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that is away can't be asked whether it lives."""
    now = leases._now()
    one, other = owned(engine, "one"), owned(engine, "other")
    one.take([A, B])
    one.done({B: "0" * 64})
    monkeypatch.setattr(leases, "_now", lambda: now + (leases.SECONDS - 1) * 1_000_000)
    one.renew()
    monkeypatch.setattr(leases, "_now", lambda: now + (leases.SECONDS + 1) * 1_000_000)
    assert other.take([A]) == {}
    monkeypatch.setattr(leases, "_now", lambda: now + 2 * leases.SECONDS * 1_000_000)
    assert other.take([A]) == {A: 0}
    assert one.holds([A]) == set()


def test_what_a_machine_was_lost_at_is_counted_over_examinations(engine: Engine) -> None:
    one = owned(engine, "one")
    one.take([A, B])
    one.lost([A])
    assert one.take([A]) == {A: 1}
    one.lost([A])
    one.close()
    assert rows(engine) == [(A.item, "", 2, None)]
    other = owned(engine, "other")
    assert other.take([A, B]) == {A: 2, B: 0}
    other.done({A: "0" * 64})
    other.close()
    assert rows(engine) == []


def test_what_is_done_may_be_taken_again(engine: Engine) -> None:
    """Derived data may be dropped at any time, and is made again."""
    one, other = owned(engine, "one"), owned(engine, "other")
    one.take([A])
    one.done({A: "0" * 64})
    assert other.take([A]) == {A: 0}


def test_what_is_erased_is_forgotten(engine: Engine) -> None:
    one = owned(engine, "one")
    one.take([A, B])
    one.lost([A])
    leases.forget(engine, [A.item])
    assert [row[0] for row in rows(engine)] == [B.item]


def test_an_older_vault_gets_the_table(tmp_path: Path) -> None:
    """0001 of its day made the tables of its day."""
    made = database.connect(f"sqlite:///{tmp_path / 'old.db'}")
    database.prepare(made)
    tables.leases.drop(made)
    with made.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    leases.forget(made, [A.item])
    Leases(made, "case").prepare()
    assert inspect(made).has_table("leases")
    assert owned(made, "one").take([A]) == {A: 0}
    made.dispose()
