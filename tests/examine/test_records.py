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
from holdfast.examine.record import Failure, Indicator, Record
from holdfast.examine.records import DatasetWriter, UnfitError, read, record_digest, schema

if TYPE_CHECKING:
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
    assert found.names[:12] == list(records.COMMON) == [
        "item", "path", "parser", "parser_version", "kind", "seq", "time", "time_meaning",
        "message", "offset", "length", "row",
    ]  # fmt: skip
    assert found.names[12:] == ["title", "count", "sent_time", "sure", "names"]
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
