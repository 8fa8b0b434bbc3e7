"""Full text: what a user types is found as a user expects, or refused with the reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from holdfast.core.errors import InputError
from holdfast.examine import search

if TYPE_CHECKING:
    from pathlib import Path

    from tests.examine.conftest import Bench

LINES = (
    "1 the quick brown fox",
    "2 brown quick paper",
    "3 wrote to John.Doe@mail.example.org today",
    "4 opened https://www.example.org/path/x?id=42&y=é",
    "5 Été à Łódź, Straße, İstanbul, résumé",
    "6 re\u0301sume\u0301 decomposed",
    "7 東京タワーに行った",
    "8 ภาษาไทยง่าย",
    "9 العَرَبِيَّة",
    "10 हिन्दी पाठ",
    "11 sha " + "ab" * 64,
    "12 foobar foobaz barfoo",
    "13 \uff26\uff35\uff2c\uff2c width",
    "14 C++ and .NET; user_name=root",
)


@pytest.fixture
def index(bench: Bench) -> Path:
    item = bench.item("\n".join(["LINES", *LINES, ""]).encode())
    bench.examine(item, only=("toy_lines",))
    assert search.build(bench.derived, [item.item], bench.index) == len(LINES)
    return bench.index


def test_what_a_user_types_is_found(index: Path) -> None:
    for text, expected in {
        "quick brown": {1, 2},
        "QUICK Brown": {1, 2},
        '"quick brown"': {1},
        '"quick brown" fox': {1},
        "quick wolf": set(),
        "john.doe@mail.example.org": {3},
        "<John.Doe@Mail.Example.Org>": {3},
        "doe@mail.example.org": {3},
        "https://www.example.org/path/x?id=42": {4},
        "www.example.org": {4},
        "example.org": {3, 4},
        "Ete": {5},
        "été": {5},
        "lodz": {5},
        "strasse": {5},
        "istanbul": {5},
        "resume": {5, 6},
        "RÉSUMÉ": {5, 6},
        "東京": {7},
        "タワー": {7},
        "京東": set(),
        "ไทย": {8},
        "العربية": {9},
        "हिन्दी": {10},
        "ab" * 64: {11},
        "foob*": {12},
        "FOOB* barf*": {12},
        "foob": set(),
        "john.doe@mail.exam*": {3},
        '"brown fo"*': {1},
        "full": {13},
        "C++": {14},
        "user_name": {14},
        "root": {14},
    }.items():
        assert {hit.time for hit in search.query(index, text)} == expected, text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing to look for"),
        ("  ?!  ", "nothing to look for"),
        ("*", "nothing to look for"),
        ('"half a phrase', "no partner"),
        ("fo*bar", "not at its end"),
        ("x" * 300, "more than 255 bytes"),
        ("x " * 600, "at most 1000 characters"),
    ],
)
def test_what_can_not_be_looked_for_is_refused_with_the_reason(
    index: Path, text: str, why: str
) -> None:
    with pytest.raises(InputError, match=why.replace("?", r"\?")):
        list(search.query(index, text))


@pytest.mark.parametrize(
    "text",
    [
        *("AND", "a:b", "message:quick", "(quick", "quick)", "[a TO b]", "-quick", "^2", "\\"),
        *("quick~2", "/q.*/", "\0", "\ud800x"),
    ],
)
def test_nothing_a_user_types_is_an_accident(index: Path, text: str) -> None:
    try:
        list(search.query(index, text))
    except InputError:
        return


def test_a_hit_refers_to_its_record_and_shows_it(index: Path) -> None:
    (hit,) = search.query(index, "fox")
    assert (hit.path, hit.parser, hit.parser_version, hit.kind, hit.seq) == (
        "", "toy_lines", 1, "toy.line", 0,
    )  # fmt: skip
    assert (hit.time, hit.time_meaning, hit.offset, hit.row) == (1, "written", 6, 2)
    (start, end), *_ = hit.marks
    assert hit.snippet[start:end] == "fox"


def test_marks_fall_on_the_words_in_any_script(index: Path) -> None:
    for text, shown in (
        ("lodz", "Łódź"),
        ("京タ", "京タ"),
        ("foob*", "foobar"),
        ("full", "\uff26\uff35\uff2c\uff2c"),
    ):
        (hit,) = search.query(index, text)
        assert shown in {hit.snippet[start:end] for start, end in hit.marks}, text


def test_the_limit_holds(index: Path) -> None:
    assert len(list(search.query(index, "line", limit=3))) == 3
    with pytest.raises(InputError):
        list(search.query(index, "line", limit=0))


def test_a_phrase_does_not_reach_across_columns(index: Path) -> None:
    assert list(search.query(index, '"fox line"')) == []


def test_the_index_replaces_the_old_one_whole(bench: Bench, index: Path) -> None:
    other = bench.item(b"LINES\n1 unicorn\n")
    bench.examine(other)
    assert search.build(bench.derived, [other.item], index) == 1
    assert list(search.query(index, "quick")) == []
    assert len(list(search.query(index, "unicorn"))) == 1
    assert json.loads((index / "text" / "built.json").read_bytes())["records"] == 1
    assert [path.name for path in index.iterdir()] == ["text"]


def test_without_an_index_there_is_an_explanation(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no text index"):
        list(search.query(tmp_path, "x"))
