"""Records as Parquet, and their digest, which does not depend on Parquet."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.errors import IntegrityError
from holdfast.examine import records
from holdfast.examine._output import Output
from holdfast.examine._walk import Seen
from holdfast.examine.block import Block, Part, each
from holdfast.examine.crosscheck import CrossCheck
from holdfast.examine.interfaces import parsers, record_finders
from holdfast.examine.mapping import MappedRow
from holdfast.examine.record import Failure, Indicator, Record
from holdfast.examine.records import DatasetWriter, UnfitError, read, record_digest, schema

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Record):
    KIND: ClassVar[str] = "sample"

    title: str | None = None
    count: int | None = None
    sent_time: int | None = None
    sure: bool | None = None
    names: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong(Record):
    KIND: ClassVar[str] = "wrong"

    ratio: float


def written(path: Path, rows: list[Sample]) -> Path:
    writer = DatasetWriter(path, Sample, item="0" * 64, parser="p", version=3)
    for seq, row in enumerate(rows):
        if writer.add("a/b", seq, row):
            writer.flush()
    writer.close()
    return path


def test_a_schema_is_the_common_columns_then_the_kind_s_own() -> None:
    found = schema(Sample)
    assert found.names[:17] == list(records.COMMON) == [
        "item", "path", "parser", "parser_version", "kind", "seq", "time", "time_nanos",
        "time_meaning", "time_quality", "time_original", "host", "user", "message", "offset",
        "length", "row",
    ]  # fmt: skip
    assert found.names[17:] == ["title", "count", "sent_time", "sure", "names"]
    stamp = pa.timestamp("us", tz="UTC")
    assert found.field("time").type == found.field("sent_time").type == stamp
    assert found.field("names").type == pa.list_(pa.string())
    assert found.field("sure").type == pa.bool_()
    assert found.field("count").type == found.field("offset").type == pa.int64()
    schema(Failure)
    schema(Indicator)


def test_a_field_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Wrong\.ratio"):
        schema(Wrong)


_TEXT = st.text(st.characters(exclude_categories=[]), max_size=12)
_SAMPLE = st.builds(
    Sample,
    message=_TEXT,
    time=st.none() | st.integers(-(2**63) + 2, 2**63 - 2),
    title=st.none() | _TEXT,
    count=st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
    sent_time=st.none() | st.integers(-(2**63) + 2, 2**63 - 2),
    sure=st.none() | st.booleans(),
    names=st.lists(_TEXT, max_size=3),
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_SAMPLE, min_size=1, max_size=100))
def test_what_is_written_is_read(tmp_path: Path, rows: list[Sample]) -> None:
    found = list(read(written(tmp_path / "x.parquet", rows)))
    assert len(found) == len(rows)
    for seq, (row, back) in enumerate(zip(rows, found, strict=True)):
        assert back["seq"] == seq
        assert (back["time"], back["count"], back["sent_time"], back["sure"]) == (
            row.time, row.count, row.sent_time, row.sure,
        )  # fmt: skip
        assert back["message"] == records.storable(row.message)
        assert back["names"] == [records.storable(name) for name in row.names]


def test_a_lone_surrogate_becomes_its_escape(tmp_path: Path) -> None:
    (row,) = read(written(tmp_path / "x.parquet", [Sample(message="a\udcffb", names=["\ud800"])]))
    assert (row["message"], row["names"]) == (r"a\udcffb", [r"\ud800"])


@pytest.mark.parametrize(
    "bad",
    [
        {"time": 2**63},
        {"time": 2**63 - 1},
        {"count": -(2**63) - 1},
        {"count": True},
        {"title": b"x"},
        {"names": ["a", None]},
        {"names": ("a",)},
        {"offset": 1.5},
    ],
)
def test_what_has_no_room_is_refused_and_nothing_is_taken(
    tmp_path: Path, bad: dict[str, object]
) -> None:
    writer = DatasetWriter(tmp_path / "x.parquet", Sample, item="0" * 64, parser="p", version=1)
    with pytest.raises(UnfitError):
        writer.add("", 0, Sample(**{"message": "m", "names": [], **bad}))  # type: ignore[arg-type]
    writer.close()
    assert not (tmp_path / "x.parquet").exists()


def test_row_groups_depend_on_the_rows_alone(tmp_path: Path) -> None:
    """Promise 4: equal input, equal bytes; and memory that does not grow."""
    rows = [Sample(message="x" * 2000, names=[]) for _ in range(30_000)]
    first, second = (written(tmp_path / name, rows).read_bytes() for name in ("a", "b"))
    assert first == second
    with pq.ParquetFile(tmp_path / "a") as file:
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert sizes == [8389, 8389, 8389, 4833]


def test_the_digest_depends_on_neither_order_nor_files_nor_encoding(tmp_path: Path) -> None:
    rows = [Sample(message=f"m{n}", time=n, count=2**60 + n, names=["a"]) for n in range(300)]
    one = written(tmp_path / "one", rows)
    table = pq.read_table(one)
    order = list(range(300))
    random.Random(1).shuffle(order)
    shuffled = table.take(pa.array(order))
    pq.write_table(
        shuffled.slice(0, 100), tmp_path / "two", compression="none", use_dictionary=False
    )
    pq.write_table(shuffled.slice(100), tmp_path / "three", row_group_size=7)
    whole = record_digest([one])
    assert record_digest([tmp_path / "three", tmp_path / "two"]) == whole
    assert record_digest([tmp_path / "two"]) != whole
    assert record_digest([one, one]) != whole  # a row twice is another set of records


def test_the_digest_is_the_documented_one(tmp_path: Path) -> None:
    """docs/formats/records.md, 'The digest of records'."""
    path = written(tmp_path / "x", [Sample(message="hé", time=5, count=2**53, names=[])])
    line = (
        '{"count":"9007199254740992","item":"' + "0" * 64 + '","kind":"sample","message":"hé",'
        '"names":[],"parser":"p","parser_version":3,"path":"a/b","seq":0,"time":5}'
    )
    row = hashlib.sha256(line.encode()).digest()
    assert record_digest([path]) == hashlib.sha256(b"holdfast-records/1\n" + row).hexdigest()
    assert record_digest([]) == hashlib.sha256(b"holdfast-records/1\n").hexdigest()


def test_the_digest_is_the_same_when_runs_go_to_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "x", [Sample(message=f"{n}", names=[]) for n in range(100)])
    whole = record_digest([path])
    monkeypatch.setattr(records, "_RUN", 7)
    assert record_digest([path]) == whole


def test_a_torn_dataset_is_an_integrity_error(tmp_path: Path) -> None:
    path = written(tmp_path / "x", [Sample(message="m", names=[])])
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(IntegrityError):
        list(read(path))


def written_all(path: Path, found: list[Record | Block]) -> list[dict[str, object]]:
    output = Output(path, "0" * 64, "x", 1)
    output.begin("inside")
    for one in found:
        if isinstance(one, Block):
            output.add_block(one)
        else:
            output.add(one)
    totals = output.close()
    assert totals is not None
    rows = [row for file in sorted(path.glob("*.parquet")) for row in read(file)]
    assert totals["totals"] == {
        "records": sum(row["kind"] != "failure" for row in rows),
        "failures": sum(row["kind"] == "failure" for row in rows),
    }
    return rows


def sample_block(count: int) -> Block:
    """Every third row is a failure between the others."""
    good = [n for n in range(count) if n % 3]
    bad = [n for n in range(count) if not n % 3]
    columns: dict[str, Sequence[object]] = {
        "message": [f"m{n}" for n in good],
        "title": [None if n % 2 else "\udcff" for n in good],
        "sent_time": good,
        "names": [["a", "\udc80"] for _ in good],
    }
    return Block(
        (
            Part(Sample, good, columns, {"count": 7, "time": None}),
            Part(Failure, bad, {"message": ["no"] * len(bad)}, {"reason": "why"}),
        )
    )


@pytest.mark.parametrize("count", [1, 20, 40_000])
def test_a_block_is_the_records_it_stands_for(tmp_path: Path, count: int) -> None:
    lone = Sample(message="alone", names=[])
    found: list[Record | Block] = [lone, sample_block(count), lone, sample_block(3), lone]
    one_by_one = list[Record | Block](each(found))
    assert len(one_by_one) == count + 6
    assert written_all(tmp_path / "b", found) == written_all(tmp_path / "r", one_by_one)
    seqs = [r["seq"] for f in (tmp_path / "b").glob("*.parquet") for r in read(f)]
    assert sorted(seqs) == list(range(count + 6))  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("column", "value"),
    [("count", 2**63), ("count", True), ("title", 3), ("sent_time", 2**63 - 1), ("names", [1])],
)
def test_a_row_that_does_not_fit_costs_one_failure(
    tmp_path: Path, column: str, value: object
) -> None:
    columns: dict[str, list[object]] = {"message": ["a", "b", "c"], "names": [[], [], []]}
    columns[column] = [[] if column == "names" else None] * 3
    columns[column][1] = value
    rows = written_all(tmp_path, [Block((Part(Sample, range(3), columns),))])
    assert [(row["kind"], row["seq"]) for row in rows] == [
        ("failure", 1), ("sample", 0), ("sample", 2),
    ]  # fmt: skip


def test_two_rows_never_share_a_number(tmp_path: Path) -> None:
    columns: dict[str, Sequence[object]] = {"message": ["a", "b"], "names": [[], []]}
    rows = written_all(tmp_path, [Block((Part(Sample, [0, 0], columns),))])
    assert [row["seq"] for row in rows] == [0, 1]


def test_row_groups_of_blocks_are_bounded(tmp_path: Path) -> None:
    columns: dict[str, Sequence[object]] = {
        "message": ["a" * 4096] * 40_000,
        "names": [[]] * 40_000,
    }
    written_all(tmp_path, [Block((Part(Sample, range(40_000), columns),))])
    file = pq.ParquetFile(tmp_path / "sample.parquet")
    groups = [file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)]
    assert max(groups) <= records.ROWS and sum(groups) == 40_000


def test_one_name_has_one_type_in_every_kind() -> None:
    """A query over several kinds (and `union_by_name`) must never meet two types."""
    kinds: set[type[Record]] = {
        Failure,
        Indicator,
        Seen,
        *(kind for one in parsers() for kind in one.RECORDS),
        *(kind for one in record_finders() for kind in one.RECORDS),
        *CrossCheck.RECORDS,
        MappedRow,
    }
    types: dict[str, dict[str, str]] = {}
    for kind in kinds:
        for name, arrow, _ in records.columns(kind):
            types.setdefault(name, {})[kind.KIND] = str(arrow)
    assert {n: t for n, t in types.items() if len(set(t.values())) > 1} == {}
