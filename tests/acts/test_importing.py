"""Issue "workbench": "Import of the 'spreadsheet of doom', of Timesketch JSONL and of DFIR-IRIS
case exports". Promises 2, 5, 6: every piece is an entry, cites its row, and nothing is lost.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.line import Line, copied, prepared

CASES = Path(__file__).parents[1] / "cases"
FILES = {
    "1-workbook.xlsx": CASES / "tracking_workbook/incident/input.xlsx",
    "2-iris.json": CASES / "iris_case/case/input.json",
    "3-timeline.jsonl": CASES / "timesketch/jsonl/input.jsonl",
    "4-iris-again.json": CASES / "iris_case/case/input.json",
}
WORKBOOK, IRIS, TIMELINE, AGAIN = "AL/1", "AL/2", "AL/3", "AL/4"


def lay_out(line: Line, folder: Path) -> None:
    """Collect and examine one export of each kind, and a later one of the second."""
    place = folder / "exports"
    place.mkdir()
    for name, source in FILES.items():
        (place / name).write_bytes(source.read_bytes())
    later = json.loads((place / "4-iris-again.json").read_text())
    later["tasks"].append({"task_title": "Call the bank", "task_description": "a new one"})
    (place / "4-iris-again.json").write_text(json.dumps(later))
    line.must("collect", "files", "--case", line.case, place)
    line.must("examine", "--case", line.case, "--jobs", 1)


@pytest.fixture(scope="module")
def examined(
    made_plain: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A vault with the exports, examined; to be copied."""
    return prepared(made_plain, tmp_path_factory, lay_out)


@pytest.fixture
def exports(examined: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Line:
    """Commands in a copy of it."""
    return copied(examined, tmp_path, capsys)


def became(rows: list[dict[str, Any]]) -> Counter[str]:
    """Count what became of rows, without the numbers of pieces."""
    return Counter(str(row["became"]).rstrip("0123456789 ") for row in rows)


def test_each_row_becomes_a_piece_that_cites_it_or_is_said_why_not(exports: Line) -> None:
    case = ("--case", exports.case)
    listed = exports.must("import", "list", *case, "--json").rows
    assert [(row["exhibit"], row["parser"]) for row in listed] == [
        (WORKBOOK, "tracking_workbook"), (IRIS, "iris_case"), (TIMELINE, "timesketch"),
        (AGAIN, "iris_case"),
    ]  # fmt: skip
    shown = exports.must("import", "show", *case, WORKBOOK, "--json").rows
    assert became(shown)["new"] == 7
    assert exports.entries("entity.add") == []  # looking changes nothing

    rows = exports.must("import", "take", *case, WORKBOOK, "--json").rows
    assert [(r["place"], r["became"]) for r in rows if r["kind"] == "imported.entity"] == [
        ("Compromised Systems!2", "entity 1"),
        ("Compromised Systems!3", "entity 2"),
        ("Accounts!2", "entity 3"),
    ]
    assert became(rows)["not mapped"] == 5
    assert {r["reason"] for r in rows if r["became"] == "not mapped"} == {
        "it stands above the headings", "no cell that says what it is",
        "no sheet of this name is known",
    }  # fmt: skip
    assert [r["became"] for r in rows if r["kind"] == "imported.event"] == ["7 records"]
    (entry,) = exports.entries("import.take")
    assert entry["result"]["lines"] == len(rows)

    people = exports.must("entity", "list", *case, "--json").rows
    (host,) = [one for one in people if one["name"] == "WS-07"]
    assert (host["sort"], host["role"]) == ("host", "other")
    assert {"type": "ipv6", "value": "2001:db8::7"} in host["identifiers"]
    (cited,) = host["cites"]
    assert cited["as"] == f"{WORKBOOK}:#row=20000002"
    assert cited["records"] == [
        {"kind": "imported.entity", "parser": "tracking_workbook", "version": 1}
    ]
    tasks = exports.must("task", "list", *case, "--json").rows
    assert [(one["title"], one["state"], one["assigned"]) for one in tasks] == [
        ("Image WS-07", "done", ""),  # lena has no role here: her name is in the details
        ("Block 203.0.113.9", "open", ""),
    ]
    assert "Given there to: lena" in tasks[0]["details"]
    assert tasks[0]["due"].startswith("2026-03-03T")
    assert "Due there: soon" in tasks[1]["details"]
    (finding,) = exports.must("finding", "list", *case, "--json").rows
    assert (finding["state"], finding["grade"]) == ("draft", "X4")
    assert finding["reviews"] == []
    exports.intact()


def test_what_was_taken_over_adds_nothing_again(exports: Line) -> None:
    case = ("--case", exports.case)

    def take(exhibit: str) -> Counter[str]:
        return became(exports.must("import", "take", *case, exhibit, "--json").rows)

    def pieces() -> Counter[str]:
        acts = {"entity.add", "finding.add", "note.add", "task.add"}
        return Counter(row["act"] for row in exports.entries() if row["act"] in acts)

    first = take(IRIS)
    assert {first[kind] for kind in ("entity", "note", "task")} == {2}
    assert first["finding"] == 1
    before = pieces()
    assert sum(before.values()) == 7
    again = take(IRIS)
    assert pieces() == before
    assert {kind for kind in again if kind.startswith("known: ")} == {
        "known: entity", "known: finding", "known: note", "known: task",
    }  # fmt: skip
    # A later export of the same case has a task more; what was renamed here is still known.
    exports.must("entity", "change", 1, *case, "--name", "The first laptop")
    later = exports.must("import", "take", *case, AGAIN, "--json").rows
    assert [r["message"] for r in later if r["became"] == "task 3"] == ["Call the bank"]
    added = pieces() - before
    assert added == {"task.add": 1, "note.add": 2}, "of notes only the row says which they are"
    exports.must("rebuild")
    assert pieces() - before == added
    exports.intact()


def test_records_of_others_are_told_from_ours(exports: Line) -> None:
    case = ("--case", exports.case)
    events = exports.must("timeline", *case, "--kind", "imported.event", "--json").rows
    assert {(one["kind"], one["parser"]) for one in events} == {
        ("imported.event", parser) for parser in ("iris_case", "timesketch", "tracking_workbook")
    }
    (unsure,) = [one for one in events if one["message"] == "No zone given"]
    assert unsure["time_quality"] == "zone assumed"
    assert (unsure["exhibit"], unsure["row"]) == (TIMELINE, 2)
    kinds = {one["kind"] for one in exports.must("search", *case, "WS-07", "--json").rows}
    assert {"imported.entity", "imported.event"} <= kinds
    rows = exports.must("import", "take", *case, TIMELINE, "--json").rows
    assert became(rows) == {"not read": 3, "5 records": 1}
    ledger = exports.must("ledger", *case, "--json").rows
    lines = [row for row in ledger if row["exhibit"] == TIMELINE and row["parser"] == "timesketch"]
    assert [(row["parsed"], row["inner_failures"]) for row in lines] == [(1, 3)]


def test_our_own_export_for_timesketch_comes_back_as_it_was(exports: Line, tmp_path: Path) -> None:
    case = ("--case", exports.case)
    before = exports.must("timeline", *case, "--json").rows
    sent = exports.must("timeline", *case, "--export", "timesketch").out
    (tmp_path / "back.jsonl").write_text(sent)
    exports.must("collect", "files", *case, tmp_path / "back.jsonl")
    exports.must("examine", *case, "--jobs", 1)
    events = exports.must("timeline", *case, "--item", "AL/5", "--json").rows
    assert [one["time"] for one in events] == [one["time"] for one in before]
    assert {one["kind"] for one in events} == {"imported.event"}


def test_what_may_be_privileged_is_not_taken_over(exports: Line) -> None:
    case = ("--case", exports.case)
    exports.must("privilege", "set", *case, IRIS, "--reason", "a lawyer's case file")
    done = exports("import", "take", *case, IRIS)
    assert (done.code, "privilege" in done.err) == (4, True)
    listed = exports.must("import", "list", *case, "--json").rows
    assert IRIS not in {row["exhibit"] for row in listed}
    assert exports.entries("entity.add") == []
    nothing = exports("import", "take", *case, "AL/9")
    assert nothing.code == 3
