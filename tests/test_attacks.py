"""The page of attacks is of these tests, and has every attack that Holdfast is to survive."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks import PAGE, attacks, page

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
SURVIVED = (
    "edits a row", "edits an entry", "edits an object", "edits a tile",
    "Re-signs a rebuilt log with the true key", "Backdates an entry",
    "Drops the last k entries and re-signs", "Shows two partners two histories",
    "Strips an actor's signature", "Strips the log's signature", "Strips a stamp",
    "Strips a cosignature", "Replays an old checkpoint", "Swaps a time authority",
    "Changes a case number", "Renames an exhibit", "Forges a bundle with valid BagIt manifests",
    "Removes one entry from a disclosure", "a symlink into a bundle", "`../` into a bundle",
    "Drops the last entry of a case", "Uses a number of a case twice", "Opens a second chain",
)  # fmt: skip


def test_the_page_is_what_the_tests_give() -> None:
    assert (FOLDER / PAGE).read_text("utf-8") == page(), (
        "write it anew: python -m tests.attacks docs/reference"
    )


@pytest.mark.parametrize("attack", SURVIVED)
def test_each_attack_to_survive_is_made(attack: str) -> None:
    assert any(attack in one.what for one in attacks())


def test_no_two_attacks_are_called_the_same() -> None:
    said = [one.what for one in attacks()]
    assert len(said) == len(set(said))
