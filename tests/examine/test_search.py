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
    "15 أحمد إلى المدينة آخر مؤسسة",
    "16 کتاب‌های من می\u200cخواهم گرامی",
    "17 تلفن ۰۲۱۱۲۳۴۵ و ٠٥٥١٢٣",
    "18 كـــتاب مُحَمَّد",
    "19 北京大学的学生在喝咖啡",
    "20 ラーメンを食べる カレー",
    "21 ｶﾀｶﾅ",
    "22 서울특별시 은행",
    "23 שָׁלוֹם עולם",
    "24 Привет Ёлка",
    "25 pass\u200bword hid\u00adden",
    "26 ပြည်ထောင်စု ភាសាខ្មែរ",
    "27 recieve the paymnet",
    "28 Τράπεζα ΛΟΓΑΡΙΑΣΜΌΣ",
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
        # Arabic and Persian: forms of alef, yeh, kaf and heh, tatweel, vowels, digits, joiners
        "احمد": {15},
        "الى": {15},
        "إلي": {15},
        "المدينه": {15},
        "اخر موسسه": {15},
        "كتابهاي": {16},
        "کتاب‌های": {16},
        "میخواهم": {16},
        "گرامي": {16},
        "02112345": {17},
        "۰۵۵۱۲۳": {17},
        "كتاب": {18},
        "کتاب": {18},
        "محمد": {18},
        # Chinese, Japanese, Korean, Thai, Burmese, Khmer: a part of a run is found
        "大学": {19},
        "北京 咖啡": {19},
        "学大": set(),
        "ラーメン": {20},
        "食べ": {20},
        "カタカナ": {21},
        "은행": {22},
        "서울*": {22},
        "ภาษา": {8},
        "ထောင်စု": {26},
        "ខ្មែរ": {26},
        "שלום": {23},
        "привет елка": {24},
        "τραπεζα λογαριασμος": {28},
        "password": {25},
        "hidden": {25},
        # near misses
        "receive~": {27},
        "payment~2 the": {27},
        "quikc~": {1, 2},
        "qvick~1": {1, 2},
        "receive": set(),
        "rezzzive~": set(),
        "привед~": {24},
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
        ("a.b~", "not one word"),
        ("東京~", "not one word"),
        ("since:yesterday", "not a time that can be read"),
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
        ("العربية", "العَرَبِيَّة"),
        ("محمد", "مُحَمَّد"),
        ("كتاب", "كـــتاب"),
        ("02112345", "۰۲۱۱۲۳۴۵"),
        ("میخواهم", "می\u200cخواهم"),
        ("strasse", "Straße"),
        ("name", "name"),
        ("receive~", "recieve"),
        ("咖啡", "咖啡"),
        ("은행", "은행"),
    ):
        (hit,) = search.query(index, text)
        assert shown in {hit.snippet[start:end] for start, end in hit.marks}, text


def test_a_mark_is_a_whole_word(index: Path) -> None:
    (hit,) = search.query(index, "foobaz foo*")
    assert {hit.snippet[a:b] for a, b in hit.marks} == {"foobar", "foobaz"}


@pytest.fixture
def fielded(bench: Bench) -> Path:
    """Mail and a visit: records with fields of their own, and times of 2026."""
    day = "Date: Tue, 0{} Mar 2026 09:00:00 +0000\n"
    mails = [
        f"From: {who} <{who}@bank.example>\nTo: victim@mail.example\nSubject: {subject}\n"
        + day.format(number) + f"Message-ID: <{number}@x>\n\n{body}\n"
        for number, who, subject, body in (
            (3, "alice", "urgent invoice", "see the page"),
            (4, "bob", "the weather", "no invoice here"),
            (5, "carol", "invoice urgent", "from alice"),
        )
    ]  # fmt: skip
    items = [bench.item(one.encode(), f"{n}.eml") for n, one in enumerate(mails)]
    bench.examine(*items, only=("mail",))
    search.build(bench.derived, [one.item for one in items], bench.index)
    return bench.index


def test_fields_and_dates_are_held_to(fielded: Path) -> None:
    for text, expected in {
        "invoice": {3, 4, 5},
        "subject:invoice": {3, 5},
        'subject:"urgent invoice"': {3},
        "subject:invoise~": {3, 5},
        "subject:inv* from:bank.example": {3, 5},
        "from:alice": {3},
        "alice": {3, 5},
        "to:victim@mail.example": {3, 4, 5},
        "kind:mail.message weather": {4},
        "kind:mail*": {3, 4, 5},
        "kind:mail": set(),
        "since:2026-03-04": {4, 5},
        "until:2026-03-04 invoice": {3, 4},
        "on:2026-03-04": {4},
        "since:2026-03-03T09:00:00Z until:2026-03-03T09:00:00Z": {3},
        "since:2026-03-03T09:00:01Z until:2026-03-04": {4},
        "since:2026-04-01": set(),
        "on:2026-03-04 subject:invoice": set(),
        "nofield:invoice": set(),
    }.items():
        days = set()
        for hit in search.query(fielded, text):
            assert hit.time is not None
            days.add(hit.time // 86_400_000_000 - 20_512)
        assert days == expected, text


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
