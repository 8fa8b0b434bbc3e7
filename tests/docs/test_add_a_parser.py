"""The parser that `docs/how-to/add-a-parser.md` builds works, and passes the contract."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from holdfast.testing.parser_contract import ParserTests, regenerate
from tests.docs.console import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.interfaces import Parser

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-parser.md"


def texts(language: str) -> list[str]:
    found = [one for one in blocks(PAGE.read_text("utf-8")) if one.language == language]
    return ["".join(line + "\n" for line in one.lines) for one in found]


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[ParserTests]:
    """The contract suite over the page's parser and case, laid out as the page says."""
    module_file = tmp_path / "doorpass.py"
    module_file.write_text(texts("python")[0], "utf-8")
    case = tmp_path / "cases" / "doorpass" / "two_doors"
    case.mkdir(parents=True)
    readme, content = texts("text")
    (case / "README.md").write_text(readme, "utf-8")
    (case / "input.log").write_text(content, "utf-8")
    (case / "expected.jsonl").write_text(texts("json")[0], "utf-8")
    spec = importlib.util.spec_from_file_location("doorpass", module_file)
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules["doorpass"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)

    class TestDoorpass(ParserTests):
        parser = cast("Parser", module)
        root = tmp_path / "cases"

    yield TestDoorpass()
    del sys.modules["doorpass"]


def test_the_example_passes_the_contract(suite: ParserTests) -> None:
    suite.test_cases()
    suite.test_match()
    suite.test_records()
    suite.test_damage()
    suite.test_flipped_bytes()


def test_a_wrong_expectation_is_noticed(suite: ParserTests) -> None:
    expected = suite.own()[0].folder / "expected.jsonl"
    expected.write_text(expected.read_text("utf-8").replace("archive", "attic"), "utf-8")
    with pytest.raises(AssertionError, match="two_doors"):
        suite.test_cases()


def test_the_class_shown_names_what_exists() -> None:
    shown = texts("python")[1]
    names = {line.split(":")[0].split("=")[0].strip() for line in shown.splitlines()[1:]}
    assert names <= set(ParserTests.__annotations__) | set(vars(ParserTests))
    assert callable(regenerate)
