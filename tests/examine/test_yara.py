"""YARA rules over every file, those inside containers too."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.core.errors import InputError
from holdfast.examine import results, run, told, yara
from holdfast.examine.file import evidence_from
from holdfast.examine.finders import yara as finder
from holdfast.examine.limits import Limits
from holdfast.examine.record import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.examine.conftest import Bench
    from tests.line import Line

SHELL = """
rule shell : webshell php {
  meta:
    author = "the unit"
    score = 80
    sure = true
  strings:
    $eval = "eval("
    $post = /\\$_(GET|POST)/
  condition:
    all of them
}
"""
BODY = b"<?php eval($_POST['x']); eval($_GET['y']); ?>"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    (folder / "web").mkdir(parents=True)
    (folder / "web" / "shells.yar").write_text(SHELL)
    (folder / "other.yara").write_text("rule shell { condition: filesize == 3 }")
    (folder / "readme.txt").write_text("no rules")
    return folder


@pytest.fixture(autouse=True)
def untold() -> Iterator[None]:
    yield
    finder.use(None)


def test_a_rule_is_found_inside_a_container_with_its_places(
    line: Line, tmp_path: Path, rules: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "site.zip", "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("up/x.php", b"###" + BODY)
        box.writestr("abc.txt", b"abc")
    line.collect(tmp_path / "site.zip")
    line.must("examine", "--case", line.case, "--jobs", 1, "--yara", rules)
    loaded = yara.load(rules)
    (started,) = line.entries("examine.start")
    assert started["items"] == 1
    rows = line.must("matches", "--case", line.case, "--json").rows
    assert [(row["inside"], row["namespace"], row["rule"]) for row in rows] == [
        ("up/x.php", "web/shells.yar", "shell"),
        ("abc.txt", "other.yara", "shell"),
    ]
    first = rows[0]
    assert first["strings"] == ["$eval@9+5", "$eval@28+5", "$post@14+6", "$post@33+5"]
    assert (first["offset"], first["length"], first["strings_found"]) == (9, 5, 4)
    assert first["tags"] == ["webshell", "php"]
    assert first["meta"] == ["author=the unit", "score=80", "sure=true"]
    assert first["rules_sha256"] == loaded.sha256
    only = line.must("matches", "--case", line.case, "--json", "--rule", "nothing").rows
    assert only == []
    line.intact()


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        (SHELL + "rule y {\n  condition:\n    foo\n}\n", 15, "foo"),
        ("rule x {\n condition: true\n", 3, "syntax"),
        ('include "other.yara"\nrule x { condition: true }', 1, "include"),
        ("rule x { condition: true }\n// \udcff", 2, "UTF-8"),
    ],
)
def test_a_broken_rule_names_its_file_and_line_and_nothing_is_examined(
    line: Line, tmp_path: Path, rules: Path, *, text: str, at: int, why: str
) -> None:
    broken = rules / "broken.yar"
    broken.write_bytes(text.encode("utf-8", "surrogateescape"))
    (tmp_path / "f").write_bytes(BODY)
    line.collect(tmp_path / "f")
    done = line("examine", "--case", line.case, "--jobs", 1, "--yara", rules)
    assert done.code == 3
    (told_,) = done.err.splitlines()
    assert f"{broken}, line {at}: " in told_
    assert why in told_
    assert line.entries("examine.start") == []


def test_no_rule_is_no_examination(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.yar").write_text("// nothing\n")
    for place in (tmp_path / "empty", tmp_path / "a.yar", tmp_path / "missing"):
        with pytest.raises(InputError):
            yara.load(place)


def test_other_rules_are_another_result_and_the_same_are_not_run_again(
    bench: Bench, rules: Path
) -> None:
    source = bench.item(BODY)

    def examined() -> tuple[int, str]:
        given = told.read(yara=rules)
        done = run.examine([source], bench.derived, settings=given.settings,
                           limits=Limits(), only=("yara",))  # fmt: skip
        now = results.current(bench.derived, source.item)
        assert now is not None
        return done.examined, now.modules["finder:yara"].key

    first, key = examined()
    again, same = examined()
    (rules / "other.yara").write_text("rule another { condition: true }")
    changed, other = examined()
    assert (first, again, changed) == (1, 0, 1)
    assert key == same != other


def matches(tmp_path: Path, text: str, content: bytes) -> list[Any]:
    (tmp_path / "r.yar").write_text(text)
    (tmp_path / "scratch").mkdir(exist_ok=True)
    (tmp_path / "content").write_bytes(content)
    finder.use(yara.load(tmp_path / "r.yar").to_json())
    return list(finder.find(evidence_from(tmp_path / "content", tmp_path / "scratch")))


def test_rules_that_take_too_long_are_a_failure_of_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "SECONDS", 1)
    endless = "rule x { condition: for all i in (0..100000000000) : (i * i != 3) }"
    with pytest.raises(UnreadableError, match="too long"):
        matches(tmp_path, endless, b"abc")


def test_a_large_file_is_mapped_and_a_larger_one_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "IN_MEMORY", 10)
    monkeypatch.setattr(finder, "MOST", 60)
    (found,) = matches(tmp_path, SHELL, b"###" + BODY)
    assert found.strings[0] == "$eval@9+5"
    with pytest.raises(UnreadableError, match="larger than"):
        matches(tmp_path, SHELL, BODY * 2)


def test_many_strings_are_counted_and_the_first_are_listed(tmp_path: Path) -> None:
    (found,) = matches(tmp_path, 'rule x { strings: $a = "ab" condition: $a }', b"ab" * 500)
    assert (found.strings_found, len(found.strings)) == (500, finder.LISTED)
    assert found.strings[-1] == "$a@198+2"


def test_rules_reach_no_file_that_was_not_named(tmp_path: Path) -> None:
    """An `include` could name any file of the machine, and the digest would not know of it."""
    (tmp_path / "secret.yar").write_text("rule inner { condition: true }")
    (tmp_path / "outer.yar").write_text(f'include "{tmp_path / "secret.yar"}"\n' + SHELL)
    with pytest.raises(InputError, match=r"line 1: .*include"):
        yara.load(tmp_path / "outer.yar")
