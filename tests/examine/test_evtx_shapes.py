"""Events read by their shape are the records that reading one at a time gives, in every column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from holdfast.examine.block import each
from holdfast.examine.file import evidence_from
from holdfast.examine.parsers import _evtx_columns, _evtx_row, _evtx_shapes, evtx
from holdfast.examine.parsers._evtx_chunks import Chunk, Place

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.examine.record import Record

WHEN = "2020-12-11T12:28:01.2990045Z"
SYSTEM = {
    "Provider": {"#attributes": {"Name": "P-%d", "Guid": "{1-%d}"}},
    "EventID": {"#attributes": {"Qualifiers": 16384}, "#text": 7000},
    "Version": 0,
    "Keywords": "0x8080000000000000",
    "TimeCreated": {"#attributes": {"SystemTime": WHEN}},
    "EventRecordID": 0,
    "Correlation": None,
    "Execution": {"#attributes": {"ProcessID": 436, "ThreadID": 6360}},
    "Computer": "DC1.example",
    "Security": {"#attributes": {"UserID": "S-1-5-18"}},
}
DATA: tuple[object, ...] = (
    {"SubjectUserName": "", "TargetUserName": "bob", "LogonType": 3, "IpAddress": "192.0.2.1"},
    {"SubjectUserName": "al", "User": "", "LogonType": "3", "DestPort": "x"},
    {"User": "eve", "SubjectUserName": "al", "DestAddress": "a", "SourceIp": None, "Ok": True},
    {"ImagePath": "C:\\x", "ServiceName": "back\\slash"},
    {"ServiceFileName": "one", "ImagePath": "two", "Nested": {"a": 1, "b": {"c": "d"}}},
    {"DestinationPort": 1, "DestPort": 2},
    {"Data": {"#text": ["a", "b"]}},
    {"Half": 1.5, "Big": 2**63, "Minus": -7},
    {"Text": "caf\u00e9"},
    {"Text": "x" * 600},
    {},
    None,
    "text alone",
)
STAMPS = (WHEN, "2020-12-11T12:28:01Z", "2020-12-11 12:28:01.5 UTC", "never", None)


def texts() -> list[str | None]:
    """Return fifty records of each kind of data, mixed, with every tenth odd in some way."""
    out: list[str | None] = []
    for number in range(50 * len(DATA)):
        system = orjson.loads(orjson.dumps(SYSTEM))
        system["EventRecordID"] = number * 10 ** (number % 9)
        system["Provider"]["#attributes"]["Name"] = f"P-{number % 3}" if number % 50 else ""
        if number % 20 == 5:
            system["EventID"] = number
        if number % 20 == 15:
            system["TimeCreated"]["#attributes"]["SystemTime"] = STAMPS[number // 20 % 5]
        event = {"System": system, "EventData": DATA[number % len(DATA)]}
        if number % 7 == 0:
            event["UserData"] = {"Inner": {"Name": f"n{number}"}}
        text = orjson.dumps({"Event": event}).decode()
        if number % 40 == 7:
            text = {7: "no JSON", 47: text[:-1], 87: text.replace("bob", 'b"b')}.get(
                number % 120, text
            )
        out.append(None if number % 97 == 3 else text)
    return out


def given(found: list[str | None]) -> list[Record]:
    columns, chunk = _evtx_columns.Columns(evtx.WindowsEvent), Chunk(4096, bytes(65536))
    for number, text in enumerate(found):
        place = Place(512 + number, 100 + number, number, 1_600_000_000_000_000 + number, 300)
        columns.add(text, place, chunk, recovered=number % 31 == 0, checked=number % 31 != 0)
    block = columns.take()
    assert block is not None
    return list(block.records())


def test_shapes_are_what_single_records_give(monkeypatch: pytest.MonkeyPatch) -> None:
    found = texts()
    by_shape = given(found)
    assert len(by_shape) == len(found)
    monkeypatch.setattr(_evtx_shapes, "FEWEST", 1 << 30)
    singly = given(found)
    for one, other in zip(by_shape, singly, strict=True):
        assert one == other


def test_like_records_are_read_by_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    def single(*_arguments: object) -> None:
        pytest.fail("a record was read singly")

    monkeypatch.setattr(_evtx_row, "event", single)
    event = {"Event": {"System": SYSTEM, "EventData": DATA[0]}}
    assert len(given([orjson.dumps(event).decode()] * 40)) == 40


@pytest.mark.corpus
def test_logs_of_the_corpus_are_the_same_by_shape(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = sorted(corpus.rglob("*.evtx"))
    assert len(logs) > 100
    for log in logs:
        monkeypatch.setattr(_evtx_shapes, "FEWEST", 4)
        by_shape = list(each(evtx.parse(evidence_from(log))))
        monkeypatch.setattr(_evtx_shapes, "FEWEST", 1 << 30)
        assert by_shape == list(each(evtx.parse(evidence_from(log)))), log.name
