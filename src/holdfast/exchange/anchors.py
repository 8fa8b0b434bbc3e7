"""The page of anchors: what a court keeps on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.digest import sha256_hex
from holdfast.exchange import pdf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.vault.checkpoint import Checkpoint


def as_pdf(lines: Sequence[str], head: Checkpoint, printed: str) -> bytes:
    """Return the page as PDF/A-2b; `printed` says when, as RFC 3339."""
    text = "".join(f"{line}\n" for line in lines)
    return pdf.made(
        "anchors",
        {
            "entries": head.size,
            "lines": list(lines),
            "log": head.origin,
            "printed": printed,
            "sha256": sha256_hex(text.encode()),
        },
    )
