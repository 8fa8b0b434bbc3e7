"""A unit's own patterns: found, keyed, refused where they can't be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from holdfast.core.errors import HoldfastError, InputError
from holdfast.examine import patterns, results
from holdfast.examine.block import each
from holdfast.examine.finders import own_patterns
from holdfast.examine.patterns import Pattern
from holdfast.examine.run import examine
from holdfast.examine.timeline import records
from holdfast.testing.parser_contract import evidence
from tests.examine.conftest import QUICK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from holdfast.examine.block import Block
    from holdfast.examine.record import Indicator
    from tests.examine.conftest import Bench

BADGE = Pattern("badge", r"(?i)badge[- ]\d{4}\b")


@pytest.fixture(autouse=True)
def _none_in_use() -> Iterator[None]:
    yield
    own_patterns.use(None)


def _each(blocks: Iterator[Block]) -> list[Indicator]:
    return cast("list[Indicator]", list(each(blocks)))


def found(content: bytes, *given: Pattern) -> list[tuple[str, str, int | None]]:
    own_patterns.use(patterns.to_json(given))
    with evidence(content) as file:
        return [(one.type, one.value, one.offset) for one in _each(own_patterns.find(file))]


def test_they_are_found_in_each_way_of_writing_text() -> None:
    text = "first badge 0451, then BADGE-0007\nbadge 12345"
    assert found(text.encode(), BADGE) == [
        ("own.badge", "badge 0451", 6), ("own.badge", "BADGE-0007", 23),
    ]  # fmt: skip
    assert [place for *_, place in found(text.encode("utf-16-le"), BADGE)] == [12, 46]


@pytest.mark.parametrize(
    ("regex", "text", "values"),
    [
        ("x", "x\nax\nxx", ["x", "x", "x", "x"]),
        ("^ab$", "ab\nabc\nab", ["ab", "ab"]),
        ("сч[её]т", "мой счёт здесь", ["счёт"]),
        (r"(a|b)\1", "ab aa bb", ["aa", "bb"]),
        (r"(?<=id=)[0-9]+", "id=77 no=88", ["77"]),
    ],
)
def test_python_says_what_matches(regex: str, text: str, values: list[str]) -> None:
    """Look-behind and back references too, which the first pass only approximates."""
    hits = found(text.encode(), Pattern("one", regex))
    assert [value for _, value, _ in hits] == values


def test_they_are_part_of_the_key_and_of_the_result(bench: Bench) -> None:
    item = bench.item(b"badge 0451 at the gate")

    def run(*given: Pattern) -> str:
        settings = {"own_patterns": patterns.to_json(given)} if given else {}
        examine([item], bench.derived, limits=QUICK, only=("own_patterns",), settings=settings)
        now = results.current(bench.derived, item.item)
        assert now is not None
        return now.modules["finder:own_patterns"].key

    bare = run()
    assert list(records(bench.derived, [item.item], kind="indicator")) == []
    keyed = run(BADGE)
    assert keyed != bare
    (row,) = records(bench.derived, [item.item], kind="indicator")
    assert (row["type"], row["value"], row["valid"]) == ("own.badge", "badge 0451", True)
    assert run(BADGE) == keyed
    assert run(Pattern("badge", "gate")) not in {bare, keyed}


def test_what_hyperscan_cannot_take_ends_the_examination_in_words(bench: Bench) -> None:
    item = bench.item(b"x")
    with pytest.raises(HoldfastError, match="can't be compiled"):
        examine(
            [item], bench.derived, limits=QUICK, only=("own_patterns",),
            settings={"own_patterns": [["big", "(?:a{1000}b{1000}){1000}"]]},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no toml", "not TOML"),
        ("a = 1", r"\[\[pattern\]\]"),
        ('[[pattern]]\nname = "a"', "a name and a regex"),
        ('[[pattern]]\nname = "A b"\nregex = "x"', "won't do"),
        ('[[pattern]]\nname = "a"\nregex = "("', "no regular expression"),
        ('[[pattern]]\nname = "a"\nregex = "x*"', "nothing at all"),
        ('[[pattern]]\nname = "a"\nregex = "x"\n' * 2, "two patterns"),
    ],
)
def test_a_file_that_will_not_do_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=words):
        patterns.load(path)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text("[[pattern]]\nname = 'badge'\nregex = '(?i)badge[- ]\\d{4}\\b'\n", "utf-8")
    assert patterns.load(path) == (BADGE,)
