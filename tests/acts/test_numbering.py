"""Issue "workbench": "exhibits with the country's numbering scheme (AB/1, AB/1/1)"."""

from __future__ import annotations

from itertools import islice

import pytest

from holdfast.cases.numbering import Facts, Pattern, letter
from holdfast.core.errors import InputError

FACTS = Facts("2026-0001", "AB", "C", 7, 3)


@pytest.mark.parametrize(
    ("pattern", "first", "second"),
    [
        ("{initials}/{number}", "AB/7", "AB/8"),
        ("{case}-{letter}-{own}", "2026-0001-C-3", "2026-0001-C-4"),
        ("{year}/{number:04}", "2026/0007", "2026/0008"),
        ("{initials}{own:2}", "", ""),
    ],
)
def test_a_pattern_says_how_a_number_reads(pattern: str, first: str, second: str) -> None:
    chosen = Pattern(pattern)
    if not first:
        with pytest.raises(InputError, match="unknown form"):
            chosen.check()
        return
    chosen.check()
    assert list(islice(chosen.wholes(FACTS), 2)) == [first, second]


def test_parts_count_on_from_those_that_were_given() -> None:
    assert list(islice(Pattern().parts("AB/1", 0), 2)) == ["AB/1/1", "AB/1/2"]
    assert list(islice(Pattern(part="{parent}.{part:02}").parts("AB/1", 4), 1)) == ["AB/1.05"]


@pytest.mark.parametrize(
    ("whole", "part", "why"),
    [
        ("AB", "{parent}/{part}", "does not count"),
        ("{own}", "{parent}/{part}", "same number"),
        ("{number}", "{part}", "does not name its exhibit"),
        ("{number}{name}", "{parent}/{part}", "unknown place"),
        ("{number!r}", "{parent}/{part}", "unknown place"),
        ("{number.real}", "{parent}/{part}", "unknown place"),
        ("{number", "{parent}/{part}", "can't be read"),
        ("<b>{number}", "{parent}/{part}", "a sign that no exhibit number"),
        ("{number}" + "x" * 60, "{parent}/{part}", "too long"),
        ("{number:99}", "{parent}/{part}", "unknown form"),
    ],
)
def test_what_can_not_tell_exhibits_apart_is_refused(whole: str, part: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        Pattern(whole, part).check()


def test_collectors_have_letters() -> None:
    assert [letter(one) for one in (0, 25, 26, 27, 52, 702)] == ["A", "Z", "AA", "AB", "BA", "AAA"]
