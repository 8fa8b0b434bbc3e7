"""The timeline and the queries: order, bounds, and no way in for a user's text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from holdfast.core.errors import InputError, IntegrityError
from holdfast.examine import _duck, results, rollups, timeline

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.examine.run import Input
    from tests.examine.conftest import Bench


@pytest.fixture
def items(bench: Bench) -> list[str]:
    inputs: list[Input] = [
        bench.item(b"LINES\n300 late\n100 Early bird\n-5 before 1970\n"),
        bench.item(b"LINES\n200 middle a@example.org\nno time here\n200 same time\n"),
        bench.item(b"plain b@example.org"),
    ]
    bench.examine(*inputs)
    return [source.item for source in inputs]


def messages(rows: object) -> list[object]:
    return [row["message"] for row in rows]  # type: ignore[attr-defined]


def test_events_come_in_order_of_time(bench: Bench, items: list[str]) -> None:
    assert timeline.build(bench.derived, items, bench.index) == 5
    assert messages(timeline.query(bench.index)) == [
        "before 1970", "Early bird", "middle a@example.org", "same time", "late",
    ]  # fmt: skip
    stored = pq.read_table(bench.index / "timeline" / "events.parquet")
    assert stored.column("time").cast(pa.int64()).to_pylist() == [-5, 100, 200, 200, 300]


def test_ties_are_broken_the_same_way_whatever_order_items_come_in(
    bench: Bench, items: list[str]
) -> None:
    timeline.build(bench.derived, items, bench.index)
    first = list(timeline.query(bench.index))
    timeline.build(bench.derived, reversed(items), bench.index)
    assert list(timeline.query(bench.index)) == first


def test_nanoseconds_order_what_microseconds_can_t_tell_apart(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = bench.item(b"LINES\n100.900 third\n100 first\n100.001 second\n")
    bench.examine(source)
    assert timeline.build(bench.derived, [source.item], bench.index) == 3
    found = list(timeline.query(bench.index))
    assert messages(found) == ["first", "second", "third"]
    assert [row["time_nanos"] for row in found] == [None, 1, 900]


def test_bounds_are_included_and_filters_hold(bench: Bench, items: list[str]) -> None:
    timeline.build(bench.derived, items, bench.index)
    found = timeline.query(bench.index, start=100, end=200)
    assert [row["time"] for row in found] == [100, 200, 200]
    assert messages(timeline.query(bench.index, text="EARLY")) == ["Early bird"]
    assert messages(timeline.query(bench.index, items=[items[1]], limit=1)) == [
        "middle a@example.org"
    ]
    assert messages(timeline.query(bench.index, kinds=["other"])) == []
    assert (
        len(messages(timeline.query(bench.index, parsers=["toy_lines"], kinds=["toy.line"]))) == 5
    )
    with pytest.raises(InputError):
        list(timeline.query(bench.index, start=2**63))


def test_a_user_s_text_is_never_sql(bench: Bench, items: list[str]) -> None:
    timeline.build(bench.derived, items, bench.index)
    for text in ("' OR 1=1 --", "%", "_", "$limit", "{columns}", "\0", "\\"):
        assert messages(timeline.query(bench.index, text=text)) == []
        assert messages(timeline.query(bench.index, kinds=[text])) == []
        assert messages(timeline.indicators(bench.derived, items, text=text)) == []
        assert messages(timeline.records(bench.derived, items, kind=text)) == []


def test_the_database_reaches_nothing_but_its_folders(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n")
    for query in (
        f"FROM read_csv('{tmp_path}/secret.csv')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        f"ATTACH '{tmp_path}/x.db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "SELECT * FROM 'https://example.org/x.parquet'",
    ):
        with (
            pytest.raises((IntegrityError, duckdb.Error)),
            _duck.connect(tmp_path / "scratch") as connection,
        ):
            connection.execute(query)
    assert not (tmp_path / "out.csv").exists()


def test_records_have_all_columns_of_their_kind(bench: Bench, items: list[str]) -> None:
    found = list(timeline.records(bench.derived, items, kind="toy.line", text="time here"))
    assert [(row["title"], row["tags"], row["time"], row["seen_time"]) for row in found] == [
        ("line 3", ["time", "here"], None, None)
    ]
    assert len(list(timeline.records(bench.derived, items, kind="toy.line"))) == 6
    assert len(list(timeline.records(bench.derived, items, kind="toy.line", limit=4))) == 4


def test_indicators_are_filtered_by_type_and_text(bench: Bench, items: list[str]) -> None:
    values = [row["value"] for row in timeline.indicators(bench.derived, items)]
    assert values == ["a@example.org", "b@example.org"]
    assert len(list(timeline.indicators(bench.derived, items, types=["email"]))) == 2
    assert list(timeline.indicators(bench.derived, items, types=["url"])) == []
    assert len(list(timeline.indicators(bench.derived, items, text="B@", valid_only=True))) == 1
    assert len(list(timeline.indicators(bench.derived, items, limit=1))) == 1


def test_times_at_the_ends_of_64_bits_survive(bench: Bench) -> None:
    far = 2**63 - 2
    item = bench.item(f"LINES\n{far} last\n{-far} first\n{far + 1} beyond\n".encode())
    bench.examine(item)
    timeline.build(bench.derived, [item.item], bench.index)
    assert [row["time"] for row in timeline.query(bench.index)] == [-far, far]
    failures = list(timeline.records(bench.derived, [item.item], kind="failure"))
    assert len(failures) == 1


def test_an_empty_case_has_an_empty_timeline(bench: Bench) -> None:
    assert timeline.build(bench.derived, [], bench.index) == 0
    assert list(timeline.query(bench.index)) == []


def test_without_a_timeline_there_is_an_explanation(bench: Bench) -> None:
    with pytest.raises(InputError, match="no timeline"):
        list(timeline.query(bench.index))


def test_a_damaged_dataset_is_an_integrity_error(bench: Bench, items: list[str]) -> None:
    dataset = next(results.datasets(bench.derived, items[:1]))
    dataset.path.write_bytes(b"PAR1 not parquet PAR1")
    with pytest.raises(IntegrityError):
        timeline.build(bench.derived, items, bench.index)
    assert not (bench.index / "timeline").exists()


def test_events_are_counted_by_hour_and_what_is_larger(bench: Bench) -> None:
    """ "common columns and rollups serves the timeline": the sums are those of the events."""
    hour = 3_600_000_000
    stamps = [0, 1, hour - 1, hour, 24 * hour, 40 * 24 * hour, -1, 2**62]
    one = bench.item("\n".join(["LINES", *(f"{stamp} x" for stamp in stamps), ""]).encode())
    other = bench.item(f"LINES\n{hour + 5} y\n".encode())
    bench.examine(one, other, only=("toy_lines",))
    timeline.build(bench.derived, [one.item, other.item], bench.index)

    def counted(unit: str, **more: Any) -> list[tuple[object, object]]:
        return [(row["time"], row["events"]) for row in rollups.query(bench.index, unit, **more)]

    assert counted("hour") == [
        (-hour, 1), (0, 3), (hour, 2), (24 * hour, 1), (40 * 24 * hour, 1),
    ]  # fmt: skip
    assert counted("day") == [
        (-24 * hour, 1), (0, 5), (24 * hour, 1), (40 * 24 * hour, 1),
    ]  # fmt: skip
    assert counted("year") == [(-365 * 24 * hour, 1), (0, 7)]
    assert counted("hour", start=0, end=hour) == [(0, 3), (hour, 2)]
    assert counted("hour", items=[other.item]) == [(hour, 1)]
    assert counted("hour", kinds=["no.such"]) == []
    ahead = [(other.item, "", 5 * hour), ("", "nowhere.example", hour)]
    assert counted("hour", clocks=ahead, start=-24 * hour, end=hour - 1) == [
        (-4 * hour, 1), (-hour, 1), (0, 3),
    ]  # fmt: skip
    with pytest.raises(InputError, match="is no unit"):
        counted("hour'); DROP TABLE x;--")
    timeline.build(bench.derived, [], bench.index)
    assert counted("day") == []
