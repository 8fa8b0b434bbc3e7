"""Issue "workbench": "saved views; time quality visible; tag, comment ... without leaving"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

LOG = """\
<34>1 2026-03-01T08:00:00.000000Z pc-7 app - - - seven early
<34>1 2026-03-01T08:10:00.000000Z PC-8 app - - - eight early
<34>1 2026-03-01T09:00:00.000000Z pc-7 app - - - seven late
"""


@pytest.fixture
def case(line: Line, tmp_path: Path) -> Line:
    (tmp_path / "a.log").write_text(LOG)
    line.collect(tmp_path / "a.log")
    line.must("examine", "--case", line.case, "--jobs", "1")
    return line


def ask(line: Line, *more: object) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    *rows, last = line.must("window", "--case", line.case, "--counts", "--json", *more).rows
    return rows, last["window"]


def test_a_window_is_one_entry_and_tags_views_and_clocks_are_in_it(case: Line) -> None:
    rows, told = ask(case, "host:pc-7")
    assert [row["message"] for row in rows] == ["app: seven early", "app: seven late"]
    assert (told["total"], told["filter"], told["later"]) == (2, "host:pc-7", None)
    assert told["facets"]["item"] == [
        {"events": 2, "item": case.items()[0]["item"], "value": "AL/1"}
    ]
    entry = case.entries("timeline.window")[-1]
    assert entry["request"] == {"counts": True, "filter": "host:pc-7", "limit": 100}
    assert entry["result"]["lines"] == 2

    place = rows[0]["place"]
    tag = ("remark", "tag", "--case", case.case, place, "early bird", "--json")
    first = case.must(*tag).row["entry"]
    assert case.must(*tag).row["entry"] == first, "the same tag again enters nothing"
    case.must("remark", "comment", "--case", case.case, place, "why so early?")
    rows, told = ask(case, 'tag:"early bird"')
    assert [(row["tags"], row["comments"]) for row in rows] == [
        ([{"entry": first, "tag": "early bird"}], 1)
    ]
    assert told["facets"]["tag"] == [{"events": 1, "value": "early bird"}]
    said = case.must("remark", "list", "--case", case.case, place, "--json").rows
    assert [(one["by"], one["tag"], one["comment"]) for one in said] == [
        ("alice", "early bird", None), ("alice", None, "why so early?"),
    ]  # fmt: skip
    case.must("rebuild")
    case.intact()
    case.must("remark", "untag", "--case", case.case, first)
    assert ask(case, "tag:*")[0] == []
    assert case("remark", "untag", "--case", case.case, first).code == 3

    case.must("window", "--case", case.case, "--save", "sevens", "seven", "host:PC-7")
    (view,) = case.must("views", "--case", case.case, "--json").rows
    assert (view["name"], view["query"], view["by"]) == ("sevens", "host:pc-7 seven", "alice")
    assert len(ask(case, "--view", "sevens")[0]) == 2

    case.must("clock", "set", "--case", case.case, "--host", "pc-7", "--ahead", "3600", "--basis",
              "radio")  # fmt: skip
    rows, told = ask(case)
    assert [(row["time"][11:19], row["quality"]) for row in rows] == [
        ("07:00:00", "corrected"), ("08:00:00", "corrected"), ("08:10:00", "recorded"),
    ]  # fmt: skip
    assert {one["value"]: one["events"] for one in told["facets"]["quality"]} == {
        "corrected": 2, "recorded": 1,
    }  # fmt: skip
    moved = case.must("remark", "list", "--case", case.case, place, "--json").rows
    assert len(moved) == 1, "a place names its record whatever becomes of the clock"
    case.intact()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("window", "--case", "CASE", "item:XX/9"), "no exhibit"),
        (("window", "--case", "CASE", "--after", "WyJhIl0"), "no place"),
        (("window", "--case", "CASE", "--view", "none"), "no saved view"),
        (("remark", "tag", "--case", "CASE", "WzBd", "t"), "no event's"),
        (("remark", "comment", "--case", "CASE", "PLACE", " "), "no text"),
        (("remark", "tag", "--case", "CASE", "PLACE", 'a"b'), "can't be a tag"),
    ],
)
def test_what_is_not_there_is_refused(case: Line, command: tuple[str, ...], why: str) -> None:
    # A place of the right shape, of a record that is in no timeline.
    place = "WzEsLTEsImFhIiwiIiwic3lzbG9nIiwieCIsMF0"
    words = [case.case if word == "CASE" else place if word == "PLACE" else word
             for word in command]  # fmt: skip
    done = case(*words)
    assert (done.code, why in done.err) == (3, True), done.err
    assert case("remark", "tag", "--case", case.case, place, "t").code == 3
