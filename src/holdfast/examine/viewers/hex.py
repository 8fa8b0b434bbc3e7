"""Any file, byte by byte: what every other viewer falls back on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from holdfast.examine.view import View

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.view import Wish

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RANK = 0

ROW = 16
PAGE = 256 * ROW
"""Bytes of one page."""


def match(_file: EvidenceFile) -> bool:
    """Accept anything."""
    return True


def render(file: EvidenceFile, wish: Wish) -> View:
    """Show 256 rows of 16 bytes: the offset, the bytes, and which of them are ASCII."""
    start = wish.page * PAGE
    raw = os.pread(file.descriptor, PAGE, start) if start < file.size else b""
    rows: list[Json] = []
    for at in range(0, len(raw), ROW):
        some = raw[at : at + ROW]
        rows.append([f"{start + at:08x}", some.hex(" "), _ascii(some)])
    pages = max(1, -(-file.size // PAGE))
    return View(
        kind="hex", content={"offset": start, "rows": rows, "size": file.size},
        pages=pages, more=wish.page + 1 < pages,
    )  # fmt: skip


def _ascii(some: bytes) -> str:
    return "".join(chr(one) if 32 <= one < 127 else "." for one in some)
