"""Text of any kind, also HTML, SVG and scripts: as text, a page of some 16 KiB at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine import _lines_of
from holdfast.examine.view import View

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.view import Wish

VERSION = 1
DECODERS: tuple[str, ...] = ("charset-normalizer", "python")
RANK = 1

LONGEST = 1000
"""Characters of a line that are shown in one piece."""


def match(file: EvidenceFile) -> bool:
    """Accept what is text in some encoding."""
    return _lines_of.encoding(file) is not None


def render(file: EvidenceFile, wish: Wish) -> View:
    """Show the lines of one page; one that is longer than a page goes on in the next."""
    found = _lines_of.page(file, wish.page)
    lines: list[Json] = []
    for one in found.lines:
        for start in range(0, max(1, len(one.text)), LONGEST):
            # Where the piece begins is known for the line's start only.
            at = one.offset if start == 0 else None
            lines.append({"at": at, "text": one.text[start : start + LONGEST]})
    notes = []
    if found.begins_inside:
        notes.append("This page begins in the middle of a line.")
    if found.ends_inside:
        notes.append("The last line of this page goes on in the next.")
    if found.damaged:
        notes.append(f"Some bytes are not {found.encoding}; they are shown as escapes.")
    return View(
        kind="text",
        content={"encoding": found.encoding, "lines": lines, "size": file.size},
        notes=notes,
        pages=found.pages,
        more=wish.page + 1 < found.pages,
    )
