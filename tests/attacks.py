"""Write docs/reference/attacks.md: each attack that a test makes, and who notices it.

    python -m tests.attacks docs/reference

A test is one by its mark: `@pytest.mark.attack("What the attacker does", "who notices")`.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parent
PAGE = "attacks.md"
HEAD = """# Attacks

Written by `python -m tests.attacks docs/reference` from the tests themselves: each line is a test
that makes the attack and fails where it is not noticed. What is not noticed, and why, is in
[what the log does not prove](../explanation/custody.md#what-it-does-not-prove).

| what the attacker does | who notices | test |
|---|---|---|
"""


class Attack(NamedTuple):
    """One attack."""

    what: str
    who: str
    file: str
    test: str


def attacks() -> list[Attack]:
    """Return every attack that is marked as one, by file and in the order of each."""
    found = []
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                found += [
                    Attack(what, who, str(path.relative_to(TESTS.parent)), node.name)
                    for what, who in map(_said, node.decorator_list)
                    if what
                ]
    return found


def _said(decorator: ast.expr) -> tuple[str, str]:
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) != "pytest.mark.attack":
        return "", ""
    what, who = (ast.literal_eval(one) for one in decorator.args)
    return str(what), str(who)


def page() -> str:
    """Return the page."""
    lines = [
        f"| {one.what} | {one.who} | [{one.test.removeprefix('test_').replace('_', ' ')}]"
        f"(../../{one.file}) |\n"
        for one in attacks()
    ]
    return HEAD + "".join(lines)


if __name__ == "__main__":
    (Path(sys.argv[1]) / PAGE).write_text(page(), "utf-8")
