"""PDF by pypdf (BSD, pure Python): how many pages, which title, which author.

The text of pages is not compared: two readers never give it in one order and with the same blanks.
"""

from __future__ import annotations

import logging
import unicodedata
from typing import TYPE_CHECKING, Any

import pypdf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Record

VERSION = 1
DECODERS: tuple[str, ...] = ("pypdf",)
OF = "pdf"
KEY = ("part",)
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def match(file: EvidenceFile) -> bool:
    """Accept what starts as a PDF."""
    return file.head.startswith(b"%PDF-")


def said(record: Record) -> dict[str, Json] | None:
    """Return what the document's record, or that of a page, says."""
    if record.KIND == "document":
        pages = getattr(record, "pages", None)
        return {"part": "document", "pages": pages, "title": _line(getattr(record, "title", None)),
                "author": _line(getattr(record, "author", None))}  # fmt: skip
    return None


def read(file: EvidenceFile) -> Iterator[dict[str, Json]]:
    """Yield the document.

    Raises:
        pypdf.errors.PyPdfError: it can't be read, or wants a password.
    """
    with file.open() as stream:
        document = pypdf.PdfReader(stream)
        known: Any = document.metadata or {}
        yield {
            "part": "document",
            "pages": len(document.pages),
            "title": _line(known.get("/Title")),
            "author": _line(known.get("/Author")),
        }


def _line(text: object) -> str | None:
    plain = " ".join(unicodedata.normalize("NFC", str(text)).split()) if text is not None else ""
    return plain or None
