"""What changed between two versions of a parser, over results that lie beside each other."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from holdfast.examine import comparison, results
from holdfast.examine.comparison import Change, Comparison, compare, pairs
from holdfast.examine.run import examine
from tests.examine.conftest import PLUGINS, QUICK, TOYS

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.examine.run import Input
    from tests.examine.conftest import Bench

FIRST = b"LINES\n1 alpha\n2 beta\n3 gamma\n4 delta\n"


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the toys that a test may change between two examinations."""
    copy = tmp_path / "toys"
    shutil.copytree(TOYS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(sys, "path", [str(copy), *(p for p in sys.path if p != str(TOYS))])
    return copy


def changed(toys: Path, version: int, *edits: tuple[str, str]) -> None:
    """Give the toy parser another version, and other ways."""
    path = toys / "toy_lines.py"
    text = (TOYS / "toy_lines.py").read_text()
    for old, new in (("VERSION = 1", f"VERSION = {version}"), *edits):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text)


def run(bench: Bench, *items: Input) -> None:
    examine(items, bench.derived, limits=QUICK, only=("toy_lines",), plugins=PLUGINS)


def compared(bench: Bench, item: Input, wanted: str) -> tuple[list[Change], list[Comparison]]:
    now = results.current(bench.derived, item.item)
    assert now is not None
    found = [
        one for label, old, new in pairs(now, wanted)
        for one in compare(bench.derived, now, label, old, new)
    ]  # fmt: skip
    return (
        [one for one in found if isinstance(one, Change)],
        [one for one in found if isinstance(one, Comparison)],
    )


SECOND = (
    ("message=words or text,", 'message=(words or text).replace("beta", "BETA"),'),
    ("            elif row > 1:", '            elif b"gamma" in raw:\n'
     '                yield Failure(message="a line", reason="no gamma here", row=row)\n'
     "            elif row > 1 and b\"alpha\" not in raw:"),
)  # fmt: skip


def test_what_a_new_version_makes_otherwise_is_listed(bench: Bench, toys: Path) -> None:
    item = bench.item(FIRST)
    run(bench, item)
    changed(toys, 2, *SECOND)
    run(bench, item)
    changes, (sums,) = compared(bench, item, "previous")
    assert [(one.kind, one.change, one.row) for one in changes] == [
        ("failure", "added", 4),
        ("toy.line", "gone", 2),
        ("toy.line", "changed", 3),
        ("toy.line", "gone", 4),
    ]
    assert changes[2].fields == {"message": ("beta", "BETA")}
    assert (changes[2].offset, changes[2].length, changes[2].message) == (14, 7, "BETA")
    assert sums.module == "parser:toy_lines" and not sums.same
    assert (sums.old.facts["version"], sums.new and sums.new.facts["version"]) == (1, 2)
    lines, failures = sums.kinds["toy.line"], sums.kinds["failure"]
    assert (lines.old, lines.new, lines.added, lines.gone, lines.changed) == (4, 2, 0, 2, 1)
    assert (failures.old, failures.new, failures.added) == (0, 1, 1)
    assert sums.ledger == {"failures": (0, 1), "records": (4, 2)}


def test_a_version_that_makes_the_same_says_so(bench: Bench, toys: Path) -> None:
    item = bench.item(FIRST)
    run(bench, item)
    changed(toys, 7)
    run(bench, item)
    changes, (sums,) = compared(bench, item, "toy_lines@1")
    assert (changes, sums.same, sums.ledger) == ([], True, {})


def test_records_at_one_place_are_matched_in_their_order(bench: Bench, toys: Path) -> None:
    item = bench.item(FIRST)
    twice = ("                yield Line(", "                for _ in (1, 2):\n"
             '                  yield Line(')  # fmt: skip
    changed(toys, 1, twice)
    run(bench, item)
    changed(toys, 2)
    run(bench, item)
    changes, _ = compared(bench, item, "previous")
    assert [(one.change, one.row) for one in changes] == [("gone", row) for row in (2, 3, 4, 5)]


def test_a_column_that_is_new_or_gone_is_a_change(bench: Bench, toys: Path) -> None:
    item = bench.item(b"LINES\n1 alpha\n")
    run(bench, item)
    changed(
        toys, 2,
        ("    title: str | None = None\n", "    caption: str | None = None\n"),
        ('title=f"line {row}"', 'caption=f"line {row}"'),
    )  # fmt: skip
    run(bench, item)
    ((change,), _) = compared(bench, item, "toy_lines")
    assert change.fields == {"title": ("line 2", None), "caption": (None, "line 2")}


def test_old_results_lie_beside_new_ones_and_are_chosen_by_version_or_key(
    bench: Bench, toys: Path
) -> None:
    item = bench.item(FIRST)
    for version in range(1, results.KEPT + 3):
        changed(toys, version)
        run(bench, item)
    now = results.current(bench.derived, item.item)
    assert now is not None
    versions = [
        one.result.facts["version"] for one in now.earlier if one.module == "parser:toy_lines"
    ]
    assert versions == [2, 3, 4, 5]
    folders = {path.name for path in (bench.derived / item.item).iterdir() if path.is_dir()}
    named = {result.key for result in (*now.modules.values(), *(o.result for o in now.earlier))}
    assert folders <= named and len(folders) == results.KEPT + 1
    key = now.earlier[0].result.key
    ((label, old, new),) = pairs(now, key[:12])
    assert (label, old.key, new) == ("parser:toy_lines", key, now.modules[label])
    assert [old.facts["version"] for _, old, _ in pairs(now, "toy_lines@3")] == [3]
    assert [old.facts["version"] for _, old, _ in pairs(now, "toy_lines")] == [5]
    assert list(pairs(now, "toy_lines@1")) == []
    assert list(results.verify(bench.derived, [item.item])) == []


def test_only_what_is_in_force_is_read(bench: Bench, toys: Path) -> None:
    item = bench.item(FIRST)
    run(bench, item)
    changed(toys, 2, *SECOND)
    run(bench, item)
    found = list(results.datasets(bench.derived, [item.item]))
    assert sorted(one.kind for one in found) == ["failure", "toy.line"]
    assert comparison.PREVIOUS == "previous"
