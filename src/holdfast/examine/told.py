"""What an examination is told beyond the items: Sigma and YARA rules, patterns, a mapping.

Each comes from a file or folder that an operator names, is judged here, in the house, and goes to
the module of its name as plain JSON. Its digest is part of the key of what that module finds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.examine import patterns as own
from holdfast.examine import sigma as rules
from holdfast.examine import yara as signatures
from holdfast.examine.crosscheck import CROSS_CHECK
from holdfast.examine.mapping import MAPPED, read_mapping

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class Told:
    """Settings by module, and what is said of them."""

    settings: dict[str, Json] = field(default_factory=dict)
    """What each module is told, by its name."""
    facts: dict[str, Json] = field(default_factory=dict)
    """What the custody log keeps of it."""
    notes: tuple[str, ...] = ()
    """What could not be used, one line each."""


def read(
    *,
    sigma: Path | None = None,
    patterns: Path | None = None,
    mapping: Path | None = None,
    cross_check: bool = False,
    yara: Path | None = None,
    similar: bool = False,
) -> Told:
    """Read what is named; with `cross_check`, second opinions are asked for.

    Raises:
        InputError: no Sigma rules in the folder, a broken YARA rule, or a file that won't do.
    """
    settings: dict[str, Json] = {}
    facts: dict[str, Json] = {}
    notes: list[str] = []
    if sigma is not None:
        found = rules.load(sigma)
        settings["sigma"] = found.rules
        facts["sigma"] = {
            "rules": len(found.rules), "sha256": found.digest(), "unusable": len(found.unusable),
        }  # fmt: skip
        notes += [f"a Sigma rule can't be used: {one}" for one in found.unusable]
    if patterns is not None:
        given = own.load(patterns)
        settings["own_patterns"] = own.to_json(given)
        facts["patterns"] = own.digest(given)
    if mapping is not None:
        settings[MAPPED] = facts["mapping"] = read_mapping(mapping).to_json()
    if cross_check:
        settings[CROSS_CHECK] = facts[CROSS_CHECK] = True
    if yara is not None:
        matched = signatures.load(yara)
        settings["yara"] = matched.to_json()
        facts["yara"] = {"rules": matched.rules, "sha256": matched.sha256}
    if similar:
        settings |= {"similar_pictures": True, "similar_texts": True}
        facts["similar"] = True
    return Told(settings, facts, tuple(notes))
