"""Write docs/reference/bagit-suite.md: what we say of each bag and vector of the suites of others.

python -m tests.vectors CORPUS docs/reference
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from holdfast.exchange.check import bagit

PAGE = "bagit-suite.md"
HEAD = """\
# The suites of others

Written by `python -m tests.vectors CORPUS docs/reference`, CORPUS being the folder that
`./dev corpus` reads; a test holds this page to what it writes.

## Merkle proofs

Vectors of transparency-dev/merkle, by kind: how many are to be taken and how many to be refused.
All are judged here as they say (`tests/vault/test_merkle.py`).

| vectors | to be taken | to be refused |
|---|---|---|
"""
BAGS = """
## Bags

The BagIt conformance suite of the Library of Congress: what the suite says of each bag, what
`holdfast check --bagit` says, and the first reason. *Warning* is valid, and told. Where the two
differ, [bundle.md](../formats/bundle.md#foreign-bags) says why.

| bag | the suite | here | reason |
|---|---|---|---|
"""


def page(corpus: Path) -> str:
    """Return the page."""
    lines = [HEAD]
    for kind in sorted(one.name for one in (corpus / "merkle").iterdir() if one.is_dir()):
        said = Counter(
            bool(json.loads(path.read_text()).get("wantErr"))
            for path in (corpus / "merkle" / kind).rglob("*.json")
        )
        if said:
            lines.append(f"| {kind} | {said[False]} | {said[True]} |\n")
    lines.append(BAGS)
    suite = corpus / "bagit-suite"
    for folder in sorted(suite.glob("v*/*/*/")):
        name = str(folder.relative_to(suite))
        found = bagit.read(folder)
        here = "invalid" if not found.valid else "warning" if found.warnings else "valid"
        reason = next(iter((*found.problems, *found.warnings)), "")
        plain = reason.encode("unicode_escape").decode().replace("|", "\\|")[:110]
        lines.append(f"| `{name}` | {_due(name.split('/')[1])} | {here} | {plain} |\n")
    return "".join(lines)


def _due(kind: str) -> str:
    return {"linux-only": "invalid", "windows-only": "invalid"}.get(kind, kind)


if __name__ == "__main__":
    (Path(sys.argv[2]) / PAGE).write_text(page(Path(sys.argv[1])), "utf-8")
