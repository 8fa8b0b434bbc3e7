"""Event logs through the whole engine, and what the case folders can't show."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.examine import results
from holdfast.examine.block import Part
from holdfast.examine.limits import Limits
from holdfast.examine.parsers import evtx
from holdfast.examine.record import Failure, Record
from holdfast.examine.records import (
    ROWS,
    DatasetWriter,
    read,
    record_digest,
)
from holdfast.testing.event_log import CHUNK, HEADER, Event, chunk, event_log
from holdfast.testing.parser_contract import evidence, parse_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.examine.conftest import Bench

CASES = Path(__file__).parents[1] / "cases" / "evtx"


def events(first: int, count: int, **more: object) -> list[Event]:
    return [
        Event(number=number, time="2026-01-31T08:00:00Z", **more)  # type: ignore[arg-type]
        for number in range(first, first + count)
    ]


def numbers(content: bytes) -> list[int | None]:
    return [one.row for one in parse_all(evtx, content) if isinstance(one, evtx.WindowsEvent)]


def test_the_engine_stores_what_the_parser_gives(bench: Bench) -> None:
    """In the sandbox, where neither threads nor files are to be had."""
    content = (CASES / "slack" / "input.evtx").read_bytes()
    source = bench.item(content)
    done = bench.examine(source, only=("evtx",), limits=Limits())
    assert done.deaths == 0
    stored = {found.kind: found.path for found in results.datasets(bench.derived, [source.item])}
    expected = [one for one in parse_all(evtx, content) if isinstance(one, evtx.WindowsEvent)]
    rows = list(read(stored["windows.event"]))
    assert [row["seq"] for row in rows] == [0, 1, 2, 3]
    names = [field.name for field in dataclasses.fields(evtx.WindowsEvent)]
    assert [{name: row[name] for name in names} for row in rows] == [
        {name: getattr(one, name) for name in names} for one in expected
    ]
    assert next(iter(read(stored["windows.event_log"])))["seq"] == 4


def test_many_chunks_are_read_in_order() -> None:
    content = event_log([events(1 + 20 * at, 20) for at in range(40)])
    assert numbers(content) == list(range(1, 801))


def test_a_chunk_with_a_false_table_is_read_all_the_same() -> None:
    """The list of known names points outside the chunk, which the decoder gives up on."""
    content = bytearray(event_log([events(1, 3), events(4, 3)]))
    content[HEADER + 128 : HEADER + 140] = b"\xfe" * 12
    records = parse_all(evtx, bytes(content))
    assert numbers(bytes(content)) == [1, 2, 3, 4, 5, 6]
    assert [one.reason for one in records if isinstance(one, Failure)] == [
        "the checksum of the chunk's header is wrong"
    ]


def test_records_behind_a_broken_frame_are_recovered() -> None:
    content = bytearray(event_log([events(1, 5)]))
    second = content.index(b"**\0\0", HEADER + 600)
    content[second : second + 4] = b"zzzz"
    records = [one for one in parse_all(evtx, bytes(content)) if isinstance(one, evtx.WindowsEvent)]
    assert [(one.row, one.recovered) for one in records] == [
        (1, False), (3, True), (4, True), (5, True),
    ]  # fmt: skip


def test_a_chunk_of_tiny_false_records_ends_in_time() -> None:
    tiny = b"".join(
        b"**\0\0" + (28).to_bytes(4, "little") + bytes(16) + (28).to_bytes(4, "little") + b"!"
        for _ in range(2000)
    )
    slot = bytearray(chunk(events(1, 1)))
    slot[4096 : 4096 + len(tiny)] = tiny
    content = event_log([]) + bytes(slot) * 2
    assert len(numbers(content)) == 2 * 2001


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:HEADER],
        lambda data: data[HEADER:],
        lambda data: data[:40] + b"\xff\xff" + data[42:],
        lambda data: data[: HEADER + CHUNK + 700],
    ],
)
def test_a_torn_header_or_tail_costs_no_whole_record(damage: Callable[[bytes], bytes]) -> None:
    content = damage(event_log([events(1, 3), events(4, 1)]))
    with evidence(content) as file:
        assert evtx.match(file)
    found = numbers(content)
    assert found == [1, 2, 3, 4][: len(found)]
    assert len(found) == {HEADER: 0, HEADER + CHUNK + 700: 3}.get(len(content), 4)


# --- blocks ---


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Count(Record):
    KIND = "count"

    number: int


def singly(path: Path, count: int) -> DatasetWriter:
    writer = DatasetWriter(path, Count, item="a", parser="p", version=1)
    for seq in range(count):
        if writer.add("in", seq, Count(message=f"m{seq}", time=seq, number=seq)):
            writer.flush()
    writer.close()
    return writer


def part_of(start: int, count: int) -> Part:
    numbers = range(start, start + count)
    columns = {"message": [f"m{at}" for at in numbers], "time": numbers, "number": numbers}
    return Part(Count, range(count), columns)


@pytest.mark.parametrize("count", [1, 64, 65, 3 * ROWS + 5])
def test_blocks_are_the_records_that_objects_would_be(tmp_path: Path, count: int) -> None:
    singly(tmp_path / "one", count)
    writer = DatasetWriter(tmp_path / "many", Count, item="a", parser="p", version=1)
    writer.add("in", 0, Count(message="m0", time=0, number=0))
    flushed = 0
    for start in range(1, count, 7000):
        part = part_of(start, min(7000, count - start))
        if writer.add_part("in", start, part, writer.prepare(part)):
            writer.flush()
            flushed += 1
    writer.close()
    assert flushed == count // ROWS, "no more than a row group and a block is held"
    assert writer.count == count
    assert record_digest([tmp_path / "many"]) == record_digest([tmp_path / "one"])
    assert list(read(tmp_path / "many")) == list(read(tmp_path / "one"))
