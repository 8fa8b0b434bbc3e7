"""Case-level clock offsets: applied when a question is asked, shown, and never baked in."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.cases.clocks import Clocks, Offset, Source, in_force, in_seconds, micros
from holdfast.core.errors import InputError
from tests.line import copied, prepared

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

LOG = """\
<34>1 2026-03-01T08:00:00.000000Z pc-7 app - - - seven early
<34>1 2026-03-01T08:10:00.000000Z PC-8 app - - - eight early
<34>1 2026-03-01T09:00:00.000000Z pc-7 app - - - seven late
"""
OTHER = "<34>1 2026-03-01T08:05:00.000000Z gate app - - - gate\n"


def _logs(line: Line, folder: Path) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "a.log").write_text(LOG)
    (folder / "in" / "b.log").write_text(OTHER)
    line.collect(folder / "in")
    line.must("examine", "--case", line.case, "--jobs", 1)


@pytest.fixture(scope="module")
def made_case(
    made_plain: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    return prepared(made_plain, tmp_path_factory, _logs)


@pytest.fixture
def case(made_case: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Line:
    return copied(made_case, tmp_path, capsys)


def state(line: Line, *more: object, ahead: str = "600", basis: str = "radio clock") -> int:
    done = line.must(
        "clock", "set", "--case", line.case, "--ahead", ahead, "--basis", basis, "--json", *more
    )
    return int(done.row["entry"])


def told(line: Line, *more: object) -> list[tuple[str, str]]:
    rows = line.must("timeline", "--case", line.case, "--json", *more).rows
    return [(row["time"][11:19], row["message"].removeprefix("app: ")) for row in rows]


def test_a_host_s_times_are_corrected_ordered_and_shown_beside_the_recorded(case: Line) -> None:
    before = told(case)
    entry = state(case, "--host", "PC-7", "--within", "1.5")
    assert told(case) == [
        ("07:50:00", "seven early"), ("08:05:00", "gate"), ("08:10:00", "eight early"),
        ("08:50:00", "seven late"),
    ]  # fmt: skip
    first, second = case.must("timeline", "--case", case.case, "--json").rows[:2]
    assert (first["time_recorded"], first["clock_ahead"], first["clock_entry"]) == (
        "2026-03-01T08:00:00Z", "600", entry,
    )  # fmt: skip
    assert first["time_quality"] == "clock skew +-1.5 s"
    assert "time_recorded" not in second and second["time_quality"] == "exact"
    assert told(case, "--as-recorded") == before
    text = case.must("timeline", "--case", case.case).out.splitlines()[0]
    assert "recorded 2026-03-01T08:00:00Z, clock 600 s ahead" in text


def test_the_bounds_are_those_of_the_corrected_times(case: Line) -> None:
    state(case, "--host", "pc-7", ahead="-3600")
    window = ("--from", "2026-03-01T09:00:00Z", "--to", "2026-03-01T09:30:00Z")
    assert told(case, *window) == [("09:00:00", "seven early")]
    assert told(case, *window, "--as-recorded") == [("09:00:00", "seven late")]


def test_the_most_specific_source_counts_and_the_later_statement(case: Line) -> None:
    exhibit = next(row for row in case.items() if row["path"].endswith("a.log"))["exhibit"]
    state(case, "--item", exhibit, ahead="60")
    assert ("08:09:00", "eight early") in told(case)
    state(case, "--host", "pc-7", ahead="600")
    assert ("07:59:00", "seven early") in told(case), "the item goes before the host"
    state(case, "--item", exhibit, "--host", "pc-7", ahead="1")
    state(case, "--item", exhibit, "--host", "pc-7", ahead="2")
    assert ("07:59:58", "seven early") in told(case)
    assert len(case.must("clock", "list", "--case", case.case, "--json").rows) == 3


def test_derived_data_and_the_index_are_not_touched(case: Line) -> None:
    def bytes_of() -> dict[str, str]:
        found = {}
        for folder in ("derived", "index"):
            for path in sorted((case.vault / folder).rglob("*")):
                if path.is_file():
                    found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    before = bytes_of()
    state(case, "--host", "gate")
    told(case)
    assert bytes_of() == before != {}
    case.must("rebuild")
    assert ("07:55:00", "gate") in told(case)


def test_what_was_applied_is_in_the_log_and_what_was_stated_is_an_entry(case: Line) -> None:
    entry = state(case, "--host", "gate", basis="the caretaker's watch")
    told(case)
    case.must("search", "--case", case.case, "gate")
    stated = case.entries("clock.set")[0]
    assert stated["clock"] == {
        "ahead": 600_000_000, "basis": "the caretaker's watch", "host": "gate", "item": None,
        "within": 0,
    }  # fmt: skip
    for asked in ("timeline", "search"):
        assert case.entries(asked)[-1]["result"]["clocks"] == [entry]
    told(case, "--as-recorded")
    last = case.entries("timeline")[-1]
    assert last["request"]["as_recorded"] is True and "clocks" not in last["result"]


def test_a_search_shows_both_times(case: Line) -> None:
    state(case, "--host", "gate")
    (hit,) = case.must("search", "--case", case.case, "--json", "gate").rows
    assert (hit["time"], hit["time_recorded"]) == ("2026-03-01T07:55:00Z", "2026-03-01T08:05:00Z")


def test_exports_carry_both_times(case: Line) -> None:
    state(case, "--host", "gate", "--within", "2")
    export = ("timeline", "--case", case.case, "--text", "gate", "--export")
    (row,) = csv.DictReader(io.StringIO(case.must(*export, "csv").out))
    assert (row["time"], row["time_recorded"], row["clock_ahead"]) == (
        "2026-03-01T07:55:00Z", "2026-03-01T08:05:00Z", "600",
    )  # fmt: skip
    sketch = json.loads(case.must(*export, "timesketch").out)
    assert sketch["datetime"] == "2026-03-01T07:55:00+00:00"
    assert sketch["timestamp_desc"] == "logged (clock skew +-2 s)"
    assert sketch["time_recorded"] == "2026-03-01T08:05:00Z"
    assert (
        "(recorded 2026-03-01T08:05:00Z, clock 600 s ahead)" in case.must(*export, "bodyfile").out
    )


def test_an_offset_is_taken_back_with_a_reason(case: Line) -> None:
    before = told(case)
    state(case, "--host", "gate")
    take = ("clock", "remove", "--case", case.case, "--host", "gate", "--reason")
    assert case(*take, " ").code == 3
    case.must(*take, "another gate")
    assert told(case) == before
    assert case(*take, "again").code == 3
    assert case.entries("clock.remove")[0]["clock"]["reason"] == "another gate"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--ahead", "1", "--basis", "B"), "no source"),
        (("--ahead", "1", "--basis", " ", "--host", "x"), "basis"),
        (("--ahead", "soon", "--basis", "B", "--host", "x"), "no number of seconds"),
        (("--ahead", "9999999999", "--basis", "B", "--host", "x"), "century"),
        (("--ahead", "1", "--within", "-1", "--basis", "B", "--host", "x"), "negative"),
        (("--ahead", "1", "--basis", "B", "--item", "AL/99"), "no exhibit"),
    ],
)
def test_what_can_t_be_stated_is_refused(
    line: Line, arguments: tuple[str, ...], words: str
) -> None:
    done = line("clock", "set", "--case", line.case, *arguments)
    assert done.code == 3 and words in done.err
    assert line.entries("clock.set") == []


def test_seconds_are_read_and_written_without_rounding() -> None:
    for text, value in (("0", 0), ("-3600", -3_600_000_000), ("125.5", 125_500_000),
                        ("+0.000001", 1), ("-0.25", -250_000)):  # fmt: skip
        assert micros(text, "it") == value
        assert micros(in_seconds(value), "it") == value
    for text in ("", ".5", "1.0000001", "1e3", "٣"):
        with pytest.raises(InputError):
            micros(text, "it")


def test_statements_fold_in_the_log_s_order() -> None:
    def said(number: int, act: str, host: str, ahead: int = 0) -> Any:
        facts = {"item": None, "host": host, "ahead": ahead, "within": 0, "basis": "b"}
        return number, act, "alice", facts

    found = in_force(
        [said(1, "clock.set", "a", 5), said(2, "clock.set", "b", 6), said(3, "clock.set", "a", 7),
         said(4, "clock.remove", "b")]
    )  # fmt: skip
    assert found == Clocks((Offset(3, Source("", "a"), 7, 0, "b", "alice"),))
    assert found.of("item", "A") == found.offsets[0]
    assert found.of("item", None) is None
