"""The house's rules that the import linter can't hold by itself."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMINE = ROOT / "src" / "holdfast" / "examine"


def test_every_parser_finder_and_opener_is_held_to_independence() -> None:
    """A new one is a file; this says so where its line in the linter's contract is missing."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    listed = {
        module
        for contract in contracts["contracts"]
        if contract["type"] == "independence"
        for module in contract["modules"]
    }
    there = {
        f"holdfast.examine.{folder}.{path.stem}"
        for folder in ("finders", "openers", "parsers", "seconds", "viewers")
        for path in (EXAMINE / folder).glob("[!_]*.py")
    }
    assert listed == there


def test_no_module_is_longer_than_400_lines() -> None:
    """DESIGN, Taste: modules of about 100 lines; look again at 400."""
    long = {
        path.relative_to(ROOT): count
        for path in (ROOT / "src").rglob("*.py")
        if (count := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert not long
