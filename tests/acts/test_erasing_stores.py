"""Erasure by order where objects lie elsewhere: on S3, locked there, in a replica, in a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.acts.test_erasing import MARKER, Unit, account, places
from tests.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.s3_server import Server

__all__ = ["account"]


@pytest.fixture
def unit(line: Line, account: Callable[[str], None], tmp_path: Path) -> Unit:
    return Unit(line, account, tmp_path)


def on_s3(
    address: str,
    account: Callable[[str], None],
    place: Path,
    capture: pytest.CaptureFixture[str],
) -> Unit:
    line = Line(place / "vault", "", capture)
    line.must("init", "--store", address)
    line.case = line.open_case()
    return Unit(line, account, place)


def scrubbed(line: Line) -> list[dict[str, Any]]:
    return line.must("verify", "--continuous", "--once", "--json").rows


def test_replica_and_older_copies_lose_it_too_and_a_scrub_misses_nothing(unit: Unit) -> None:
    line, replica, copy = unit.line, unit.place / "replica", unit.place / "copy"
    row = unit.collect(f"{MARKER}.txt", MARKER)
    unit.collect("other.txt", "other")
    line.must("vault", "replica", "--to", replica)
    line.must("vault", "copy")
    line.must("vault", "copy", "--to", copy)
    assert places(replica)
    unit.erase(row["exhibit"])
    assert places(line.vault) == places(replica) == []
    assert [one["kind"] for one in scrubbed(line)] == ["pass"]
    assert places(copy), "nobody told the vault that it is one of its places"
    line.must("vault", "copy", "--to", copy)
    assert places(copy) == []
    assert len(list(copy.glob("objects/*/*"))) == 1
    line.intact()


def test_a_replica_that_is_away_stops_no_work_and_loses_it_when_it_is_back(unit: Unit) -> None:
    line, replica, away = unit.line, unit.place / "replica", unit.place / "away"
    row = unit.collect(f"{MARKER}.txt", MARKER)
    line.must("examine", "--case", line.case, "--jobs", 1)
    line.must("vault", "replica", "--to", replica)
    line.must("vault", "copy")
    replica.rename(away)
    done = unit.by("bob", "erase", "approve", unit.ask(row["exhibit"]))
    assert done.code == 6
    assert str(replica) in done.err
    assert places(line.vault) == []
    line.must("case", "list")
    assert unit.collect("other.txt", "other")["status"] == "new"
    assert places(away)
    away.rename(replica)
    line.must("case", "list")
    assert places(replica) == []
    line.intact()


@pytest.mark.s3
def test_on_s3_no_version_is_left(
    s3: Server, account: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from holdfast.vault.stores.s3 import S3Store  # noqa: PLC0415 - an extra
    from holdfast.vault.vault import Vault  # noqa: PLC0415

    unit = on_s3(s3.address(), account, tmp_path, capsys)
    row = unit.collect(f"{MARKER}.txt", MARKER)
    other = unit.collect("other.txt", "other")
    store = Vault.open(unit.line.vault).store
    assert isinstance(store, S3Store)
    assert list(store.digests()) == sorted([row["item"], other["item"]])
    unit.erase(row["exhibit"])
    assert list(store.digests()) == [other["item"]]
    assert places(unit.line.vault) == []
    assert not list((unit.line.vault / "vault" / "erasing").iterdir())
    unit.line.intact()
    again = unit.collect("again.txt", MARKER)
    assert again["item"] == row["item"]
    assert len(list(store.digests())) == 2
    unit.line.intact()


@pytest.mark.s3
def test_a_locked_object_is_named_with_its_date_and_all_other_work_goes_on(
    s3: Server, account: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unit = on_s3(s3.address(locks=1), account, tmp_path, capsys)
    line = unit.line
    row = unit.collect(f"{MARKER}.txt", MARKER)
    done = unit.by("bob", "erase", "approve", unit.ask(row["exhibit"]))
    assert done.code == 6
    assert "is approved and entered" in done.err
    assert f"the object {row['item']} is locked until 2" in done.err
    assert line.entries("denied") == [], "it was not refused"
    assert places(line.vault) == [], "names and fields are gone, whatever the store keeps"
    assert unit.collect("other.txt", "other")["status"] == "new"
    report = line("verify", "--json", "--jobs", 1).row
    assert report["problems"] == []
    assert any(row["item"] in one and "erased by entry" in one for one in report["incomplete"])
