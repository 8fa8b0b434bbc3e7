"""Tables that a mapping explains: times in their zone, bad rows counted, and a key of its own."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import clock
from holdfast.core.errors import InputError
from holdfast.examine import results
from holdfast.examine.mapping import MappedParser, Mapping, read_mapping
from holdfast.examine.records import read
from holdfast.examine.run import examine
from holdfast.testing.parser_contract import check_records, evidence, fuzz

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.examine.record import Record
    from tests.examine.conftest import Bench

BERLIN = """
format = "csv"
[columns]
time = "Zeit"
host = "Rechner"
user = "Konto"
message = ["Vorgang", "Datei"]
[time]
format = "%d.%m.%Y %H:%M:%S"
zone = "Europe/Berlin"
meaning = "copied"
"""
TABLE = (
    b"\xef\xbb\xbfZeit,Rechner,Konto,Vorgang,Datei\r\n"
    b'31.01.2026 09:00:00,PC1,alice,copied,"a, ""b"".txt"\r\n'
    b'01.07.2026 09:00:00,PC1,,moved,"two\nlines"\r\n'
    b"\r\n"
    b"31.01.2026,PC1,alice,copied,c\r\n"
    b"too,short\r\n"
    b",PC2,bob,no time,d"
)


def mapping(folder: Path, text: str) -> Mapping:
    path = folder / "mapping.toml"
    path.write_text(text, "utf-8")
    return read_mapping(path)


def parsed(one: Mapping, content: bytes) -> list[Record]:
    parser = MappedParser(one)
    with evidence(content) as file:
        assert parser.match(file)
        records = list(parser.parse(file))
    check_records(records, len(content), parser.RECORDS)
    return records


def test_a_table_in_its_own_zone(tmp_path: Path) -> None:
    first, second, bad, short, last = parsed(mapping(tmp_path, BERLIN), TABLE)
    assert clock.to_text(first.time or 0) == "2026-01-31T08:00:00Z"
    assert clock.to_text(second.time or 0) == "2026-07-01T07:00:00Z"
    assert (first.host, first.user, first.message) == ("PC1", "alice", 'copied a, "b".txt')
    assert (first.time_meaning, first.time_quality) == ("copied", "zone assumed")
    assert first.time_original == "31.01.2026 09:00:00"
    assert (first.row, second.row, bad.row, short.row, last.row) == (2, 3, 6, 7, 8)
    assert (second.user, second.message) == (None, "moved two lines")
    assert TABLE[second.offset or 0 :][: second.length].startswith(b"01.07.2026")
    assert [one.KIND for one in (bad, short, last)] == ["failure", "failure", "mapped.row"]
    assert last.time is None and last.time_quality is None


def test_json_lines_with_times_that_count(tmp_path: Path) -> None:
    one = mapping(tmp_path, 'format="jsonl"\n[columns]\ntime="ts"\n[time]\nformat="unix"\n')
    content = (
        b'{"ts":1772323200.5,"a":[1]}\n[]\n{"ts":"x"}\nnot json\n{"ts":1e400}\n{"b":"\\ud800"}\n'
    )
    records = parsed(one, content)
    assert [record.KIND for record in records] == [
        "mapped.row", "failure", "failure", "failure", "failure", "mapped.row",
    ]  # fmt: skip
    assert (records[0].time, records[0].time_quality) == (1772323200500000, "exact")
    assert records[-1].message == '{"b":"\\ud800"}'


@pytest.mark.parametrize(
    ("form", "text", "micros", "nanos"),
    [
        ("unix", "-1.5", -1_500_000, None),
        ("unix", "1769846472.123456789", 1_769_846_472_123_456, 789),
        ("unix_ms", "1500.25", 1_500_250, None),
        ("unix_us", "7.5", 7, 500),
        ("unix_ns", "1769846472123456789", 1_769_846_472_123_456, 789),
        ("unix_ns", "-1", -1, 999),
        ("iso", "2026-01-31T08:01:12.123456789Z", 1_769_846_472_123_456, 789),
    ],
)
def test_what_is_finer_than_a_microsecond_is_kept(
    tmp_path: Path, form: str, text: str, micros: int, nanos: int | None
) -> None:
    one = mapping(tmp_path, f'format="csv"\n[columns]\ntime="t"\n[time]\nformat="{form}"\n')
    (row,) = parsed(one, f"t\n{text}\n".encode())
    assert (row.time, row.time_nanos, row.time_quality) == (micros, nanos, "exact")


@given(st.integers(0, 80 * 365 * 24 * 12).map(lambda n: n * 300))
def test_local_times_are_those_of_the_zone(second: int) -> None:
    """For every five minutes of eighty years: what `zoneinfo` says, the first of a doubled hour."""
    zone = ZoneInfo("America/New_York")
    local = datetime.fromtimestamp(second, UTC).replace(tzinfo=None)
    expected = local.replace(tzinfo=zone).timestamp()
    exists = datetime.fromtimestamp(expected, zone).replace(tzinfo=None) == local
    micros, _, _ = NEW_YORK._time(local.isoformat())
    if exists:
        assert micros == int(expected) * 1_000_000


def test_times_with_a_zone_keep_it(tmp_path: Path) -> None:
    one = MappedParser(mapping(tmp_path, 'format="csv"\n[columns]\ntime="t"\n'))
    assert one._time("2026-01-01T00:00:00+02:00") == (1767218400000000, None, "exact")
    assert one._time("2026-01-01 00:00:00") == (1767225600000000, None, "zone assumed")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("format = 'xls'", "gives no format"),
        ("format = 'csv'", "no column for the time"),
        ("format = 'csv'\nzone = 'UTC'", "has no zone"),
        ("format = 'csv'\n[columns]\ntime = 3", "no column"),
        ("format = 'csv'\n[columns]\ntime = ['a', 'b']", "no column"),
        ("format = 'csv'\n[columns]\ntime = 'a'\n[time]\nzone = '../x'", "no time zone"),
        ("format = 'csv'\n[columns]\ntime = 'a'\n[time]\nformat = 3", "is text"),
        ("format =", "can't be read"),
    ],
)
def test_a_mapping_that_is_none_is_the_users_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        mapping(tmp_path, text)


def test_it_takes_only_files_with_its_columns(tmp_path: Path) -> None:
    parser = MappedParser(mapping(tmp_path, BERLIN))
    for content in (b"", b"Zeit,Rechner\n", b"\xff\xfe", TABLE[: TABLE.index(b"\r")][:-1]):
        with evidence(content) as file:
            assert not parser.match(file)


def test_damaged_tables_give_records(tmp_path: Path) -> None:
    parser = MappedParser(mapping(tmp_path, BERLIN))
    for cut in range(len(TABLE)):
        for content in (TABLE[:cut], TABLE[:cut] + b'"' + TABLE[cut + 1 :]):
            records = fuzz(parser.parse, content, (csv.Error,))
            check_records(records, len(content), parser.RECORDS)  # type: ignore[arg-type]


def test_the_engine_runs_it_and_another_mapping_is_another_result(
    bench: Bench, tmp_path: Path
) -> None:
    one = mapping(tmp_path, BERLIN)
    item = bench.item(TABLE, "table.csv")

    def run(given_: Mapping) -> tuple[str, list[dict[str, object]]]:
        summary = examine(
            [item], bench.derived, only=("mapped",), settings={"mapped": given_.to_json()}
        )
        now = results.current(bench.derived, item.item)
        assert now is not None
        result = now.modules["parser:mapped"]
        (path,) = (bench.derived / item.item / result.key).glob("mapped.row.parquet")
        return f"{result.key} {summary.examined} {summary.failures}", list(read(path))

    (key, rows), again, other = run(one), run(one), run(replace(one, meaning="moved"))
    assert key.endswith(" 1 2") and again[0].endswith(" 0 0")
    assert other[0].split()[0] != key.split()[0] and other[0].endswith(" 1 2")
    assert [row["time_meaning"] for row in rows] == ["copied", "copied", None]
    assert {row["time_meaning"] for row in other[1]} == {"moved", None}


NEW_YORK = MappedParser(
    Mapping(format="csv", columns={"time": ("t",)}, time_format="iso", offsets=(), meaning="x")
)


@pytest.fixture(scope="module", autouse=True)
def _zone(tmp_path_factory: pytest.TempPathFactory) -> None:
    text = 'format="csv"\n[columns]\ntime="t"\n[time]\nzone="America/New_York"\n'
    NEW_YORK.__init__(mapping(tmp_path_factory.mktemp("zone"), text))  # type: ignore[misc]
