"""Issue "workbench": "printable": paper says of which case it is, and has no navigation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pypdfium2
from PIL import ImageStat

from tests.serving import CASE

if TYPE_CHECKING:
    from tests.serving import Served

PAGES = ("custody?item=LE/1", "findings/1", "label?exhibit=LE/1", "ledger")


def test_pages_are_printed_whole_and_say_of_which_case(workbench: Served, tab: Any) -> None:
    """By Chromium, in dark mode too: paper is white."""
    page = tab(workbench, "lena", "/", color_scheme="dark")
    for address in PAGES:
        page.goto(f"/cases/{CASE}/{address}")
        document = pypdfium2.PdfDocument(page.pdf(format="A4", print_background=True))
        first = document[0]
        text = " ".join(first.get_textpage().get_text_range().split())
        assert f"{CASE} The fake bank" in text, address
        for word in ("Sign out", "All cases", "Language", "Hand-over of the case"):
            assert word not in text, (address, word)
        if address.startswith("custody"):
            assert "Entry Time Who Act" in text, "no heading is broken in the middle of a word"
        light = ImageStat.Stat(first.render(scale=0.5).to_pil().convert("L")).mean[0]
        assert light > 200, address
        document.close()
