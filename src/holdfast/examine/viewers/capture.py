"""Web captures (WACZ): which pages they hold. Their pages are replayed elsewhere, never here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from holdfast.examine import _wacz
from holdfast.examine.view import View

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.view import Wish

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RANK = 3

PAGE = 100
"""Captured pages on one page."""
_PAGES = 4 << 20
_TEXT = 2000


def match(file: EvidenceFile) -> bool:
    """Accept ZIP archives that name themselves a WACZ."""
    return _wacz.is_wacz(file)


def render(file: EvidenceFile, wish: Wish) -> View:
    """List the pages that were captured, as the package says."""
    found = []
    for line in _wacz.part(file, "pages/pages.jsonl", _PAGES).splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            continue
        if isinstance(one, dict) and isinstance(one.get("url"), str):
            found.append(one)
    start = wish.page * PAGE
    shown: list[Json] = [
        {name: str(one.get(name, ""))[:_TEXT] for name in ("title", "ts", "url")}
        for one in found[start : start + PAGE]
    ]
    content: dict[str, Json] = {"captured": shown, "count": len(found)}
    notes = ["A replay is no proof of what a browser showed: it has no scripts. The views in the "
             "package are pictures of that moment."]  # fmt: skip
    pages = max(1, -(-len(found) // PAGE))
    return View(
        kind="capture", content=content, notes=notes, pages=pages, more=wish.page + 1 < pages
    )
