"""PDF by PDFium: text of each page, metadata, links; JavaScript, attachments and forms are named.

An attachment's bytes are the `pdf` opener's work. A file that wants a password gives a failure.
"""

from __future__ import annotations

import ctypes
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pypdfium2
import pypdfium2.raw as pdfium

from holdfast.examine.parsers._document import MANY, Document, DocumentText, clean, line, texts
from holdfast.examine.record import DAY_ONLY, EXACT, ZONE_ASSUMED, Failure, UnreadableError, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Record

VERSION = 2
DECODERS: tuple[str, ...] = ("pypdfium2", "python")
RECORDS: tuple[type[Record], ...] = (Document, DocumentText)

_PAGES = 100_000
_START = 1024  # readers accept the mark anywhere in the first KiB
_URL = 4096
_SCRIPT = 2000
_URI = 3  # PDFACTION_URI
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"D?:?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?'?)?")
_FORMS = {1: "form (AcroForm)", 2: "form (XFA)", 3: "form (XFA)"}


def match(file: EvidenceFile) -> bool:
    """Accept what has PDF's mark within its first KiB, and does not start as something else."""
    head = file.head
    return b"%PDF-" in head[:_START] and not head.startswith((b"PK\3\4", b"From ", b"\x1f\x8b"))


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield the document, then the text of each page.

    Raises:
        UnreadableError: it is encrypted, or not a PDF that PDFium can open.
    """
    with file.open() as source:
        document = _opened(source)
        try:
            yield from _read(document)
        finally:
            document.close()


def _opened(source: Any) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        raise UnreadableError("encrypted" if locked else "PDF is damaged") from error


def _read(document: pypdfium2.PdfDocument) -> Iterator[Record]:
    links: dict[str, None] = {}
    count = len(document)
    for number in range(min(count, _PAGES)):
        with suppress(pypdfium2.PdfiumError):  # the page's failure comes with its text
            page = document[number]
            _links(document, page, links)
            page.close()
    yield _document(document, count, list(links))
    for number in range(count):
        if number >= _PAGES:
            yield Failure(message=f"{count} pages", reason=f"over {_PAGES} pages: read up to there")
            return
        try:
            page = document[number]
            found = page.get_textpage()
            text = found.get_text_range(errors="backslashreplace")
            found.close()
            page.close()
        except (pypdfium2.PdfiumError, UnicodeError):
            yield Failure(message=f"page {number + 1}", reason="page can't be read")
            continue
        yield from texts(f"page {number + 1}", (text.replace("\r\n", "\n").replace("\0", ""),))


def _document(document: pypdfium2.PdfDocument, count: int, links: list[str]) -> Document:
    known = {key: clean(value) for key, value in document.get_metadata_dict().items() if value}
    created, changed = _time(known.get("CreationDate")), _time(known.get("ModDate"))
    meaning = "created" if changed is None else "modified"
    stamp = known.get("CreationDate" if changed is None else "ModDate")
    title = known.get("Title")
    return Document(
        message=line(title or f"PDF of {count} pages"),
        **timed(changed or created, meaning, _quality(stamp), stamp),
        format="pdf",
        title=title,
        author=known.get("Author"),
        created_time=created,
        application=known.get("Producer") or known.get("Creator"),
        pages=count,
        links=links,
        features=[*_scripts(document), *_attached(document), *_form(document)][:MANY],
        properties=[f"{key}={value}" for key, value in known.items()],
    )


def _form(document: pypdfium2.PdfDocument) -> list[str]:
    words = _FORMS.get(pdfium.FPDF_GetFormType(document.raw))
    return [words] if words else []


def _wide(ask: Any) -> str:
    """Return what a PDFium function writes as UTF-16 into a buffer that it first asks for."""
    size = ask(None, 0)
    if not 2 < size < 1 << 24:
        return ""
    buffer = ctypes.create_string_buffer(size)
    ask(ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return clean(buffer.raw[: size - 2].decode("utf-16-le", "backslashreplace"))


def _scripts(document: pypdfium2.PdfDocument) -> list[str]:
    out = []
    for number in range(min(MANY, pdfium.FPDFDoc_GetJavaScriptActionCount(document.raw))):
        action = pdfium.FPDFDoc_GetJavaScriptAction(document.raw, number)
        if not action:
            continue
        script = _wide(lambda b, n, a=action: pdfium.FPDFJavaScriptAction_GetScript(a, b, n))
        out.append(f"JavaScript: {' '.join(script.split())[:_SCRIPT]}")
        pdfium.FPDFDoc_CloseJavaScriptAction(action)
    return out


def _attached(document: pypdfium2.PdfDocument) -> list[str]:
    out = []
    for number in range(min(MANY, pdfium.FPDFDoc_GetAttachmentCount(document.raw))):
        one = pdfium.FPDFDoc_GetAttachment(document.raw, number)
        name = _wide(lambda b, n, a=one: pdfium.FPDFAttachment_GetName(a, b, n)) if one else ""
        out.append(f"attachment: {' '.join(name.split())[:500]}")
    return out


def _links(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, links: dict[str, None]
) -> None:
    position, link = ctypes.c_int(0), pdfium.FPDF_LINK()
    while len(links) < MANY and pdfium.FPDFLink_Enumerate(page.raw, position, link):
        action = pdfium.FPDFLink_GetAction(link)
        if not action or pdfium.FPDFAction_GetType(action) != _URI:
            continue
        size = pdfium.FPDFAction_GetURIPath(document.raw, action, None, 0)
        if 1 < size <= _URL:
            buffer = ctypes.create_string_buffer(size)
            pdfium.FPDFAction_GetURIPath(document.raw, action, buffer, size)
            links[buffer.value.decode("utf-8", "backslashreplace")] = None


def _quality(text: str | None) -> str:
    """Say how certain a date is: hours and zone may be left out (ISO 32000-2, 7.9.4)."""
    found = _DATE.match(text) if text else None
    if found is None or found[4] is None:
        return DAY_ONLY
    zoned = found[7] is not None or found[0].endswith("Z")
    return EXACT if zoned else ZONE_ASSUMED


def _time(text: str | None) -> int | None:
    found = _DATE.match(text) if text else None
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        moment = datetime(year, month or 1, day or 1, hour, minute, second, tzinfo=UTC)
        if found[7]:
            shift = timedelta(hours=int(found[8]), minutes=int(found[9] or 0))
            moment -= shift if found[7] == "+" else -shift
    except (ValueError, OverflowError):
        return None
    return (moment - _EPOCH) // timedelta(microseconds=1)
