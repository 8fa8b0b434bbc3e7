"""Servers' clocks, as their answers tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from holdfast.collect.web import dates

if TYPE_CHECKING:
    from pathlib import Path


def exchange(date: str | None, began: str | None = "2026-11-24T10:00:00.250000Z") -> dict[str, Any]:
    response = None if began is None else {"began": began}
    return {"date": date, "response": response, "url": "https://a.example/"}


def test_a_date_is_told_with_its_offset_from_our_clock(tmp_path: Path) -> None:
    lines = [
        exchange("Tue, 24 Nov 2026 09:59:58 GMT"),
        exchange("Tue, 24 Nov 2026 10:01:00 GMT"),
        exchange("yesterday"),
        exchange(None),
        exchange("Tue, 24 Nov 2026 09:59:58 GMT", began=None),
    ]
    file = tmp_path / "exchanges.jsonl"
    file.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in lines))
    found = dates.read(file)
    assert [one["offset_ms"] for one in found] == [-2250, 59750]
    assert found[0]["date"] == "Tue, 24 Nov 2026 09:59:58 GMT"
    assert found[0]["url"] == "https://a.example/"
    assert dates.read(tmp_path / "none") == []
