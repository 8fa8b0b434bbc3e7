"""The generated reference pages are those of this code."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.testing.reference import PAGES

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_reference_page_is_what_the_code_gives(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](), (
        "write it anew: python -m holdfast.testing.reference docs/reference"
    )
