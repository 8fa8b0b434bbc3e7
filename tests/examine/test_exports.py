"""The timeline for other programs, held to what they read."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from typing import Any

import pytest

from holdfast.examine import exports

EVENT: dict[str, Any] = {
    "time": "2026-03-01T12:00:00.000001Z", "time_meaning": "visited", "time_quality": "exact",
    "time_original": None, "kind": "browser.visit", "host": None, "user": "alice", "seq": 0,
    "message": "Shop https://shop.example/", "exhibit": "2026-0001/3", "path": "a/History",
    "inside": "", "offset": None, "length": None, "row": 7, "parser": "chromium_history",
    "parser_version": 2, "item": "0" * 64,
}  # fmt: skip


def event(**changes: object) -> dict[str, Any]:
    return {**EVENT, **changes}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_of_a_table_is_a_formula(start: str) -> None:
    hostile = start + "cmd|' /C calc'!A0"
    names = ("message", "host", "user", "time_original", "path", "inside")
    rows = [event(**{name: hostile}) for name in names] + [event(row=-5)]
    text = b"".join(exports.to_csv(rows)).decode()
    header, *found = list(csv.reader(io.StringIO(text, newline="")))
    assert tuple(header) == exports.CSV_COLUMNS
    assert len(found) == 7
    for name, cells in zip(names, found, strict=False):
        assert dict(zip(header, cells, strict=True))[name] == "'" + hostile
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)
    assert dict(zip(header, found[6], strict=True))["row"] == "-5"  # a number is no formula


def test_a_table_keeps_every_character() -> None:
    odd = 'a "quoted", two\nlines, caf\u00e9'
    text = b"".join(exports.to_csv([event(message=odd)])).decode()
    (_, cells) = list(csv.reader(io.StringIO(text, newline="")))
    assert dict(zip(exports.CSV_COLUMNS, cells, strict=True))["message"] == odd


def test_timesketch_finds_what_its_importer_requires() -> None:
    """`read_and_validate_jsonl`: each line an object with these three, the datetime readable."""
    lines = b"".join(
        exports.to_timesketch(
            [event(), event(message=" ", time_quality="year assumed"), event(time=None)]
        )
    ).splitlines()
    found = [json.loads(line) for line in lines]
    assert len(found) == 2  # what has no time is in no timeline
    for one in found:
        assert all(one[name] for name in ("message", "datetime", "timestamp_desc"))
        moment = datetime.fromisoformat(one["datetime"])
        assert round(moment.timestamp() * 1_000_000) == one["timestamp"] == 1772366400000001
    assert (found[0]["timestamp_desc"], found[0]["data_type"]) == (
        "visited", "holdfast:browser.visit",
    )  # fmt: skip
    assert (found[1]["timestamp_desc"], found[1]["message"]) == (
        "visited (year assumed)", "browser.visit",
    )  # fmt: skip


def test_a_bodyfile_has_eleven_fields_whatever_the_text() -> None:
    text = b"".join(exports.to_bodyfile([event(message="a|b\nc\r0|x"), event(time="@-99.000001")]))
    (line,) = text.decode().splitlines()
    fields = line.split("|")
    assert len(fields) == 11 and fields[7:] == ["1772366400"] * 4
    assert fields[1] == "[browser.visit] a b c 0 x (2026-0001/3 a/History)"
