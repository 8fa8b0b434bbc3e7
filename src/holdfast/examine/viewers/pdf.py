"""PDF: each page as a picture, with its text beside it; scripts are counted and never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine import _pictures
from holdfast.examine.record import UnreadableError
from holdfast.examine.view import View

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.view import Wish

VERSION = 1
DECODERS: tuple[str, ...] = ("pillow", "pypdfium2")
RANK = 3

_TEXT = 50_000
_START = 1024  # readers accept the mark anywhere in the first KiB


def match(file: EvidenceFile) -> bool:
    """Accept what has PDF's mark within its first KiB, and does not start as something else."""
    head = file.head
    return b"%PDF-" in head[:_START] and not head.startswith((b"PK\3\4", b"From ", b"\x1f\x8b"))


def render(file: EvidenceFile, wish: Wish) -> View:
    """Show one page.

    Raises:
        UnreadableError: it is encrypted or damaged, or has no such page.
    """
    import pypdfium2  # noqa: PLC0415 - a decoder
    import pypdfium2.raw as pdfium  # noqa: PLC0415

    with file.open() as source:
        try:
            document = pypdfium2.PdfDocument(source)
        except pypdfium2.PdfiumError as error:
            locked = "password" in str(error).lower()
            raise UnreadableError("encrypted" if locked else "PDF is damaged") from error
        try:
            count = len(document)
            if wish.page >= count:
                raise UnreadableError(f"it has {count} pages")
            page = document[wish.page]
            width, height = page.get_size()
            scale = min(3.0, _pictures.LARGEST / max(width, height, 1.0))
            picture = page.render(scale=scale, may_draw_forms=False).to_pil()
            words = page.get_textpage()
            text = words.get_text_range(errors="backslashreplace")[:_TEXT]
            scripts = pdfium.FPDFDoc_GetJavaScriptActionCount(document.raw)
            attached = pdfium.FPDFDoc_GetAttachmentCount(document.raw)
            words.close()
            page.close()
        except (pypdfium2.PdfiumError, UnicodeError, OSError, ValueError) as error:
            raise UnreadableError("the page is damaged") from error
        finally:
            document.close()
    notes = []
    if scripts > 0:
        notes.append(f"It holds {scripts} scripts, which are not run.")
    if attached > 0:
        notes.append(f"It has {attached} files attached: they are among the files inside it.")
    content: dict[str, Json] = {"text": text.replace("\r\n", "\n").replace("\0", "")}
    return View(
        kind="document", content=content, notes=notes, pictures=_pictures.both(picture),
        pages=count, more=wish.page + 1 < count,
    )  # fmt: skip
